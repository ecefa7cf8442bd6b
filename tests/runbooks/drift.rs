//! [drift-alarm](../../ops/runbooks/drift-alarm.md)

use verbatim_tests::until;

use crate::{
    operator::Operator,
    page::Page,
    sqlite::{serving, sqlite},
};

#[tokio::test]
async fn a_row_altered_by_hand_raises_the_alarm_and_a_rebuild_ends_it() {
    let mut operator = Operator::on_duty(&[("VERBATIM_VERIFY_INTERVAL_S", "1")]).await;
    let ann = operator.stage().person("ann").await;
    let room = operator.stage().room(&[&ann]).await;
    ann.send(&room.channel, "what was said").await;
    ann.read(&format!("/channels/{}/messages", room.channel)).await.is(200);
    let file = serving(&operator.data(), "timeline");
    sqlite(&file, "update timeline_message set body = 'what was never said'");
    until("the alarm", async || alarmed(&operator).await.then_some(())).await;

    let printed = operator.follows(&Page::read("drift-alarm").below("What to do")).await;

    assert!(printed.contains(&room.channel), "the page names no channel:\n{printed}");
    until("the alarm to end", async || (!alarmed(&operator).await).then_some(())).await;
    let ann = operator.stage().signed_in(&ann.handle).await;
    let page = ann.read(&format!("/channels/{}/messages", room.channel)).await.is(200);
    assert_eq!(page.items()[0]["body"], "what was said");
}

async fn alarmed(operator: &Operator) -> bool {
    let metrics = operator.stage().get("/metrics").send().await.text;
    metrics
        .lines()
        .any(|line| line.starts_with("projection_drift{") && line.contains("timeline") && !line.ends_with(" 0"))
}
