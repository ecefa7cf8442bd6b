//! One log as a conversation: who takes part and what they say, in order. What counts as a message is the parser's decision.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, ensure};
use irc_log::Line;

#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) name: String,
    /// Everyone who says something, by first appearance.
    pub(super) nicks: Vec<String>,
    /// Place in `nicks`, and the words.
    pub(super) messages: Vec<(usize, String)>,
    pub(super) blank: u64,
    pub(super) actions: u64,
    pub(super) others: u64,
}

impl Conversation {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = fs::read(path).with_context(|| format!("{name} cannot be read"))?;
        let mut conversation = Self {
            name,
            ..Self::default()
        };
        conversation.take(&log)?;
        Ok(conversation)
    }

    fn take(&mut self, log: &[u8]) -> anyhow::Result<()> {
        let mut seats = HashMap::new();
        for line in irc_log::lines(log) {
            match line {
                Line::Message { nick, text, .. } => {
                    let seat = *seats.entry(nick.clone()).or_insert(self.nicks.len());
                    if seat == self.nicks.len() {
                        self.nicks.push(nick);
                    }
                    self.messages.push((seat, text));
                }
                Line::TooLong { nick, chars } => {
                    anyhow::bail!("{} holds a message of {chars} characters by {nick}", self.name)
                }
                Line::Blank { .. } => self.blank += 1,
                Line::Action { .. } => self.actions += 1,
                Line::Event | Line::Other => self.others += 1,
            }
        }
        Ok(())
    }
}

/// The conversations of a folder in the order of the files' names; files without a message are left out.
pub(super) fn read_folder(folder: &Path, files: Option<usize>) -> anyhow::Result<Vec<Conversation>> {
    let paths = irc_log::files(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut conversations = Vec::new();
    for path in paths {
        let conversation = Conversation::read(&path)?;
        if !conversation.messages.is_empty() {
            conversations.push(conversation);
        }
    }
    conversations.truncate(files.unwrap_or(usize::MAX));
    ensure!(
        !conversations.is_empty(),
        "{} holds no log with a message",
        folder.display()
    );
    ensure_distinct_handles(&conversations)?;
    Ok(conversations)
}

/// Two nicks under one handle would be one person, and every check of authors blind.
fn ensure_distinct_handles(conversations: &[Conversation]) -> anyhow::Result<()> {
    let mut nick_of = HashMap::new();
    for nick in conversations.iter().flat_map(|conversation| &conversation.nicks) {
        let other = nick_of.entry(irc_log::handle_for(nick)).or_insert(nick);
        ensure!(*other == nick, "{nick} and {other} have the same handle");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_listed_once_and_messages_in_order() {
        let mut conversation = Conversation::default();
        let log = b"[00:00] <ann> one\n=== bob joined\n[00:01] <bob> two\n[00:01]  * bob waves\n[00:02] <bob>\n[00:03] <ann> three\n";
        conversation.take(log).expect("short messages");
        assert_eq!(conversation.nicks, ["ann", "bob"]);
        assert_eq!(
            conversation.messages,
            [(0, "one".to_owned()), (1, "two".to_owned()), (0, "three".to_owned())]
        );
        assert_eq!(
            (conversation.blank, conversation.actions, conversation.others),
            (1, 1, 1)
        );
    }

    #[test]
    fn a_folder_without_messages_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("licence.txt"), "some rights reserved\n").expect("a file");
        assert!(read_folder(folder.path(), None).is_err());
        fs::write(folder.path().join("a.txt"), "[00:00] <ann> one\n").expect("a file");
        assert_eq!(read_folder(folder.path(), None).expect("one log").len(), 1);
    }
}
