//! A server on this machine for tests of what we fetch: it answers with what it is told, counts the visits and remembers their heads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::{Outbound, SystemNames};
use crate::metrics::OutboundMetrics;

pub(crate) struct Site {
    pub(crate) origin: String,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    /// One after another; the last one for ever.
    answers: Mutex<Vec<String>>,
    visits: AtomicUsize,
    heads: Mutex<Vec<String>>,
    pause: Mutex<Duration>,
}

impl Heard {
    fn next(&self, origin: &str) -> String {
        self.visits.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        answer.replace("HERE", origin)
    }
}

impl Site {
    /// `HERE` in an answer is the site's own origin.
    pub(crate) async fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = Arc::new(Heard::default());
        *heard.answers.lock() = answers;
        tokio::spawn(serve(listener, Arc::clone(&heard), origin.clone()));
        Self { origin, heard }
    }

    pub(crate) fn says(&self, answer: String) {
        *self.heard.answers.lock() = vec![answer];
    }

    pub(crate) fn pauses(&self, pause: Duration) {
        *self.heard.pause.lock() = pause;
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.origin)).expect("an address")
    }

    /// A client that may ask this site.
    pub(crate) fn outbound(&self) -> Outbound {
        Outbound::new(
            Arc::new(SystemNames),
            vec![self.origin.clone()],
            OutboundMetrics::default(),
        )
    }

    pub(crate) fn visits(&self) -> usize {
        self.heard.visits.load(Ordering::SeqCst)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heard.heads.lock().clone()
    }
}

async fn serve(listener: TcpListener, heard: Arc<Heard>, origin: String) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = heard.next(&origin);
        let head = head(&mut stream).await;
        heard.heads.lock().push(head);
        let pause = *heard.pause.lock();
        tokio::time::sleep(pause).await;
        // Whoever has heard enough hangs up.
        stream.write_all(answer.as_bytes()).await.ok();
        stream.shutdown().await.ok();
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
