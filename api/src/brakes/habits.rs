//! What one person did of late, and when it is too much. Pure: the time is an argument.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::limits::Limits;

/// Messages of one person that are remembered, however many they send: as many as `repeats` can be set to.
const REMEMBERED_MAX: usize = 32;
/// More than any message holds.
const PARTS_MAX: u32 = 1_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// How much is too much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    repeats: usize,
    repeat_window: Duration,
    links: Pace,
    mentions: Pace,
}

impl Rules {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            repeats: limits.repeats.min(REMEMBERED_MAX),
            repeat_window: Duration::from_millis(limits.repeat_window_ms as u64),
            links: Pace::new(HOUR, limits.new_account_links_per_hour),
            mentions: Pace::new(MINUTE, limits.mentions_per_minute),
        }
    }
}

/// What one message weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    /// Hash of what it says, for a new one.
    pub(super) words: Option<u64>,
    pub(super) links: u32,
    mentions: u32,
}

impl Weight {
    pub(super) fn new(words: Option<u64>, links: usize, mentions: usize) -> Self {
        let counted = |parts: usize| u32::try_from(parts).unwrap_or(PARTS_MAX).min(PARTS_MAX);
        Self {
            words,
            links: counted(links),
            mentions: counted(mentions),
        }
    }
}

/// Why a message has to wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Braked {
    Repeated { wait: Duration },
    Links { wait: Duration },
    Mentions { wait: Duration },
}

impl Braked {
    /// As the metrics name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Repeated { .. } => "brake-repeated",
            Self::Links { .. } => "brake-links",
            Self::Mentions { .. } => "brake-mentions",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Habits {
    /// When they said what, the newest last.
    said: VecDeque<(Instant, u64)>,
    links: Budget,
    mentions: Budget,
}

impl Habits {
    /// Counts a message, or says what is too much; then it counts for nothing.
    pub(super) fn count(&mut self, rules: &Rules, weight: Weight, new: bool, now: Instant) -> Result<(), Braked> {
        self.may_repeat(rules, weight, now)?;
        let (mut links, mut mentions) = (self.links, self.mentions);
        if new {
            links
                .spend(rules.links, weight.links, now)
                .map_err(|wait| Braked::Links { wait })?;
        }
        mentions
            .spend(rules.mentions, weight.mentions, now)
            .map_err(|wait| Braked::Mentions { wait })?;
        (self.links, self.mentions) = (links, mentions);
        if let Some(words) = weight.words {
            if self.said.len() == REMEMBERED_MAX {
                self.said.pop_front();
            }
            self.said.push_back((now, words));
        }
        Ok(())
    }

    /// Takes back what was counted at `at`.
    pub(super) fn forget(&mut self, rules: &Rules, weight: Weight, at: Instant) {
        let counted = (at, weight.words.unwrap_or_default());
        if let Some(place) = self.said.iter().rposition(|said| *said == counted) {
            self.said.remove(place);
        }
        self.links.give_back(rules.links, weight.links);
        self.mentions.give_back(rules.mentions, weight.mentions);
    }

    fn may_repeat(&mut self, rules: &Rules, weight: Weight, now: Instant) -> Result<(), Braked> {
        let Some(words) = weight.words else { return Ok(()) };
        let ends = |at: Instant| at + rules.repeat_window;
        while self.said.front().is_some_and(|(at, _)| ends(*at) <= now) {
            self.said.pop_front();
        }
        let mut same = self.said.iter().filter(|(_, said)| *said == words);
        if same.clone().count() < rules.repeats {
            return Ok(());
        }
        let oldest = same.next().map_or(now, |(at, _)| *at);
        Err(Braked::Repeated {
            wait: ends(oldest).saturating_duration_since(now),
        })
    }
}

/// So many in a period, at once or one by one.
#[derive(Debug, Clone, Copy)]
struct Pace {
    each: Duration,
    all: Duration,
}

impl Pace {
    fn new(period: Duration, count: usize) -> Self {
        Self {
            each: period / u32::try_from(count).unwrap_or(u32::MAX).max(1),
            all: period,
        }
    }

    /// More than fits into a period costs a period.
    fn price(self, parts: u32) -> Duration {
        self.each.saturating_mul(parts).min(self.all)
    }
}

/// When everything is there again.
#[derive(Debug, Clone, Copy, Default)]
struct Budget(Option<Instant>);

impl Budget {
    fn spend(&mut self, pace: Pace, parts: u32, now: Instant) -> Result<(), Duration> {
        if parts == 0 {
            return Ok(());
        }
        let full_at = self.0.map_or(now, |full_at| full_at.max(now)) + pace.price(parts);
        match full_at.checked_duration_since(now + pace.all) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                self.0 = Some(full_at);
                Ok(())
            }
        }
    }

    fn give_back(&mut self, pace: Pace, parts: u32) {
        self.0 = self.0.and_then(|full_at| full_at.checked_sub(pace.price(parts)));
    }
}

