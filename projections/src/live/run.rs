//! Consecutive events of one channel that became durable together, with their frames in one piece: whoever follows the channel and had no
//! part in them is given the piece, so that a socket's queue and its write cost the same for thirty events as for one.

use std::{collections::HashMap, sync::Arc};

use bytes::{Bytes, BytesMut};
use domain::{ChannelId, UserId};

use super::{Cursor, LiveEvent};

/// Bytes of one run; what is more goes into the next. Small beside the limits of a socket's queue, which takes a run whole or not at all.
const BYTES_MAX: usize = 32 * 1024;

#[derive(Debug)]
pub struct Run {
    pub channel: ChannelId,
    /// Never empty; each seq is one above that before it.
    pub events: Vec<Arc<LiveEvent>>,
    /// The frames of all events, as those see them who are not in `people`.
    pub frames: Bytes,
    /// Authors, and people who were let in or out: they see an event of their own.
    people: Vec<UserId>,
    /// The lowest seq of a message whose words are in here.
    words_from: u64,
}

impl Run {
    pub fn first(&self) -> u64 {
        self.events[0].seq
    }

    pub fn last(&self) -> u64 {
        self.first() + self.events.len() as u64 - 1
    }

    /// Whether someone sees these events otherwise than everyone else: had a part in them, or may not see a message in them.
    pub fn concerns(&self, cursor: &Cursor) -> bool {
        self.people.contains(&cursor.user) || self.words_from < cursor.visible_from()
    }

    /// Whether anyone was let in or out.
    pub fn has_changes(&self) -> bool {
        self.events.iter().any(|event| event.change.is_some())
    }

    fn of(events: Vec<Arc<LiveEvent>>) -> Self {
        let mut people: Vec<UserId> = events.iter().flat_map(|event| event.people()).collect();
        people.sort_unstable();
        people.dedup();
        Self {
            channel: events[0].channel,
            frames: in_one_piece(&events),
            people,
            words_from: events
                .iter()
                .filter_map(|event| event.words_seq())
                .min()
                .unwrap_or(u64::MAX),
            events,
        }
    }
}

fn in_one_piece(events: &[Arc<LiveEvent>]) -> Bytes {
    if let [only] = events {
        return only.frame().clone();
    }
    let mut piece = BytesMut::with_capacity(events.iter().map(|event| event.frame().len()).sum());
    events.iter().for_each(|event| piece.extend_from_slice(event.frame()));
    piece.freeze()
}

/// A batch by channel. The order within each channel stays; between channels nobody is promised any.
pub(super) fn runs(events: &[Arc<LiveEvent>]) -> Vec<Run> {
    let mut open: HashMap<ChannelId, usize> = HashMap::new();
    let mut gathered: Vec<(usize, Vec<Arc<LiveEvent>>)> = Vec::new();
    for event in events {
        let bytes = event.frame().len();
        match open.get(&event.channel).map(|place| &mut gathered[*place]) {
            Some((so_far, run)) if *so_far + bytes <= BYTES_MAX && follows(run, event) => {
                *so_far += bytes;
                run.push(Arc::clone(event));
            }
            Some(_) | None => {
                open.insert(event.channel, gathered.len());
                gathered.push((bytes, vec![Arc::clone(event)]));
            }
        }
    }
    gathered.into_iter().map(|(_, events)| Run::of(events)).collect()
}

/// An event that cannot be decoded is shown to nobody, and leaves a hole that readers have to notice.
fn follows(run: &[Arc<LiveEvent>], event: &LiveEvent) -> bool {
    run.last().is_some_and(|last| last.seq + 1 == event.seq)
}
