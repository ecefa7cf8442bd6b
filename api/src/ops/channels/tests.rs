//! What creations are made of what people say.

use super::*;

const ANN: UserId = UserId::from_u128(1);
const BOB: UserId = UserId::from_u128(2);
const SPACE: SpaceId = SpaceId::from_u128(3);

fn create(d: serde_json::Value) -> Result<Creation, Problem> {
    serde_json::from_value::<Create>(d)
        .expect("the shape is right")
        .into_creation(ANN)
}

fn pointers(problem: &Problem) -> Vec<&str> {
    problem.errors().iter().map(|error| error.pointer.as_str()).collect()
}

#[test]
fn a_direct_conversation_names_the_one_other_person() {
    let both = serde_json::json!({"kind": "direct", "members": [ANN, BOB]});
    assert_eq!(create(both).expect("valid"), Creation::Direct { with: BOB });
    let other = serde_json::json!({"kind": "direct", "members": [BOB]});
    assert_eq!(create(other).expect("valid"), Creation::Direct { with: BOB });
    for wrong in [serde_json::json!([]), serde_json::json!([BOB, UserId::from_u128(4)])] {
        let problem =
            create(serde_json::json!({"kind": "direct", "members": wrong})).expect_err("not one other person");
        assert_eq!(pointers(&problem), ["/members"]);
    }
}

#[test]
fn a_group_lists_each_of_the_others_once() {
    let d = serde_json::json!({"kind": "group", "members": [BOB, ANN, BOB]});
    assert_eq!(
        create(d).expect("valid"),
        Creation::Group {
            name: None,
            members: vec![BOB]
        }
    );
}

#[test]
fn a_kind_refuses_the_fields_of_the_others() {
    let problem = create(serde_json::json!({"kind": "group", "members": [], "space": SPACE, "private": true}));
    assert_eq!(
        pointers(&problem.expect_err("two fields too many")),
        ["/space", "/private"]
    );
    let problem = create(serde_json::json!({"kind": "text", "space": SPACE, "name": "general", "members": [BOB]}));
    assert_eq!(pointers(&problem.expect_err("one field too many")), ["/members"]);
}

#[test]
fn a_text_channel_names_its_space_and_itself() {
    let d = serde_json::json!({"kind": "text", "space": SPACE, "name": "general", "history": "since_join"});
    let name = ChannelName::parse("general").expect("valid");
    let expected = Creation::InSpace {
        kind: SpaceKind::Text,
        space: SPACE,
        name,
        private: false,
        history: Some(History::SinceJoin),
    };
    assert_eq!(create(d).expect("valid"), expected);
    let problem = create(serde_json::json!({"kind": "text"})).expect_err("both are missing");
    assert_eq!(pointers(&problem), ["/space", "/name"]);
}

#[test]
fn a_kind_that_does_not_exist_here_is_named() {
    let problem = create(serde_json::json!({"kind": "voice", "members": []})).expect_err("no such kind");
    assert_eq!(pointers(&problem), ["/kind"]);
}

#[test]
fn a_retried_creation_names_the_same_channel() {
    let key = IdempotencyKey::parse("k").expect("valid");
    let group = Creation::Group {
        name: None,
        members: vec![],
    };
    assert_eq!(group.id(ANN, &key), group.id(ANN, &key));
    assert_ne!(group.id(ANN, &key), group.id(BOB, &key));
    assert_eq!(
        Creation::Direct { with: BOB }.id(ANN, &key),
        Creation::Direct { with: ANN }.id(BOB, &key)
    );
}
