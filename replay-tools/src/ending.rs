//! How the tool ends: the one place where an outcome becomes an exit code.

use std::{io, process::ExitCode};

/// What a subcommand that did its work has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    /// Two things that should agree do not, or something is damaged. What it is was printed.
    Difference,
}

/// Arguments that make no sense together, beyond what their parser can tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
const DIFFERENCE: u8 = 3;
/// What shells expect of a program that was interrupted.
const INTERRUPTED: i32 = 130;

impl Ending {
    pub(crate) fn differs(differs: bool) -> Self {
        if differs { Self::Difference } else { Self::Done }
    }
}

/// A refusal of the arguments as an error.
pub(crate) fn wrong_usage(why: impl Into<String>) -> anyhow::Error {
    WrongUsage(why.into()).into()
}

pub(crate) fn code(ended: anyhow::Result<Ending>) -> ExitCode {
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Difference) => DIFFERENCE.into(),
        // Whoever read the results has had enough of them.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<WrongUsage>() { WRONG_USAGE } else { FAILED }.into()
        }
    }
}

/// Ends at once, whatever threads are still reading.
pub(crate) fn interrupted() -> ! {
    eprintln!("interrupted");
    std::process::exit(INTERRUPTED)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let of_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(of_pipe))
}
