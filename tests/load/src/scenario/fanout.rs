//! One room with many readers, some of whom send: the delivery path and little else. The room is played like any other.

use crate::{report::Report, server::Target};

use super::{
    pace::{Against, Pace},
    rooms::{self, Load},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many people are in the room and read
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// How many of them send
    #[arg(long, default_value_t = 1)]
    senders: usize,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    target: Target,
}

impl Args {
    fn load(&self) -> Load {
        Load {
            rooms: 1,
            members: self.readers,
            senders: Some(self.senders),
            idle: 0,
            pace: self.pace.clone(),
        }
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    let counts = vec![("readers", args.readers as f64), ("senders", args.senders as f64)];
    rooms::measure("fanout", &args.load(), &args.against, &args.target, counts).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn one_of_a_thousand_sends_unless_told_otherwise() {
        let load = |line: &[&str]| Line::parse_from([&["fanout"], line].concat()).args.load();
        assert!(load(&[]).check().is_ok());
        assert_eq!((load(&[]).members, load(&[]).senders), (1_000, Some(1)));
        assert_eq!(load(&["--readers", "50", "--senders", "5"]).senders, Some(5));
        assert!(load(&["--readers", "1", "--senders", "2"]).check().is_err());
    }
}
