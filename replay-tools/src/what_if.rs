//! `replay what-if`: what a rule would have done to the history. Two passes over the log, and nothing is ever written: the first learns
//! what is deleted already and which channel is in which space, the second counts what the rule would touch.

mod content;
mod pass;
mod retention;

use clap::{Args, Subcommand};

use crate::ending::Ending;

#[derive(Args)]
#[command(after_help = "Example: replay what-if retention --older-than 90d")]
pub(crate) struct WhatIf {
    #[command(subcommand)]
    rule: Rule,
}

#[derive(Subcommand)]
enum Rule {
    /// Messages would be taken away once they are so old
    Retention(retention::Retention),
    /// Messages that say such things would have been refused
    Content(content::Content),
}

impl WhatIf {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        match self.rule {
            Rule::Retention(retention) => retention.run().await,
            Rule::Content(content) => content.run().await,
        }
    }
}
