//! What becomes of refresh tokens: the next, the same again, the end.

use std::path::PathBuf;

use domain::Handle;
use tempfile::TempDir;

use super::*;
use crate::auth::{Credentials, credentials::Credential};

const ANN: UserId = UserId::from_u128(0xa);
const PHONE: SessionId = SessionId::from_u128(1);
const LAPTOP: SessionId = SessionId::from_u128(2);

struct World {
    families: Families,
    credentials: Credentials,
    _folder: TempDir,
}

impl World {
    /// Ann has an account.
    async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path: PathBuf = folder.path().join("service.sqlite");
        migrations::migrate_service(&path).await.expect("migrated");
        let credentials = Credentials::open(&path).await.expect("opened");
        let ann = Credential {
            user: ANN,
            handle: Handle::parse("ann").expect("a handle"),
            display_name: domain::DisplayName::parse("Ann").expect("a name"),
            password_hash: "hash".to_owned(),
            password_version: 0,
        };
        assert!(credentials.insert(&ann, 0).await.expect("inserted"));
        Self {
            families: Families::new(credentials.pool(), &limits),
            credentials,
            _folder: folder,
        }
    }

    async fn begin(&self, session: SessionId, at: DateTime<Utc>) -> RefreshToken {
        let begun = self.families.begin(session, ANN, 0, at).await.expect("begun");
        token(&begun.expect("the password is the same").text)
    }

    async fn exchange(&self, token: &RefreshToken, at: DateTime<Utc>) -> Exchanged {
        let access = |user: UserId, session| {
            assert_eq!(user, ANN);
            (
                format!("access {session} {}", Uuid::new_v4()),
                at + Duration::from_secs(900),
            )
        };
        self.families.exchange(token, at, access).await.expect("exchanged")
    }

    async fn pair(&self, token: &RefreshToken, at: DateTime<Utc>) -> Pair {
        match self.exchange(token, at).await {
            Exchanged::Pair(pair) => *pair,
            Exchanged::Reused => panic!("the token counts as reused"),
            Exchanged::Refused => panic!("the token is refused"),
        }
    }
}

fn token(text: &str) -> RefreshToken {
    RefreshToken::parse(text).expect("a token")
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("in range")
}

