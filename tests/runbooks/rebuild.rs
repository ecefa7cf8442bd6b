//! [views-rebuild](../../ops/runbooks/views-rebuild.md)

use verbatim_tests::until;

use crate::{
    operator::Operator,
    page::Page,
    sqlite::{serving, sqlite},
};

#[tokio::test]
async fn a_view_is_built_again_while_it_serves() {
    let mut operator = Operator::on_duty(&[]).await;
    let ann = operator.stage().person("ann").await;
    let room = operator.stage().room(&[&ann]).await;
    for number in 0..50 {
        ann.send(&room.channel, &format!("message {number}")).await;
    }
    let path = format!("/channels/{}/messages", room.channel);
    let before = ann.read(&path).await.is(200);
    let old = serving(&operator.data(), "timeline");

    operator
        .follows(&Page::read("views-rebuild").below("What to do while it serves"))
        .await;

    assert_ne!(serving(&operator.data(), "timeline"), old);
    until("the metrics to say so", async || {
        let metrics = operator.stage().get("/metrics").send().await.text;
        metrics
            .contains("projection_generation{projection=\"timeline\"} 2")
            .then_some(())
    })
    .await;
    assert_eq!(ann.read(&path).await.is(200)["items"], before["items"]);
}

#[tokio::test]
async fn a_generation_that_differs_is_promoted_by_hand() {
    let mut operator = Operator::on_duty(&[("VERBATIM_VERIFY_INTERVAL_S", "3600")]).await;
    let ann = operator.stage().person("ann").await;
    let room = operator.stage().room(&[&ann]).await;
    ann.send(&room.channel, "what was said").await;
    let path = format!("/channels/{}/messages", room.channel);
    ann.read(&path).await.is(200);
    // A hand that also wrote the sum of what it did, or a fold that was wrong when these rows were written.
    let file = serving(&operator.data(), "timeline");
    assert_eq!(operator.server.terminate().await, Some(0));
    sqlite(
        &file,
        "update timeline_message set body = 'never'; update digest set sum_low = sum_low + 1 where table_name = 'timeline_message'",
    );
    operator.server.launch();
    let page = Page::read("views-rebuild");

    operator.follows(&page.below("What to do while it serves")).await;
    let ann = operator.stage().signed_in(&ann.handle).await;
    assert_eq!(ann.read(&path).await.is(200).items()[0]["body"], "never");
    operator.follows(&page.below("When the digests differ")).await;

    assert_eq!(ann.read(&path).await.is(200).items()[0]["body"], "what was said");
}

#[tokio::test]
async fn views_that_cannot_be_opened_are_thrown_away() {
    let mut operator = Operator::on_duty(&[]).await;
    let ann = operator.stage().person("ann").await;
    let room = operator.stage().room(&[&ann]).await;
    ann.send(&room.channel, "kept in the log").await;

    operator
        .follows(&Page::read("views-rebuild").below("What to do when it does not start"))
        .await;

    let ann = operator.stage().signed_in(&ann.handle).await;
    let page = ann.read(&format!("/channels/{}/messages", room.channel)).await.is(200);
    assert_eq!(page.items()[0]["body"], "kept in the log");
}
