//! What a run found, for people and for programs. The names of the JSON fields are agreed and stay.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::server::Usage;

/// Latencies from 1 us to a minute at three digits.
const LATENCY_US_MAX: u64 = 60_000_000;

/// How long something took, many times.
#[derive(Debug, Clone)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("these bounds are valid"))
    }

    pub(crate) fn record(&mut self, took: Duration) {
        self.0
            .saturating_record(u64::try_from(took.as_micros()).unwrap_or(LATENCY_US_MAX).max(1));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }

    fn json(&self) -> Value {
        if self.0.is_empty() {
            Value::Null
        } else {
            json!({"p50": self.ms(0.50), "p99": self.ms(0.99), "max": self.0.max() as f64 / 1_000.0})
        }
    }
}

/// One run of one scenario in which everything held.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) scenario: &'static str,
    /// The time during which sends were made; what came before and after is not counted.
    pub(crate) seconds: f64,
    pub(crate) sends: u64,
    pub(crate) deliveries: u64,
    pub(crate) ack: Latency,
    pub(crate) delivery: Latency,
    /// Memory at the end, processor time within `seconds`; unknown for a server that was not started here.
    pub(crate) server: Option<Usage>,
    /// What only this scenario counts.
    pub(crate) counts: Vec<(&'static str, u64)>,
}

impl Report {
    pub(crate) fn json(&self) -> Value {
        let mut object = json!({
            "scenario": self.scenario,
            "seconds": self.seconds,
            "sends": self.sends,
            "deliveries": self.deliveries,
            "sends_per_s": self.per_second(self.sends),
            "deliveries_per_s": self.per_second(self.deliveries),
            "ack_ms": self.ack.json(),
            "delivery_ms": self.delivery.json(),
            "server_rss_kib": self.server.map(|usage| usage.rss_kib),
            "server_cpu_s": self.server.map(|usage| usage.cpu_seconds),
            "out_of_order": 0,
            "duplicated": 0,
            "lost": 0,
        });
        for (name, count) in &self.counts {
            object[*name] = json!(count);
        }
        object
    }

    fn per_second(&self, count: u64) -> f64 {
        if self.seconds > 0.0 {
            (count as f64 / self.seconds).round()
        } else {
            0.0
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: everything arrived once, in order, and was acknowledged at its place",
            self.scenario
        )?;
        writeln!(
            f,
            "  sends       {:>12}   {:>10.0} /s in {:.1} s",
            self.sends,
            self.per_second(self.sends),
            self.seconds
        )?;
        writeln!(
            f,
            "  deliveries  {:>12}   {:>10.0} /s",
            self.deliveries,
            self.per_second(self.deliveries)
        )?;
        writeln!(
            f,
            "  ack         p50 {:.2} ms   p99 {:.2} ms",
            self.ack.ms(0.50),
            self.ack.ms(0.99)
        )?;
        if !self.delivery.0.is_empty() {
            writeln!(
                f,
                "  delivery    p50 {:.2} ms   p99 {:.2} ms",
                self.delivery.ms(0.50),
                self.delivery.ms(0.99)
            )?;
        }
        if let Some(usage) = self.server {
            writeln!(
                f,
                "  server      {} MiB resident, {:.1} s of processor time",
                usage.rss_kib / 1024,
                usage.cpu_seconds
            )?;
        }
        for (name, count) in &self.counts {
            writeln!(f, "  {name:<11} {count:>12}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut ack = Latency::new();
        (1..=100).for_each(|ms| ack.record(Duration::from_millis(ms)));
        let server = Some(Usage {
            rss_kib: 2_048,
            cpu_seconds: 1.5,
        });
        Report {
            scenario: "rooms",
            seconds: 2.0,
            sends: 100,
            deliveries: 1_000,
            ack,
            delivery: Latency::new(),
            server,
            counts: vec![("files", 3)],
        }
    }

    #[test]
    fn the_agreed_json_fields_are_there() {
        let json = report().json();
        assert_eq!(
            (json["sends_per_s"].as_f64(), json["deliveries_per_s"].as_f64()),
            (Some(50.0), Some(500.0))
        );
        assert!(
            (49.9..50.1).contains(&json["ack_ms"]["p50"].as_f64().expect("a number")),
            "{json}"
        );
        assert!(
            (98.9..99.1).contains(&json["ack_ms"]["p99"].as_f64().expect("a number")),
            "{json}"
        );
        assert_eq!(json["delivery_ms"], Value::Null);
        assert_eq!(
            (
                json["server_rss_kib"].as_u64(),
                json["server_cpu_s"].as_f64(),
                json["files"].as_u64()
            ),
            (Some(2_048), Some(1.5), Some(3))
        );
    }

    #[test]
    fn a_time_beyond_a_minute_counts_as_a_minute() {
        let mut latency = Latency::new();
        latency.record(Duration::from_secs(600));
        assert!(latency.ms(1.0) >= 60_000.0);
    }
}