/// What a text says, without case, spaces, signs and what nobody sees; a text of nothing else is itself.
pub(super) fn gist(body: &str) -> String {
    let letters = body.chars().filter(|char| char.is_alphanumeric());
    let gist: String = letters.flat_map(char::to_lowercase).collect();
    if gist.is_empty() {
        body.split_whitespace().collect()
    } else {
        gist
    }
}

/// How many links a text holds, as far as readers would follow them.
pub(super) fn links(body: &str) -> usize {
    let lower = body.to_ascii_lowercase();
    let schemes = lower.matches("://").count();
    let bare = lower.split_whitespace().filter(|word| word.starts_with("www.")).count();
    schemes + bare
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules() -> Rules {
        Rules::of(&Limits {
            repeats: 3,
            repeat_window_ms: 60_000,
            new_account_links_per_hour: 4,
            mentions_per_minute: 10,
            ..Limits::default()
        })
    }

    fn words(hash: u64) -> Weight {
        Weight::new(Some(hash), 0, 0)
    }

    #[test]
    fn the_same_words_may_be_said_a_few_times_in_a_while() {
        let (mut habits, rules, start) = (Habits::default(), rules(), Instant::now());
        for second in 0..3 {
            assert_eq!(habits.count(&rules, words(1), false, start + SECOND * second), Ok(()));
        }
        let later = start + SECOND * 10;
        let refused = habits.count(&rules, words(1), false, later);
        assert_eq!(refused, Err(Braked::Repeated { wait: SECOND * 50 }));
        assert_eq!(habits.count(&rules, words(2), false, later), Ok(()), "other words");
        assert_eq!(habits.count(&rules, words(1), false, start + SECOND * 60), Ok(()));
        assert!(habits.count(&rules, words(1), false, start + SECOND * 60).is_err());
    }

    #[test]
    fn what_was_refused_or_taken_back_counts_for_nothing() {
        let (mut habits, rules, start) = (Habits::default(), rules(), Instant::now());
        let heavy = Weight::new(Some(1), 4, 10);
        for _ in 0..20 {
            assert_eq!(habits.count(&rules, heavy, true, start), Ok(()));
            assert!(habits.count(&rules, heavy, true, start).is_err());
            habits.forget(&rules, heavy, start);
        }
    }

    #[test]
    fn links_are_counted_for_new_accounts_only() {
        let (mut habits, rules, start) = (Habits::default(), rules(), Instant::now());
        let three = |said| Weight::new(Some(said), 3, 0);
        assert_eq!(habits.count(&rules, three(1), true, start), Ok(()));
        let refused = habits.count(&rules, three(2), true, start);
        assert_eq!(refused, Err(Braked::Links { wait: HOUR / 2 }));
        assert_eq!(habits.count(&rules, three(3), false, start), Ok(()));
        assert_eq!(habits.count(&rules, three(2), true, start + HOUR / 2), Ok(()));
    }

    #[test]
    fn mentions_are_counted_over_all_messages() {
        let (mut habits, rules, start) = (Habits::default(), rules(), Instant::now());
        let five = |said| Weight::new(Some(said), 0, 5);
        assert_eq!(habits.count(&rules, five(1), false, start), Ok(()));
        assert_eq!(habits.count(&rules, five(2), false, start), Ok(()));
        let refused = habits.count(&rules, five(3), false, start);
        assert_eq!(refused, Err(Braked::Mentions { wait: SECOND * 30 }));
        assert_eq!(habits.count(&rules, words(3), false, start), Ok(()), "without mentions");
    }

    #[test]
    fn a_message_beyond_every_budget_waits_for_a_full_one() {
        let (mut habits, rules, start) = (Habits::default(), rules(), Instant::now());
        let many = |said| Weight::new(Some(said), 0, 50);
        assert_eq!(habits.count(&rules, many(1), false, start), Ok(()));
        let refused = habits.count(&rules, many(2), false, start);
        assert_eq!(refused, Err(Braked::Mentions { wait: MINUTE }));
    }

    #[test]
    fn one_person_is_remembered_in_bounds() {
        let (mut habits, rules, start) = (Habits::default(), rules(), Instant::now());
        for said in 0..10_000 {
            assert_eq!(habits.count(&rules, words(said), false, start), Ok(()));
        }
        assert_eq!(habits.said.len(), REMEMBERED_MAX);
    }

    #[test]
    fn links_are_found_as_readers_find_them() {
        for (text, count) in [
            ("no link", 0),
            ("see https://a.example and HTTP://b.example", 2),
            ("www.a.example", 1),
            ("https://www.a.example", 1),
            ("awww.so.sweet", 0),
        ] {
            assert_eq!(links(text), count, "{text}");
        }
    }
}
