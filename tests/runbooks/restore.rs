//! [restore-from-backup](../../ops/runbooks/restore-from-backup.md)

use serde_json::json;
use verbatim_tests::fresh_key;

use crate::{operator::Operator, page::Page};

#[tokio::test]
async fn a_backup_is_made_while_serving_and_restored_behind_the_views() {
    let mut operator = Operator::on_duty(&[]).await;
    let ann = operator.stage().person("ann").await;
    let room = operator.stage().room(&[&ann]).await;
    ann.send(&room.channel, "in the backup").await;
    let page = Page::read("restore-from-backup");
    operator.follows(&page.below("Making a backup")).await;
    let lost = ann.send(&room.channel, "after the backup").await;
    let lost_pos = lost.str("pos");
    ann.read(&format!("/channels/{}/messages", room.channel)).await.is(200);

    operator.follows(&page.below("Restoring")).await;

    let ann = operator.stage().signed_in(&ann.handle).await;
    let path = format!("/channels/{}/messages", room.channel);
    let key = fresh_key();
    let again = ann.send_keyed(&room.channel, &key, "after the restore").await.is(201);
    assert_eq!(again["seq"], lost["seq"], "the restored log goes on where it ends");
    let repeated = ann.send_keyed(&room.channel, &key, "after the restore").await.is(200);
    assert_eq!(repeated["replayed"], json!(true));
    let shown = ann.read(&path).await.is(200);
    let bodies: Vec<_> = shown.items().iter().map(|item| item["body"].clone()).collect();
    assert_eq!(bodies, [json!("in the backup"), json!("after the restore")]);
    // What was read before the restore is of another incarnation, and nothing takes it for a place in this one.
    ann.get(&format!("{path}?min_pos={lost_pos}"))
        .send()
        .await
        .problem_code(422, "position/foreign");
}
