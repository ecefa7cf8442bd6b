//! Sending at a fixed rate: every message has a time at which it should be sent, which does not move when the server is slow. A thread
//! wakes the senders, since timers of the runtime are a millisecond wide.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{Clock, Load};

/// The rate of a run, and who is woken for it. Without a rate it does nothing.
#[derive(Debug, Clone)]
pub(super) struct Metronome {
    beats: Arc<[Beat]>,
    senders_per_room: usize,
}

/// One sender's share of the rate: every n-th message, beginning with its own.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    first: Instant,
    every: Duration,
    wake: Arc<Notify>,
}

impl Metronome {
    /// Senders take turns. The thread ends with the clock.
    pub(super) fn start(load: &Load, clock: Clock) -> Self {
        let senders = load.rooms * load.senders();
        let between = load.pace.rate.map(|rate| Duration::from_secs(1).div_f64(rate as f64));
        let beat = |(turn, between): (u32, Duration)| Beat {
            first: clock.epoch + between * turn,
            every: between * senders as u32,
            wake: Arc::default(),
        };
        let turns = between
            .into_iter()
            .flat_map(|between| (0..senders as u32).map(move |turn| (turn, between)));
        let beats: Arc<[Beat]> = turns.map(beat).collect();
        if !beats.is_empty() {
            let beats = beats.clone();
            thread::spawn(move || wake(&beats, clock));
        }
        Self {
            beats,
            senders_per_room: load.senders(),
        }
    }

    /// None without a rate, or for a seat that only reads.
    pub(super) fn beat(&self, room: usize, seat: usize) -> Option<Beat> {
        let sends = seat < self.senders_per_room;
        self.beats
            .get(room * self.senders_per_room + seat)
            .filter(|_| sends)
            .cloned()
    }
}

impl Beat {
    /// When the message of a number should be sent.
    pub(super) fn due(&self, number: u64) -> Instant {
        self.first + Duration::from_nanos(self.every.as_nanos() as u64 * number)
    }
}

/// Never comes without a beat.
pub(super) async fn next_beat(beat: Option<&Beat>) {
    match beat {
        Some(beat) => beat.wake.notified().await,
        None => std::future::pending().await,
    }
}

fn wake(beats: &[Beat], clock: Clock) {
    for number in 0.. {
        for beat in beats {
            let due = beat.due(number);
            if due >= clock.until {
                sleep_until(clock.until);
                // Once more for everyone, who would otherwise not see that it is over.
                beats.iter().for_each(|beat| beat.wake.notify_one());
                return;
            }
            sleep_until(due);
            beat.wake.notify_one();
        }
    }
}

fn sleep_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::sleep(left);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Pace, *};

    fn metronome(rate: Option<u64>) -> Metronome {
        let now = Instant::now();
        let clock = Clock {
            epoch: now,
            from: now,
            until: now,
        };
        let load = Load {
            rooms: 2,
            members: 3,
            senders: Some(2),
            pace: Pace {
                in_flight: 1,
                rate,
                body: 200,
                seconds: 1,
                warm_up: 0,
            },
        };
        Metronome::start(&load, clock)
    }

    #[test]
    fn senders_take_turns_at_the_rate_of_all() {
        let metronome = metronome(Some(1_000));
        let due = |room, seat, number| metronome.beat(room, seat).expect("a sender").due(number);
        let start = due(0, 0, 0);
        let ms = |at: Instant| (at - start).as_millis();
        assert_eq!([ms(due(0, 1, 0)), ms(due(1, 0, 0)), ms(due(1, 1, 0))], [1, 2, 3]);
        assert_eq!([ms(due(0, 0, 1)), ms(due(1, 1, 10))], [4, 43]);
    }

    #[test]
    fn readers_and_closed_loops_have_no_beat() {
        assert!(metronome(Some(1_000)).beat(0, 2).is_none());
        assert!(metronome(None).beat(0, 0).is_none());
    }
}
