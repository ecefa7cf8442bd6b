//! `replay diff`: where two histories part, what changed in a channel between two moments, or whether two copies of a
//! view agree.

mod logs;
mod moments;
mod views;

use clap::{Args, Subcommand};

use crate::ending::Ending;

#[derive(Args)]
#[command(after_help = "Example: replay diff logs ./data ./backup")]
pub(crate) struct Diff {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Two logs, data folders or exports, event by event
    Logs(logs::Logs),
    /// One channel at two moments
    Channel(moments::Moments),
    /// Two generations of a view
    Views(views::Views),
}

impl Diff {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        match self.what {
            What::Logs(logs) => logs.run().await,
            What::Channel(moments) => moments.run().await,
            What::Views(views) => views.run().await,
        }
    }
}
