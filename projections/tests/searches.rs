//! The search against what people say, change, delete and give back, and against what they type.
#![allow(clippy::unwrap_used)]

mod world;

use std::path::Path;

use domain::{ChannelId, channel::Command};
use projections::{BadTerms, Searched, Terms, Views};
use uuid::Uuid;
use world::{ANN, BOB, World, connect, fold_all, settle};

const MARK: Uuid = Uuid::from_u128(0x5ea4c4);

fn searched(channels: &[ChannelId], text: &str) -> Searched {
    Searched {
        terms: Terms::parse(text).unwrap(),
        channels: channels.to_vec(),
        from: None,
    }
}

/// The excerpts of what is found, newest first.
async fn found(views: &Views, channels: &[ChannelId], text: &str) -> Vec<String> {
    let searched = searched(channels, text);
    let hits = views.search.before(u64::MAX, &searched, 100).await.unwrap();
    let mut texts = vec![];
    for hit in hits.items {
        let excerpt = views.search.excerpt(hit.position, &searched.terms, MARK).await.unwrap();
        texts.push(excerpt.unwrap().text);
    }
    texts
}

#[tokio::test]
async fn words_phrases_and_beginnings_are_found_without_case_and_accents() {
    let mut world = World::new(1);
    settle(&mut world).await;
    let general = world.channels[0];
    world.say(ANN, general, "Good Morning, naïve Übergang").await;
    world.say(ANN, general, "morning is not good").await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let here = [general];
    assert_eq!(found(&views, &here, "good morning").await.len(), 2);
    assert_eq!(found(&views, &here, "\"good morning\"").await.len(), 1);
    assert_eq!(found(&views, &here, "NAIVE ubergang").await.len(), 1);
    assert_eq!(found(&views, &here, "morn*").await.len(), 2);
    assert_eq!(found(&views, &here, "morn").await.len(), 0);
    assert_eq!(found(&views, &here, "good evening").await.len(), 0);
    assert_eq!(found(&views, &[world.channels[1]], "good").await.len(), 0, "elsewhere");
}

#[tokio::test]
async fn the_index_follows_edits_deletions_and_restorations_however_the_log_is_cut() {
    let mut world = World::new(1);
    settle(&mut world).await;
    let general = world.channels[0];
    drop(world.channel(BOB, general, Command::Join).await);
    let edited = world.say(BOB, general, "heliotrope first").await;
    world.edit(BOB, general, edited, "marigold second", &[]).await;
    let deleted = world.say(BOB, general, "heliotrope deleted").await;
    world.delete(BOB, general, deleted).await;
    let back = world.say(BOB, general, "heliotrope back").await;
    world.delete(ANN, general, back).await;
    world.restore(ANN, general, back, "heliotrope back", &[]).await.unwrap();
    for batch_events_max in [1, 2, 3, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let views = fold_all(folder.path(), &world.log, batch_events_max).await;
        assert_eq!(found(&views, &[general], "heliotrope").await, ["heliotrope back"]);
        assert_eq!(found(&views, &[general], "marigold").await, ["marigold second"]);
    }
}

#[tokio::test]
async fn a_deleted_word_is_nowhere_in_the_files_of_the_views() {
    const WORD: &str = "quokkaesque";
    let mut world = World::new(1);
    settle(&mut world).await;
    let general = world.channels[0];
    drop(world.channel(BOB, general, Command::Join).await);
    // Enough around it that the index has several pages and levels.
    for number in 0..400 {
        world
            .say(ANN, general, &format!("filler number{number} quokkaes{number}"))
            .await;
    }
    let message = world.say(BOB, general, &format!("very {WORD} indeed")).await;
    let other = world.say(BOB, general, &format!("twice {WORD} {WORD}")).await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 64).await;
    assert_eq!(found(&views, &[general], WORD).await.len(), 2);
    drop(views);
    empty_wals(folder.path()).await;
    assert!(holds(folder.path(), WORD), "or the test below finds nothing anyway");
    world.edit(BOB, general, other, "never said", &[]).await;
    world.delete(BOB, general, message).await;
    let views = fold_all(folder.path(), &world.log, 64).await;
    assert_eq!(found(&views, &[general], WORD).await.len(), 0);
    drop(views);
    empty_wals(folder.path()).await;
    let mut db = connect(folder.path(), "search").await;
    sqlx::query("insert into search_words (search_words) values ('integrity-check')")
        .execute(&mut db)
        .await
        .unwrap();
    drop(db);
    // The first letters are shared with other words and may stay; the last ones are its own.
    assert!(!holds(&folder.path().join("search.1.sqlite"), "esque"));
    assert!(!holds(&folder.path().join("search.1.sqlite-wal"), "esque"));
}

async fn empty_wals(folder: &Path) {
    for projection in projections::ALL {
        let mut db = connect(folder, projection.name).await;
        sqlx::query("pragma wal_checkpoint(truncate)")
            .execute(&mut db)
            .await
            .unwrap();
    }
}

/// Whether the bytes of a file, or of any file in a folder, have the text.
fn holds(path: &Path, text: &str) -> bool {
    if path.is_dir() {
        let mut files = std::fs::read_dir(path).unwrap();
        return files.any(|file| holds(&file.unwrap().path(), text));
    }
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn whatever_is_typed_is_a_question_or_refused_but_never_an_error() {
    let mut world = World::new(9);
    settle(&mut world).await;
    let general = world.channels[0];
    world.say(ANN, general, "tea AND biscuits").await;
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let pieces = [
        "tea", "AND", "OR", "NOT", "NEAR", "(", ")", "{", "}", ":", "body", "place", "^", "*", "\"", "'", "-", "+",
        ",", "\\", "%", "日本", "é", "e\u{301}", "🙂", " ", "\t", "\n", "\u{0}", "\u{2}", "\u{200b}", "²", "ﬁ", ";",
        "--", "/*",
    ];
    let (mut asked, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let length = 1 + world.roll(12);
        let text: String = (0..length).map(|_| pieces[world.roll(pieces.len())]).collect();
        match Terms::parse(&text) {
            Ok(terms) => {
                asked += 1;
                let searched = Searched {
                    terms,
                    channels: vec![general],
                    from: None,
                };
                let hits = views.search.before(u64::MAX, &searched, 10).await;
                let hits = hits.unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
                for hit in hits.items {
                    views.search.excerpt(hit.position, &searched.terms, MARK).await.unwrap();
                }
            }
            Err(BadTerms::NoWord | BadTerms::TooMany | BadTerms::TooLong | BadTerms::ShortPrefix) => refused += 1,
        }
    }
    assert!(asked > 500 && refused > 500, "{asked} asked, {refused} refused");
}

#[tokio::test]
async fn a_page_goes_on_below_the_last_hit() {
    let mut world = World::new(1);
    settle(&mut world).await;
    let general = world.channels[0];
    for number in 0..25 {
        world.say(ANN, general, &format!("tea {number}")).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    let searched = searched(&[general], "tea");
    let (mut below, mut seen) = (Some(u64::MAX), vec![]);
    while let Some(position) = below {
        let hits = views.search.before(position, &searched, 10).await.unwrap();
        seen.extend(hits.items.iter().map(|hit| hit.position));
        below = hits.looked_to;
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|one, next| one > next));
}
