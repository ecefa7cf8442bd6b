//! [projection-lag](../../ops/runbooks/projection-lag.md)

use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use verbatim_tests::until;

use crate::{operator::Operator, page::Page, sqlite::serving};

#[tokio::test]
async fn a_view_that_somebody_holds_locked_falls_behind_and_catches_up() {
    let mut operator = Operator::on_duty(&[]).await;
    let ann = operator.stage().person("ann").await;
    let room = operator.stage().room(&[&ann]).await;
    let mut hand = hold(&serving(&operator.data(), "timeline"));
    for number in 0..5 {
        ann.send(&room.channel, &format!("unseen {number}")).await;
    }
    until("the failure to be counted", async || {
        let metrics = operator.stage().get("/metrics").send().await.text;
        let failed = metrics
            .lines()
            .find(|line| line.starts_with("projection_failures_total") && !line.ends_with(" 0"));
        failed.map(drop)
    })
    .await;

    let printed = operator
        .follows(&Page::read("projection-lag").below("What to do"))
        .await;

    assert!(printed.contains("projection_lag_events"), "{printed}");
    hand.kill().expect("ended");
    hand.wait().expect("ended");
    let page = ann.read(&format!("/channels/{}/messages", room.channel)).await.is(200);
    assert_eq!(page.items().len(), 5);
}

/// Somebody with a transaction open on the file, until they are ended.
fn hold(file: &std::path::Path) -> Child {
    let mut hand = Command::new("sqlite3")
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sqlite3 runs");
    let input = hand.stdin.as_mut().expect("piped");
    writeln!(input, ".timeout 10000\nbegin immediate;\n.print held").expect("written");
    input.flush().expect("written");
    let mut held = String::new();
    let output = hand.stdout.as_mut().expect("piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut held).expect("a line");
    assert_eq!(held.trim(), "held");
    hand
}
