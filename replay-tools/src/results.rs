//! What goes to stdout: for people, or as JSON. A reader who closes the pipe early ends the tool quietly.

use std::io::{self, BufWriter, StdoutLock, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, ValueEnum};
use serde::Serialize;

#[derive(Args, Clone, Copy)]
pub(crate) struct Showing {
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// No progress bar
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

/// Stdout, written in large pieces.
pub(crate) struct Results {
    out: BufWriter<StdoutLock<'static>>,
    format: Format,
}

impl Showing {
    pub(crate) fn results(self) -> Results {
        Results {
            out: BufWriter::new(io::stdout().lock()),
            format: self.format,
        }
    }
}

impl Results {
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A line for people; nothing where JSON is wanted.
    pub(crate) fn say(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        if self.is_json() {
            return Ok(());
        }
        writeln!(self.out, "{}", line.as_ref())
    }

    /// A line of JSON; nothing where people read.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.is_json() {
            serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A time as everything of ours prints it.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn time_of_micros(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(|| format!("{micros} us"), time)
}

/// 1234567 as people read it.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn per(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
