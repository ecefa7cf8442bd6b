//! Files that are gone at the next start: what the log knows still holds.

use serde_json::json;
use verbatim_tests::{PASSWORD, Server, Stage};

#[tokio::test]
async fn a_handle_stays_its_owners_even_when_the_credentials_are_lost() {
    let mut server = Server::start();
    let ann = Stage::on(&server).person("ann").await;
    let handle = ann.read("/users/me").await.str("handle");
    assert_eq!(server.terminate().await, Some(0));
    for end in ["", "-wal", "-shm"] {
        let path = server.data().join(format!("service.sqlite{end}"));
        assert!(
            !path.exists() || std::fs::remove_file(&path).is_ok(),
            "{}",
            path.display()
        );
    }
    server.launch();
    let register = Stage::on(&server).post("/api/v1/auth/register");
    let wish = json!({"handle": handle, "display_name": "Somebody else", "password": PASSWORD});
    register.json(&wish).send().await.problem_code(409, "handle/taken");
}
