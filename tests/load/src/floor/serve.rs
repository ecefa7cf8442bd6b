//! The process of the yardstick: one thread that accepts, one that owns the log, and workers with a runtime each. A worker shares nothing
//! with another but the two mailboxes at its ends.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::Context;
use tokio::sync::mpsc;

use super::{
    log::{Inbox, Log},
    worker::{self, Outlet, Registry},
};

/// Accepted connections that a busy worker has not taken yet.
const ARRIVALS_MAX: usize = 1_024;

/// How the yardstick is started; nobody but the load generator does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where its log lives
    #[arg(long, value_name = "FOLDER")]
    data_dir: PathBuf,
    /// Threads that serve sockets
    #[arg(long, default_value_t = super::WORKERS, value_parser = clap::value_parser!(u8).range(1..))]
    workers: u8,
}

/// Serves until the process is ended.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    serve(&listener, &args.data_dir, args.workers)
}

/// Serves whoever comes to the listener, for ever.
pub(super) fn serve(listener: &TcpListener, folder: &Path, workers: u8) -> anyhow::Result<()> {
    let inbox = Arc::new(Inbox::default());
    let outlets: Vec<Arc<Outlet>> = (0..workers).map(|_| Arc::default()).collect();
    let log = Log::open(folder)?;
    let (commands, batches) = (inbox.clone(), outlets.clone());
    thread::Builder::new()
        .name("floor-log".to_owned())
        .spawn(move || log.run(&commands, &batches))?;
    let registry = Arc::new(Registry::default());
    let mut arrivals = Vec::new();
    for (number, outlet) in (0..).zip(outlets) {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        let (registry, inbox) = (registry.clone(), inbox.clone());
        thread::Builder::new()
            .name(format!("floor-{number}"))
            .spawn(move || worker::run(number, receiver, outlet, registry, inbox))?;
        arrivals.push(sender);
    }
    accept(listener, &arrivals)
}

/// Workers take turns.
fn accept(listener: &TcpListener, workers: &[mpsc::Sender<TcpStream>]) -> anyhow::Result<()> {
    for worker in workers.iter().cycle() {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        worker
            .blocking_send(stream)
            .context("a worker of the yardstick ended")?;
    }
    Ok(())
}
