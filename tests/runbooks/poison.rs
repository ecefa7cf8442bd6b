//! [poison-event](../../ops/runbooks/poison-event.md)

use serde_json::json;
use verbatim_tests::until;

use crate::{operator::Operator, page::Page, sqlite::sqlite};

/// One event more at the end of a channel's stream, of which nothing fits its checksum.
const DAMAGED: &str = "
    insert into events
    select
        (select position + 1 from head), stream, max(revision) + 1, randomblob(16), 0, 'message.sent', 1, actor, 'by-hand', intent,
        request_id, recorded_at, cast('{\"body\": 7' as blob), 0
    from events
    where stream = (select stream from events where kind = 'message.sent' order by position desc limit 1);
    update head set position = position + 1;
    select position from head";

#[tokio::test]
async fn a_damaged_event_is_found_and_passed_over_while_the_others_write() {
    let mut operator = Operator::on_duty(&[]).await;
    let ann = operator.stage().person("ann").await;
    let (hurt, whole) = (
        operator.stage().room(&[&ann]).await,
        operator.stage().room(&[&ann]).await,
    );
    ann.send(&whole.channel, "before").await;
    ann.send(&hurt.channel, "before").await;
    assert_eq!(operator.server.terminate().await, Some(0));
    let position = sqlite(&operator.data().join("log.sqlite"), DAMAGED);
    operator.server.launch();
    let ann = operator.stage().signed_in(&ann.handle).await;
    until("the stream to be put aside", async || {
        let metrics = operator.stage().get("/metrics").send().await.text;
        let parked = metrics.lines().find(|line| {
            line.starts_with("projection_parked_events") && line.contains("timeline") && !line.ends_with(" 0")
        });
        parked.map(drop)
    })
    .await;
    let sent = ann
        .post(&format!("/channels/{}/messages", hurt.channel))
        .json(&json!({"body": "not now"}))
        .send()
        .await;
    sent.problem_code(500, "stream/unreadable");
    ann.send(&whole.channel, "meanwhile").await;

    let page = Page::read("poison-event").below("What to do");
    let printed = operator.follows_with(&page, &[("position", &position)]).await;

    assert!(printed.contains("checksum"), "the page shows no reason:\n{printed}");
    let metrics = operator.stage().get("/metrics").send().await.text;
    let parked = metrics
        .lines()
        .filter(|line| line.starts_with("projection_parked_events{"));
    assert!(
        parked.clone().count() > 0 && parked.clone().all(|line| line.ends_with(" 0")),
        "{metrics}"
    );
    // In the channel with the hole its rules cannot be folded, so it stays closed; the other one never was.
    let ann = operator.stage().signed_in(&ann.handle).await;
    let page = ann.read(&format!("/channels/{}/messages", whole.channel)).await.is(200);
    assert_eq!(page.items().len(), 2);
}
