//! The part of a message around the first words that were searched for, and where they stand in it.

use std::ops::Range;

/// Characters of an excerpt; shorter messages are shown whole.
pub const EXCERPT_CHARS: usize = 240;
/// Characters shown before the first match, where the message is longer.
const LEAD_CHARS: usize = 60;

/// A part of a message. Places are counted in Unicode scalar values, as lengths of messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    pub matches: Vec<Range<usize>>,
    /// Something stands before it.
    pub cut_before: bool,
    /// Something stands after it.
    pub cut_after: bool,
}

impl Excerpt {
    /// From the words with marks around what was found.
    pub(super) fn of(marked: &str, open: &str, close: &str) -> Self {
        let (plain, found) = unmark(marked, open, close);
        let from = match found.first() {
            Some(first) if plain.len() > EXCERPT_CHARS => {
                first.start.saturating_sub(LEAD_CHARS).min(plain.len() - EXCERPT_CHARS)
            }
            _ => 0,
        };
        let to = (from + EXCERPT_CHARS).min(plain.len());
        let within = found
            .into_iter()
            .filter(|found| found.start < to && found.end > from)
            .map(|found| found.start.max(from) - from..found.end.min(to) - from);
        Self {
            text: plain[from..to].iter().collect(),
            matches: within.collect(),
            cut_before: from > 0,
            cut_after: to < plain.len(),
        }
    }
}

fn unmark(marked: &str, open: &str, close: &str) -> (Vec<char>, Vec<Range<usize>>) {
    let mut plain = vec![];
    let mut found = vec![];
    for (place, part) in marked.split(open).enumerate() {
        let start = plain.len();
        match part.split_once(close) {
            Some((inside, behind)) if place > 0 => {
                plain.extend(inside.chars());
                found.push(start..plain.len());
                plain.extend(behind.chars());
            }
            _ => plain.extend(part.chars()),
        }
    }
    (plain, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(marked: &str) -> Excerpt {
        Excerpt::of(marked, "<", ">")
    }

    #[test]
    fn a_short_message_is_shown_whole_with_its_matches_in_characters() {
        let excerpt = excerpt("über <Tee> und <Tee>");
        assert_eq!(excerpt.text, "über Tee und Tee");
        assert_eq!(excerpt.matches, [5..8, 13..16]);
        assert!(!excerpt.cut_before && !excerpt.cut_after);
    }

    #[test]
    fn a_long_message_is_shown_around_its_first_match() {
        let long = format!("{}<tea>{}", "é".repeat(1_000), "x".repeat(1_000));
        let excerpt = excerpt(&long);
        assert_eq!(excerpt.text.chars().count(), EXCERPT_CHARS);
        assert_eq!(
            excerpt.matches.as_slice(),
            std::slice::from_ref(&(LEAD_CHARS..LEAD_CHARS + 3))
        );
        assert!(excerpt.cut_before && excerpt.cut_after);
    }

    #[test]
    fn a_match_at_the_end_leaves_no_room_behind_it() {
        let excerpt = excerpt(&format!("{}<tea>", "x".repeat(1_000)));
        assert_eq!(
            excerpt.matches.as_slice(),
            std::slice::from_ref(&(EXCERPT_CHARS - 3..EXCERPT_CHARS))
        );
        assert!(excerpt.cut_before && !excerpt.cut_after);
    }
}
