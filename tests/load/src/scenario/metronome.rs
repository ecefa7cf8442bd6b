//! Sending at a fixed rate: every message has a time at which it should be sent, which does not move when the server is slow. A thread
//! wakes the senders, since timers of the runtime are a millisecond wide.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::pace::Clock;

/// The rate of a run, and who is woken for it. Without a rate it does nothing.
#[derive(Debug, Clone)]
pub(super) struct Metronome {
    beats: Arc<[Beat]>,
}

/// One sender's share of the rate: every n-th message, beginning with its own.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    first: Instant,
    every: Duration,
    wake: Arc<Notify>,
}

impl Metronome {
    /// Senders take turns. The thread ends with the clock, or when nobody holds the metronome any more.
    pub(super) fn start(senders: usize, rate: Option<u64>, clock: Clock) -> Self {
        let between = rate.map(|rate| Duration::from_secs(1).div_f64(rate as f64));
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
        Self { beats }
    }

    /// None without a rate.
    pub(super) fn beat(&self, sender: usize) -> Option<Beat> {
        self.beats.get(sender).cloned()
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

fn wake(beats: &Arc<[Beat]>, clock: Clock) {
    for number in 0.. {
        if Arc::strong_count(beats) == 1 {
            return;
        }
        for beat in beats.iter() {
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
    use super::*;

    fn metronome(rate: Option<u64>) -> Metronome {
        let now = Instant::now();
        let clock = Clock {
            epoch: now,
            from: now,
            until: now,
        };
        Metronome::start(4, rate, clock)
    }

    #[test]
    fn senders_take_turns_at_the_rate_of_all() {
        let metronome = metronome(Some(1_000));
        let due = |sender, number| metronome.beat(sender).expect("a sender").due(number);
        let start = due(0, 0);
        let ms = |at: Instant| (at - start).as_millis();
        assert_eq!([ms(due(1, 0)), ms(due(2, 0)), ms(due(3, 0))], [1, 2, 3]);
        assert_eq!([ms(due(0, 1)), ms(due(3, 10))], [4, 43]);
    }

    #[test]
    fn a_closed_loop_has_no_beat() {
        assert!(metronome(None).beat(0).is_none());
    }
}
