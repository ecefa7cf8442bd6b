//! Pages of a timeline: what they cover, how they meet, how large they are.

use verbatim_tests::{Answer, Person, Room, Stage};

/// A room whose timeline has `count` messages, with edits and a deletion in between, so that seqs of messages are not dense.
async fn written(stage: &Stage, ann: &Person, count: usize) -> Room {
    let room = stage.room(&[ann]).await;
    for number in 0..count {
        let message = ann
            .send(&room.channel, &format!("number {number}"))
            .await
            .str("message");
        if number % 5 == 2 {
            ann.edit(&room.channel, &message, &format!("number {number}, corrected"))
                .await
                .is(201);
        }
        if number % 7 == 3 {
            ann.delete_message(&room.channel, &message).await.is(201);
        }
    }
    room
}

fn seqs(page: &Answer) -> Vec<u64> {
    let seqs: Vec<u64> = page
        .items()
        .iter()
        .map(|item| item["seq"].as_u64().expect("a seq"))
        .collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    assert!(
        seqs.iter().all(|seq| (page.u64("lo")..=page.u64("hi")).contains(seq)),
        "{}",
        page.text
    );
    seqs
}

#[tokio::test]
async fn the_default_page_is_the_newest_fifty_in_order() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 60).await;
    let all: Vec<u64> = ann
        .all_messages(&room.channel)
        .await
        .iter()
        .map(|item| item["seq"].as_u64().expect("a seq"))
        .collect();
    assert_eq!(all.len(), 60);
    let page = ann.page(&room.channel, "").await;
    assert_eq!(seqs(&page), all[10..]);
    assert_eq!(
        (&page["complete_before"], &page["complete_after"]),
        (&false.into(), &true.into())
    );
    assert!(page.header("x-position").is_some());
}

#[tokio::test]
async fn pages_backwards_meet_without_holes_or_doubles() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 25).await;
    let all = seqs(&ann.page(&room.channel, "limit=100").await);
    for limit in [1, 4, 7, 25, 100] {
        let mut walked: Vec<u64> = vec![];
        let mut page = ann.page(&room.channel, &format!("limit={limit}")).await;
        loop {
            walked.splice(0..0, seqs(&page));
            if page["complete_before"] == true {
                break;
            }
            assert_eq!(page.items().len(), limit, "a page that is not the last is full");
            page = ann
                .page(&room.channel, &format!("limit={limit}&before={}", page.u64("lo")))
                .await;
        }
        assert_eq!(walked, all, "limit {limit}");
    }
}

#[tokio::test]
async fn pages_forwards_meet_without_holes_or_doubles() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 25).await;
    let all = seqs(&ann.page(&room.channel, "limit=100").await);
    for limit in [1, 4, 7, 25, 100] {
        let mut walked: Vec<u64> = vec![];
        let mut page = ann.page(&room.channel, &format!("limit={limit}&after=0")).await;
        assert_eq!(page["complete_before"], true);
        loop {
            walked.extend(seqs(&page));
            if page["complete_after"] == true {
                break;
            }
            page = ann
                .page(&room.channel, &format!("limit={limit}&after={}", page.u64("hi")))
                .await;
        }
        assert_eq!(walked, all, "limit {limit}");
    }
}

#[tokio::test]
async fn a_page_around_a_seq_has_it_in_its_middle() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 21).await;
    let all = seqs(&ann.page(&room.channel, "limit=100").await);
    let page = ann.page(&room.channel, &format!("limit=5&around={}", all[10])).await;
    let around = seqs(&page);
    assert_eq!(around.len(), 5);
    assert!(
        around.contains(&all[10]) && around.contains(&all[9]) && around.contains(&all[11]),
        "{around:?}"
    );
    assert_eq!(
        (&page["complete_before"], &page["complete_after"]),
        (&false.into(), &false.into())
    );
    let first = ann.page(&room.channel, &format!("limit=5&around={}", all[0])).await;
    assert_eq!(seqs(&first), all[..5]);
    assert_eq!(first["complete_before"], true);
    let last = ann.page(&room.channel, &format!("limit=5&around={}", all[20])).await;
    assert_eq!(seqs(&last), all[16..]);
    assert_eq!(last["complete_after"], true);
}

#[tokio::test]
async fn before_and_after_exclude_the_seq_they_name() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 6).await;
    let all = seqs(&ann.page(&room.channel, "").await);
    assert_eq!(
        seqs(&ann.page(&room.channel, &format!("before={}", all[3])).await),
        all[..3]
    );
    assert_eq!(
        seqs(&ann.page(&room.channel, &format!("after={}", all[3])).await),
        all[4..]
    );
    let empty = ann.page(&room.channel, &format!("after={}", all[5] + 1_000)).await;
    assert!(
        empty.items().is_empty() && empty["complete_after"] == true,
        "{}",
        empty.text
    );
    let empty = ann.page(&room.channel, "before=1").await;
    assert!(
        empty.items().is_empty() && empty["complete_before"] == true,
        "{}",
        empty.text
    );
}

#[tokio::test]
async fn a_page_never_holds_more_than_a_hundred() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 104).await;
    assert_eq!(ann.page(&room.channel, "limit=100").await.items().len(), 100);
    assert_eq!(ann.page(&room.channel, "limit=1").await.items().len(), 1);
    let larger = ann
        .read(&format!("/channels/{}/messages?limit=101", room.channel))
        .await;
    assert!(larger.status == 422 || larger.is(200).items().len() == 100);
    for wrong in [
        "limit=0",
        "limit=-1",
        "limit=many",
        "before=yesterday",
        "after=-3",
        "around=1.5",
    ] {
        ann.read(&format!("/channels/{}/messages?{wrong}", room.channel))
            .await
            .problem(422);
    }
}

#[tokio::test]
async fn an_empty_channel_has_an_empty_page() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let page = ann.page(&room.channel, "").await;
    assert!(page.items().is_empty());
    assert_eq!(
        (&page["complete_before"], &page["complete_after"]),
        (&true.into(), &true.into())
    );
}

#[tokio::test]
async fn the_timeline_equals_the_fold_of_the_events() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = written(&stage, &ann, 30).await;
    let mut folded: Vec<(u64, Option<String>, u64)> = vec![];
    let mut place = std::collections::HashMap::new();
    for event in ann.all_events(&room.channel).await {
        let message = event["d"]["message"].to_string();
        match event["type"].as_str().expect("a type") {
            "message.sent" => {
                place.insert(message, folded.len());
                folded.push((
                    event["seq"].as_u64().expect("a seq"),
                    event["d"]["body"].as_str().map(str::to_owned),
                    1,
                ));
            }
            "message.edited" => {
                let (_, body, version) = &mut folded[place[&message]];
                (*body, *version) = (event["d"]["body"].as_str().map(str::to_owned), *version + 1);
            }
            "message.deleted" => folded[place[&message]].1 = None,
            _ => {}
        }
    }
    let shown = ann.all_messages(&room.channel).await;
    let shown: Vec<_> = shown
        .iter()
        .map(|item| {
            let number = |member: &str| item[member].as_u64().expect("a number");
            (
                number("seq"),
                item["body"].as_str().map(str::to_owned),
                number("version"),
            )
        })
        .collect();
    assert_eq!(shown, folded);
}
