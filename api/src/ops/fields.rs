//! Field by field from what people send to types that cannot be wrong. Every mistake of a request is collected, each with the JSON
//! pointer of its field. What is not JSON at all, or has unknown fields, was refused before it comes here.

use std::fmt::Display;

use crate::problem::{Problem, codes};

/// The mistakes of one request, in the order of its fields.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    mistakes: Option<Problem>,
}

impl Fields {
    /// The parsed field, or nothing and one more mistake.
    pub(crate) fn field<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|why| self.refuse(pointer, why)).ok()
    }

    /// A field that may be left out. The outer `None` is a mistake.
    pub(crate) fn optional<I, T, E: Display>(
        &mut self,
        pointer: &str,
        given: Option<I>,
        parse: impl FnOnce(I) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match given {
            None => Some(None),
            Some(given) => self.field(pointer, parse(given)).map(Some),
        }
    }

    /// A list, with the pointer of each wrong item.
    pub(crate) fn list<I, T, E: Display>(
        &mut self,
        pointer: &str,
        given: Vec<I>,
        parse: impl Fn(I) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let parse_item = |(place, item)| self.field(&format!("{pointer}/{place}"), parse(item));
        // Collected first, so that one wrong item does not hide the next.
        let items: Vec<Option<T>> = given.into_iter().enumerate().map(parse_item).collect();
        items.into_iter().collect()
    }

    /// A field that has no place in this kind of request.
    pub(crate) fn absent<T>(&mut self, pointer: &str, given: Option<&T>, why: &str) {
        if given.is_some() {
            self.refuse(pointer, why);
        }
    }

    pub(crate) fn refuse(&mut self, pointer: &str, why: impl Display) {
        let before = self
            .mistakes
            .take()
            .unwrap_or_else(|| Problem::new(&codes::REQUEST_INVALID));
        self.mistakes = Some(before.field(pointer, why.to_string()));
    }

    /// What was made of the fields, unless there were mistakes.
    pub(crate) fn finish<T>(self, made: Option<T>) -> Result<T, Problem> {
        match (self.mistakes, made) {
            (None, Some(made)) => Ok(made),
            (Some(mistakes), _) => Err(mistakes),
            (None, None) => Err(Problem::new(&codes::REQUEST_INVALID)),
        }
    }
}

/// One of a closed set of words.
pub(crate) fn word<T: Copy>(given: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == given);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be one of {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(number: u8) -> Result<u8, &'static str> {
        if number.is_multiple_of(2) {
            Ok(number)
        } else {
            Err("odd")
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let mut fields = Fields::default();
        let list = fields.list("/list", vec![2, 3, 4, 5], even);
        let single = fields.optional("/single", Some(7), even);
        let problem = fields.finish(list.zip(single)).expect_err("three mistakes");
        let pointers: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/list/1", "/list/3", "/single"]);
    }

    #[test]
    fn a_field_out_of_place_is_a_mistake_even_when_everything_else_is_right() {
        let mut fields = Fields::default();
        fields.absent("/space", Some(&1), "has no place here");
        assert!(fields.finish(Some(())).is_err());
    }

    #[test]
    fn what_was_left_out_is_no_mistake() {
        let mut fields = Fields::default();
        let left_out = fields.optional("/single", None, even);
        assert_eq!(fields.finish(left_out).expect("no mistakes"), None);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let words = [("all", 1), ("since_join", 2)];
        assert_eq!(word("all", &words), Ok(1));
        assert_eq!(word("none", &words), Err("must be one of all, since_join".to_owned()));
    }
}
