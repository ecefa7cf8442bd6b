//! Identities that people prove by a document of their domain.

use serde_json::{Value, json};
use verbatim_tests::{Issuer, Person, Server, Stage, until};

struct Domain {
    site: Issuer,
    did: String,
    server: Server,
}

impl Domain {
    /// A server that asks nobody but this domain of this machine, and looks at identities again after so many seconds.
    fn set(seconds: &str) -> Self {
        let site = Issuer::start();
        let authority = site.origin.strip_prefix("http://").expect("plain").replace(':', "%3A");
        let server = Server::start_with(|options| {
            options
                .set("VERBATIM_OUTBOUND_TEST_ORIGINS", site.origin.clone())
                .set("VERBATIM_LIMIT_IDENTITY_CHECK_SECONDS", seconds);
        });
        Self {
            did: format!("did:web:{authority}"),
            site,
            server,
        }
    }

    fn names(&self, people: &[&Person]) {
        let known_as: Vec<String> = people.iter().map(|person| format!("verbatim:{}", person.id)).collect();
        let document = json!({"@context": ["https://www.w3.org/ns/did/v1"], "id": self.did, "alsoKnownAs": known_as});
        self.site.document("/.well-known/did.json", &document.to_string());
    }
}

async fn shown(asker: &Person, of: &Person) -> Vec<Value> {
    let answer = asker.read(&format!("/users/{}", of.id)).await.is(200);
    answer["identities"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_identity_is_proved_by_its_document_shown_to_others_and_removed() {
    let domain = Domain::set("3600");
    let stage = Stage::on(&domain.server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    domain.names(&[&ann]);
    let body = json!({"did": domain.did});
    let proved = ann.put("/users/me/identities/did").json(&body).send().await.is(200);
    assert_eq!(
        (proved["did"].as_str(), proved["replayed"].as_bool()),
        (Some(&*domain.did), Some(false))
    );
    assert!(
        proved["proved_at"].is_string() && proved["checked_at"].is_string(),
        "{}",
        proved.text
    );
    let again = ann.put("/users/me/identities/did").json(&body).send().await.is(200);
    assert_eq!(again["replayed"], true);
    let seen = shown(&bob, &ann).await;
    assert_eq!((seen.len(), seen[0]["did"].as_str()), (1, Some(&*domain.did)));
    assert_eq!(shown(&ann, &bob).await, [Value::Null; 0]);
    let path = format!("/users/me/identities/did?did={}", domain.did.replace('%', "%25"));
    ann.delete(&path).send().await.is(200);
    let repeated = ann.delete(&path).send().await.is(200);
    assert_eq!(repeated["replayed"], true);
    assert_eq!(shown(&bob, &ann).await, [Value::Null; 0]);
}

#[tokio::test]
async fn nobody_proves_what_the_document_does_not_say() {
    let domain = Domain::set("3600");
    let stage = Stage::on(&domain.server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let body = json!({"did": domain.did});
    let refused = async || {
        let answer = bob.put("/users/me/identities/did").json(&body).send().await;
        answer.problem_code(422, "identity/unproved");
    };
    // There is none, then one that names another, then one of something else, then none in form.
    refused().await;
    domain.names(&[&ann]);
    refused().await;
    let account = format!("verbatim:{}", bob.id);
    let other = json!({"id": "did:web:other.example", "alsoKnownAs": [account]});
    domain.site.document("/.well-known/did.json", &other.to_string());
    refused().await;
    domain.site.document("/.well-known/did.json", "<html>");
    refused().await;
    domain.site.document("/.well-known/did.json", &" ".repeat(100_000));
    refused().await;
    assert_eq!(shown(&ann, &bob).await, [Value::Null; 0]);
}

#[tokio::test]
async fn no_identity_leads_the_service_inside() {
    let domain = Domain::set("3600");
    let stage = Stage::on(&domain.server);
    let ann = stage.person("ann").await;
    let before = domain.site.asked();
    for did in [
        "did:web:127.0.0.1",
        "did:web:2130706433",
        "did:web:[::1]",
        "did:web:example.org/../x",
        "did:web:u@example.org",
        "did:key:z",
        "",
    ] {
        ann.put("/users/me/identities/did")
            .json(&json!({"did": did}))
            .send()
            .await
            .problem_code(422, "request/invalid");
    }
    for did in ["did:web:localhost", "did:web:localhost%3A22"] {
        let answer = ann
            .put("/users/me/identities/did")
            .json(&json!({"did": did}))
            .send()
            .await;
        let answer = answer.problem_code(422, "identity/unproved");
        assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
    }
    assert_eq!(domain.site.asked(), before);
}

#[tokio::test]
async fn an_identity_whose_document_is_gone_lapses_and_one_that_stands_stays() {
    let domain = Domain::set("1");
    let stage = Stage::on(&domain.server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    domain.names(&[&ann, &bob]);
    let body = json!({"did": domain.did});
    for person in [&ann, &bob] {
        person.put("/users/me/identities/did").json(&body).send().await.is(200);
    }
    let first = shown(&ann, &bob).await[0]["checked_at"].clone();
    until("another look at the identity", async || {
        (shown(&ann, &bob).await.first()?["checked_at"] != first).then_some(())
    })
    .await;
    domain.names(&[&bob]);
    until("the identity to lapse", async || {
        shown(&bob, &ann).await.is_empty().then_some(())
    })
    .await;
    assert_eq!(shown(&ann, &bob).await.len(), 1);
}
