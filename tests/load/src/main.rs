//! The load generator: a scenario is played against a server over its public protocol, and what must hold is proved in the same run.
//! `cargo run --release -p load -- <scenario> --help`. Speed is printed and never judged; anything out of order, doubled or lost ends
//! the run with exit code 1 and a sentence.
//!
//! # To add a scenario
//! 1. `scenario/<name>.rs` with `Args` and `run`; 2. a variant and a branch in `scenario.rs`; 3. its checks, if new, in `checker/`;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::json;

mod checker;
mod floor;
mod frame;
mod fsync;
mod http;
mod people;
mod process;
mod progress;
mod report;
mod scenario;
mod server;
mod socket;
mod venue;

/// As in the real server, so that the yardstick does not owe its figures to another allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Loads a Verbatim server and proves that nothing was lost, doubled or reordered
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Load {
    #[command(subcommand)]
    what: What,
    /// Print one JSON object on the last line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    #[command(flatten)]
    Scenario(Box<scenario::Scenario>),
    /// The yardstick, which scenarios start for themselves
    #[command(name = floor::SUBCOMMAND, hide = true)]
    Floor(Box<floor::Args>),
}

fn main() -> ExitCode {
    let load = Load::parse();
    match load.what {
        What::Scenario(scenario) => play(*scenario, load.json),
        What::Floor(args) => {
            let ended = floor::run(&args);
            eprintln!("the yardstick ended: {ended:?}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn play(scenario: scenario::Scenario, json: bool) -> ExitCode {
    match scenario::run(scenario).await {
        Ok(report) => {
            print!("{report}");
            if json {
                println!("{}", report.json());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            if json {
                println!("{}", json!({"error": format!("{error:#}")}));
            }
            ExitCode::FAILURE
        }
    }
}
