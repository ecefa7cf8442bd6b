//! `replay rebuild`: a view folded anew from the log, beside the generation that serves. Offline on a data folder, or by asking the service
//! that runs on it, whose progress is shown then.

mod offline;
mod server;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    ending::{Ending, wrong_usage},
    results::Showing,
};

#[derive(Args)]
#[command(after_help = "Example: replay rebuild timeline --server http://127.0.0.1:8080 --token-file ./token")]
pub(crate) struct Rebuild {
    /// The view: timeline, channel_list, directory and so on
    name: String,
    /// Whether the new generation serves once it is whole
    #[arg(long, value_enum, default_value_t = Promote::WhenEqual)]
    promote: Promote,
    /// The service's data folder; the service must not be running on it
    #[arg(long, env = "VERBATIM_DATA_DIR", default_value = "./data", value_name = "DIR")]
    data_dir: PathBuf,
    /// The folder of the views, where it is not in the data folder
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    views: Option<PathBuf>,
    /// Asks the service at this address instead
    #[arg(long, value_name = "URL", requires = "token_file")]
    server: Option<String>,
    /// A file with the access token of an operator
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Ends the rebuild that the service is at
    #[arg(long, requires = "server")]
    cancel: bool,
    /// Why, for the audit trail
    #[arg(long, requires = "server")]
    reason: Option<String>,
    /// Folds at most so many events a second
    #[arg(long, requires = "server")]
    events_per_s: Option<u32>,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Promote {
    /// If it adds up to the same as the one it replaces
    WhenEqual,
    Always,
    Never,
}

impl Rebuild {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        if !projections::ALL.iter().any(|known| known.name == self.name) {
            let names: Vec<&str> = projections::ALL.iter().map(|known| known.name).collect();
            return Err(wrong_usage(format!(
                "there is no view called {}; there are {}",
                self.name,
                names.join(", ")
            )));
        }
        match self.server.clone() {
            Some(server) => self.by(&server).await,
            None => self.here().await,
        }
    }
}
