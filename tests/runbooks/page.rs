//! A runbook as its reader sees it: the commands under a heading, in order. What is not a block of `sh` is for people.

use std::path::Path;

/// The commands of one page, or of a part of it.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    name: String,
    text: String,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../ops/runbooks")
            .join(name)
            .with_extension("md");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            name: name.to_owned(),
            text,
        }
    }

    /// What stands below the heading that begins like this, up to the next heading of its level or above.
    pub(crate) fn below(&self, heading: &str) -> Self {
        let level = |line: &str| line.chars().take_while(|mark| *mark == '#').count();
        let mut depth = None;
        let mut fenced = false;
        let mut kept = String::new();
        for line in self.text.lines() {
            fenced ^= line.trim_start().starts_with("```");
            let heads = if fenced { 0 } else { level(line) };
            match depth {
                None if heads > 0 && line.trim_start_matches('#').trim_start().starts_with(heading) => {
                    depth = Some(heads);
                }
                Some(depth) if heads > 0 && heads <= depth => break,
                Some(_) => {
                    kept.push_str(line);
                    kept.push('\n');
                }
                None => {}
            }
        }
        assert!(depth.is_some(), "{} has no heading {heading:?}", self.name);
        Self {
            name: format!("{}, {heading}", self.name),
            text: kept,
        }
    }

    /// The blocks of `sh`, each without the indentation of the list it may stand in.
    pub(crate) fn commands(&self) -> Vec<String> {
        let mut blocks = vec![];
        let mut block: Option<(usize, String)> = None;
        for line in self.text.lines() {
            let bare = line.trim_start();
            block = match block {
                None if bare == "```sh" => Some((line.len() - bare.len(), String::new())),
                None => None,
                Some((_, commands)) if bare == "```" => {
                    blocks.push(commands);
                    None
                }
                Some((indent, mut commands)) => {
                    commands.push_str(line.get(indent..).unwrap_or(bare));
                    commands.push('\n');
                    Some((indent, commands))
                }
            };
        }
        assert!(!blocks.is_empty(), "{} has no commands", self.name);
        blocks
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
