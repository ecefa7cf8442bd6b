//! The SQLite log against the one in memory, which is simple enough to be believed: the same calls, in chance order but the same one
//! every time, must get the same answers.

use event_store::MemoryLog;

use super::*;

#[tokio::test]
async fn whatever_is_appended_it_answers_as_the_log_in_memory_does() {
    const CALLS: u32 = 400;
    for seed in 1..=5 {
        let (_folder, path) = new_log().await;
        let (memory, mut sqlite) = (MemoryLog::new(), open(&path));
        let mut chance = Chance(seed);
        for call in 0..CALLS {
            let appends: Vec<_> = (0..chance.below(6) + 1).map(|_| chance.append()).collect();
            let expected = memory.append(appends.clone()).await;
            assert_eq!(sqlite.append(appends).await, expected, "seed {seed}, call {call}");
            if chance.below(100) == 0 {
                drop(sqlite);
                sqlite = open(&path);
            }
        }
        let all = memory.read_all(0, usize::MAX).await.expect("a page");
        assert!(all.events.len() > CALLS as usize);
        assert_eq!(sqlite.read_all(0, usize::MAX).await, Ok(all));
    }
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Few streams and ids, so that everything meets everything: repetitions, reuses, conflicts, and mostly something new.
    fn append(&mut self) -> Append {
        let to = stream(self.below(4).into());
        let expected = match self.below(8) {
            0 => Expected::Empty,
            1 | 2 => Expected::Revision(self.below(40)),
            _ => Expected::Any,
        };
        let first = if self.below(3) == 0 {
            self.below(60)
        } else {
            self.below(1 << 30)
        };
        let count = self.below(4);
        let events = (0..count).map(|place| self.event(first, place)).collect();
        Append {
            stream: to,
            expected,
            events,
        }
    }

    fn event(&mut self, first: u64, place: u64) -> NewEvent {
        // Once in a while an id that stands in the middle of another append, or twice in this one.
        let number = if self.below(12) == 0 {
            self.below(60)
        } else {
            first + place
        };
        let intent = [u8::from(self.below(6) == 0); 16];
        NewEvent {
            intent,
            ..event(number.into())
        }
    }
}