fn later(seconds: u64) -> DateTime<Utc> {
    noon() + Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_token_is_exchanged_for_the_next_one_again_and_again() {
    let world = World::new().await;
    let mut newest = world.begin(PHONE, noon()).await;
    for round in 1..5 {
        let pair = world.pair(&newest, later(round * 3600)).await;
        assert!(pair.refresh.text != newest.text());
        newest = token(&pair.refresh.text);
    }
}

#[tokio::test]
async fn a_lost_answer_comes_again_the_same_for_a_while() {
    let world = World::new().await;
    let first = world.begin(PHONE, noon()).await;
    let pair = world.pair(&first, later(60)).await;
    assert!(world.pair(&first, later(60)).await == pair);
    assert!(world.pair(&first, later(69)).await == pair);
    assert!(matches!(world.exchange(&first, later(70)).await, Exchanged::Reused));
    // What the newest is worth is decided by who is told of the reuse.
    world.pair(&token(&pair.refresh.text), later(71)).await;
}

#[tokio::test]
async fn a_token_from_long_ago_counts_as_reused_however_often_the_family_went_on() {
    let world = World::new().await;
    let first = world.begin(PHONE, noon()).await;
    let second = token(&world.pair(&first, later(60)).await.refresh.text);
    world.pair(&second, later(61)).await;
    assert!(matches!(world.exchange(&first, later(62)).await, Exchanged::Reused));
}

#[tokio::test]
async fn a_made_up_token_changes_nothing() {
    let world = World::new().await;
    let first = world.begin(PHONE, noon()).await;
    let made_up = RefreshToken::draw(PHONE, &[9; 32]).expect("chance");
    assert!(matches!(world.exchange(&made_up, later(1)).await, Exchanged::Refused));
    assert_eq!(world.families.owner(&made_up).await.expect("read"), None);
    assert_eq!(world.families.owner(&first).await.expect("read"), Some(ANN));
    let nobodys = RefreshToken::draw(LAPTOP, &[9; 32]).expect("chance");
    assert!(matches!(world.exchange(&nobodys, later(1)).await, Exchanged::Refused));
    world.pair(&first, later(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_all_get_the_same_pair() {
    let world = World::new().await;
    let first = world.begin(PHONE, noon()).await;
    let racing = (0..20).map(|_| world.pair(&first, later(60)));
    let pairs = futures_util::future::join_all(racing).await;
    assert!(pairs.iter().all(|pair| *pair == pairs[0]));
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_with_its_session() {
    const DAY: u64 = DAY_SECONDS;
    let limits = Limits {
        refresh_token_days: 2,
        session_days: 3,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let unused = world.begin(PHONE, noon()).await;
    assert!(matches!(
        world.exchange(&unused, later(2 * DAY)).await,
        Exchanged::Refused
    ));
    let first = world.begin(LAPTOP, noon()).await;
    let pair = world.pair(&first, later(2 * DAY - 1)).await;
    assert_eq!(pair.refresh.expires_at, later(3 * DAY));
    let second = token(&pair.refresh.text);
    assert!(matches!(
        world.exchange(&second, later(3 * DAY)).await,
        Exchanged::Refused
    ));
    world.families.tidy(later(3 * DAY)).await.expect("tidied");
    assert!(!world.families.holds(LAPTOP).await.expect("read"));
    assert!(!world.families.holds(PHONE).await.expect("read"));
}

#[tokio::test]
async fn nothing_of_a_token_or_of_what_it_was_exchanged_for_can_be_read_from_the_table() {
    let world = World::new().await;
    let first = world.begin(PHONE, noon()).await;
    let pair = world.pair(&first, later(60)).await;
    let row = sqlx::query("select * from refresh_families")
        .fetch_one(&world.credentials.pool())
        .await
        .expect("a row");
    let columns = (0..row.len()).filter_map(|place| row.try_get::<Vec<u8>, _>(place).ok());
    let second = token(&pair.refresh.text);
    let secrets = [
        first.text().into_bytes(),
        second.text().into_bytes(),
        pair.access_token.into_bytes(),
    ];
    for column in columns {
        for secret in &secrets {
            assert!(
                !column
                    .windows(16)
                    .any(|window| secret.windows(16).any(|part| part == window))
            );
        }
    }
    world.families.tidy(later(70)).await.expect("tidied");
    let sealed: Option<Vec<u8>> = sqlx::query_scalar("select sealed_pair from refresh_families")
        .fetch_one(&world.credentials.pool())
        .await
        .expect("a row");
    assert!(sealed.is_none());
}

#[tokio::test]
async fn a_new_password_leaves_one_session_and_lets_no_sign_in_with_the_old_one_through() {
    let world = World::new().await;
    let phone = world.begin(PHONE, noon()).await;
    let laptop = world.begin(LAPTOP, noon()).await;
    let ann = world.credentials.of(ANN).await.expect("read").expect("known");
    assert!(world.credentials.replace(&ann, "other", PHONE).await.expect("replaced"));
    world.pair(&phone, later(1)).await;
    assert!(matches!(world.exchange(&laptop, later(1)).await, Exchanged::Refused));
    let begun = world.families.begin(SessionId::from_u128(3), ANN, 0, later(1)).await;
    assert!(begun.expect("asked").is_none());
    assert!(!world.credentials.replace(&ann, "third", PHONE).await.expect("asked"));
}

#[tokio::test]
async fn the_last_use_is_told_before_it_is_written_down_and_after() {
    let world = World::new().await;
    world.begin(PHONE, now()).await;
    let used_at = DateTime::from_timestamp_micros((now() + Duration::from_secs(60)).timestamp_micros());
    let used_at = used_at.expect("in range");
    world.families.note_use(PHONE, used_at);
    assert_eq!(world.families.of(ANN).await.expect("read").get(&PHONE), Some(&used_at));
    world.families.tidy(now()).await.expect("tidied");
    assert!(world.families.uses.lock().is_empty());
    assert_eq!(world.families.of(ANN).await.expect("read").get(&PHONE), Some(&used_at));
}
