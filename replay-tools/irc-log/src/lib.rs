//! Reads channel logs of IRC as people keep them in text files: any bytes in, one [`Line`] a line out, never an error.
//! Names of Verbatim for the nicknames found are in [`names`]. Nothing here opens a socket or knows what a message becomes.
//!
//! # What counts as a message
//! `[HH:MM] <nick> text` with text that is not blank. `nick` is everything between the first `<` and the next `>`, byte for byte:
//! capitals, brackets and blanks in it are part of it, and two nicks that differ in case are two people. `text` is what follows the
//! `>` without the one blank that separates them, kept as written except that U+0000 is dropped (Verbatim refuses it) and bytes that
//! are not UTF-8 become U+FFFD. A line without words is [`Line::Blank`], one longer than a message may be is [`Line::TooLong`].
//!
//! `[HH:MM]  * nick does something` is an [`Line::Action`]; it is told apart so that it can be counted, and is not a message.
//! `=== ...` is an [`Line::Event`] (joins, parts, renames), all else [`Line::Other`].
//!
//! # To add a kind of line
//! Give it a variant in [`Line`], a branch in `Line::parse` and a sentence above.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

mod names;

pub use names::{display_name_for, handle_for};

/// What a message may hold, as published by Verbatim.
const TEXT_CHARS_MAX: usize = 8_000;
const TEXT_BYTES_MAX: usize = 32_000;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Someone said something. `minute` counts from midnight.
    Message { nick: String, text: String, minute: u16 },
    /// A message line without words.
    Blank { nick: String },
    /// A message line with more words than one message may hold.
    TooLong { nick: String, chars: usize },
    /// `* nick does something`; the text is without the nick.
    Action { nick: String, text: String },
    /// Someone joined, left or changed the name, or the channel changed.
    Event,
    /// Nothing of the above.
    Other,
}

impl Line {
    /// The kind of a line, given without its line feed.
    pub fn parse(line: &[u8]) -> Self {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"===") {
            return Self::Event;
        }
        let Some((minute, rest)) = minute(line) else {
            return Self::Other;
        };
        said(rest, minute).or_else(|| action(rest)).unwrap_or(Self::Other)
    }
}

/// The lines of a log, in order. A last line without a line feed counts, the nothing after a last line feed does not.
pub fn lines(log: &[u8]) -> impl Iterator<Item = Line> {
    let log = log.strip_suffix(b"\n").unwrap_or(log);
    let lines = (!log.is_empty()).then(|| log.split(|byte| *byte == b'\n'));
    lines.into_iter().flatten().map(Line::parse)
}

/// The logs of a folder: its files named `*.txt` or `*.log`, sorted by name. Some may turn out to hold no message at all, a licence for example.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    let named = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| end == OsStr::new("txt") || end == OsStr::new("log"))
    };
    let mut logs: Vec<PathBuf> = entries
        .into_iter()
        .filter(|path| named(path) && path.is_file())
        .collect();
    logs.sort();
    Ok(logs)
}

/// `[HH:MM] ` and what follows it.
fn minute(line: &[u8]) -> Option<(u16, &[u8])> {
    let [b'[', h1, h2, b':', m1, m2, b']', b' ', rest @ ..] = line else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let (hour, minute) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
    (hour < 24 && minute < 60).then_some((hour * 60 + minute, rest))
}

/// `<nick> text`
fn said(rest: &[u8], minute: u16) -> Option<Line> {
    let rest = rest.strip_prefix(b"<")?;
    let end = rest.iter().position(|byte| *byte == b'>').filter(|end| *end > 0)?;
    let (nick, text) = (text(&rest[..end]), &rest[end + 1..]);
    let text = self::text(text.strip_prefix(b" ").unwrap_or(text));
    // Possible only where the nick was nothing but U+0000.
    if nick.is_empty() {
        return None;
    }
    if text.trim().is_empty() {
        return Some(Line::Blank { nick });
    }
    let chars = text.chars().count();
    if chars > TEXT_CHARS_MAX || text.len() > TEXT_BYTES_MAX {
        return Some(Line::TooLong { nick, chars });
    }
    Some(Line::Message { nick, text, minute })
}

