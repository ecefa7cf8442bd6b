//! The load generator: a scenario is played against a server over its public protocol, and what must hold is proved in the same run.
//! `cargo run --release -p load -- <scenario> --help`. Speed is printed and never judged; anything out of order, doubled or lost ends
//! the run with exit code 1 and a sentence.
//!
//! # To add a scenario
//! 1. `scenario/<name>.rs` with `Args` and `run`; 2. a variant and a branch in `scenario.rs`; 3. its checks, if new, in `checker/`.

use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

mod checker;
mod frame;
mod http;
mod people;
mod progress;
mod report;
mod scenario;
mod server;
mod socket;

/// Loads a Verbatim server and proves that nothing was lost, doubled or reordered
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Load {
    #[command(subcommand)]
    scenario: scenario::Scenario,
    /// Print one JSON object on the last line
    #[arg(long, global = true)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let load = Load::parse();
    match scenario::run(load.scenario).await {
        Ok(report) => {
            print!("{report}");
            if load.json {
                println!("{}", report.json());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            if load.json {
                println!("{}", json!({"error": format!("{error:#}")}));
            }
            ExitCode::FAILURE
        }
    }
}
