//! The one-way switch of a log whose last outcome is unknown: once thrown, it stays thrown until the process restarts.

use tokio::sync::watch;

pub(crate) struct Failure(watch::Sender<Option<String>>);

impl Failure {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The first text stays; what follows a failure is a consequence of it.
    pub(crate) fn declare(&self, text: String) {
        self.0.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(text);
            first
        });
    }

    pub(crate) fn is_declared(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(crate) async fn declared(&self) -> String {
        let mut failure = self.0.subscribe();
        let text = failure
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|text| text.clone());
        match text {
            Some(text) => text,
            None => std::future::pending().await,
        }
    }
}