/// ` * nick text`, the second of the two blanks after the time included.
fn action(rest: &[u8]) -> Option<Line> {
    let rest = rest.strip_prefix(b" * ")?;
    let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    let (nick, does) = rest.split_at(end);
    (!nick.is_empty()).then(|| Line::Action {
        nick: text(nick),
        text: text(does.strip_prefix(b" ").unwrap_or(does)),
    })
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        Cow::into_owned(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(nick: &str, text: &str, minute: u16) -> Line {
        Line::Message {
            nick: nick.into(),
            text: text.into(),
            minute,
        }
    }

    #[test]
    fn each_kind_of_line_is_told_apart() {
        let log = b"[05:59] <szx0> has anyone here used it?\n\
            [06:00]  * pclynch smiles while upgrading\n\
            === maco is now known as maco_away\n\
            [01:09] (soundray/#ubuntu) thomas: have you seen it\n\
            \n\
            plain words";
        let expected = [
            message("szx0", "has anyone here used it?", 5 * 60 + 59),
            Line::Action {
                nick: "pclynch".into(),
                text: "smiles while upgrading".into(),
            },
            Line::Event,
            Line::Other,
            Line::Other,
            Line::Other,
        ];
        assert_eq!(lines(log).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn words_and_names_are_kept_byte_for_byte() {
        assert_eq!(
            Line::parse(b"[00:00] <starscream[2> ]  two  blanks \t"),
            message("starscream[2", "]  two  blanks \t", 0)
        );
        assert_eq!(
            Line::parse(b"[23:59] <Alex[RM-UK] > hi"),
            message("Alex[RM-UK] ", "hi", 1_439)
        );
        assert_eq!(
            Line::parse(b"[23:59] <mod^>  * Starting"),
            message("mod^", " * Starting", 1_439)
        );
        assert_ne!(Line::parse(b"[00:00] <Ann> hi"), Line::parse(b"[00:00] <ann> hi"));
    }

    #[test]
    fn a_carriage_return_ends_a_line_and_nul_is_dropped() {
        assert_eq!(Line::parse(b"[00:01] <ann> a\0b\r"), message("ann", "ab", 1));
        assert_eq!(Line::parse(b"[00:01] <ann> \0\0"), Line::Blank { nick: "ann".into() });
    }

    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        assert_eq!(
            Line::parse(b"[00:01] <\xe4nn> caf\xe9"),
            message("\u{fffd}nn", "caf\u{fffd}", 1)
        );
    }

    #[test]
    fn a_line_without_words_is_blank() {
        for line in ["[09:43] <drcode>", "[09:43] <drcode> ", "[09:43] <drcode>  \t\u{a0}"] {
            assert_eq!(
                Line::parse(line.as_bytes()),
                Line::Blank { nick: "drcode".into() },
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_longer_than_a_message_may_be_is_named_as_such() {
        let line = |text: &str| Line::parse(format!("[00:00] <ann> {text}").as_bytes());
        assert_eq!(line(&"x".repeat(8_000)), message("ann", &"x".repeat(8_000), 0));
        assert_eq!(
            line(&"x".repeat(8_001)),
            Line::TooLong {
                nick: "ann".into(),
                chars: 8_001
            }
        );
    }

    #[test]
    fn an_impossible_time_or_an_empty_nick_is_no_message() {
        for line in [
            "[24:00] <ann> hi",
            "[00:60] <ann> hi",
            "[0:00] <ann> hi",
            "[00:00] <> hi",
            "[00:00] <ann hi",
            "<ann> hi",
        ] {
            assert_eq!(Line::parse(line.as_bytes()), Line::Other, "{line}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for (log, count) in [("", 0), ("a", 1), ("a\n", 1), ("a\n\n", 2), ("a\nb", 2)] {
            assert_eq!(lines(log.as_bytes()).count(), count, "{log:?}");
        }
    }

    #[test]
    fn any_bytes_give_lines_that_verbatim_would_take() {
        let pieces: [&[u8]; 12] = [
            b"[12:34]",
            b" ",
            b"<",
            b">",
            b" * ",
            b"===",
            b"\n",
            b"\r",
            b"\0",
            b"\xff\xc3",
            b"ann",
            "\u{1f600}".as_bytes(),
        ];
        let mut state = 0x9e37_79b9_u64;
        for _ in 0..20_000 {
            let mut log = Vec::new();
            for _ in 0..12 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let drawn = (state >> 33) as usize;
                if drawn.is_multiple_of(5) {
                    log.push((drawn >> 8) as u8)
                } else {
                    log.extend_from_slice(pieces[drawn % pieces.len()])
                }
            }
            assert_eq!(lines(&log).count(), String::from_utf8_lossy(&log).lines().count());
            for line in lines(&log) {
                if let Line::Message { nick, text, minute } = line {
                    assert!(
                        !nick.is_empty() && !text.trim().is_empty() && !text.contains('\0') && minute < 1_440,
                        "{log:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_logs_of_the_folder_are_listed_and_in_order() {
        let folder = std::env::temp_dir().join(format!("irc-log-{}", std::process::id()));
        fs::create_dir_all(folder.join("folder.txt")).expect("a folder");
        for name in ["b.txt", "a.log", "c.md"] {
            fs::write(folder.join(name), "").expect("a file");
        }
        let names: Vec<_> = files(&folder)
            .expect("listed")
            .iter()
            .map(|path| path.file_name().map(OsStr::to_owned))
            .collect();
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(names, [Some("a.log".into()), Some("b.txt".into())]);
    }
}
