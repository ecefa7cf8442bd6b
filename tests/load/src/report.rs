//! What a run found, for people and for programs. The names of the JSON fields are agreed and stay.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::process::Usage;

mod median;

pub(crate) use median::{Spread, median};

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

    pub(crate) fn of(all: impl Iterator<Item = Duration>) -> Self {
        let mut latency = Self::new();
        all.for_each(|took| latency.record(took));
        latency
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// None when nothing was timed.
    pub(crate) fn ms(&self, quantile: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile) as f64 / 1_000.0)
    }
}

/// The quantiles that are told.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.50), ("p99", 0.99), ("max", 1.0)];

/// One round in which everything held.
#[derive(Debug)]
pub(crate) struct Figures {
    /// The time during which sends were made; what came before and after is not counted.
    pub(crate) seconds: f64,
    pub(crate) sends: u64,
    pub(crate) deliveries: u64,
    pub(crate) ack: Latency,
    pub(crate) delivery: Latency,
    /// Memory at the end, processor time within `seconds`; unknown for a server that was not started here.
    pub(crate) server: Option<Usage>,
}

impl Figures {
    pub(crate) fn sends_per_s(&self) -> f64 {
        per_second(self.sends, self.seconds)
    }

    pub(crate) fn deliveries_per_s(&self) -> f64 {
        per_second(self.deliveries, self.seconds)
    }

    fn cpu_us_per_delivery(&self) -> Option<f64> {
        let server = self.server.filter(|_| self.deliveries > 0)?;
        Some(server.cpu_seconds * 1e6 / self.deliveries as f64)
    }
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// A run of one scenario in which everything held.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) scenario: &'static str,
    pub(crate) rounds: Vec<Figures>,
    /// The yardstick's rounds, each played next to the real one of the same place; or none.
    pub(crate) floor: Vec<Figures>,
    /// An append and its sync, on the same disk in the same run.
    pub(crate) fsync: Latency,
    /// What only this scenario tells.
    pub(crate) counts: Vec<(&'static str, f64)>,
}

impl Report {
    /// The median of something over the rounds; None where it is unknown.
    fn of(rounds: &[Figures], figure: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        median(&rounds.iter().filter_map(figure).collect::<Vec<_>>())
    }

    /// Real by yardstick, round by round.
    fn ratio(&self, figure: impl Fn(&Figures) -> Option<f64>) -> Option<Spread> {
        let pairs = self.rounds.iter().zip(&self.floor);
        let ratios = pairs.filter_map(|(real, floor)| Some(figure(real)? / figure(floor)?));
        Spread::of(ratios.filter(|ratio| ratio.is_finite()).collect())
    }

    pub(crate) fn json(&self) -> Value {
        let (rounds, floor) = (&self.rounds, &self.floor);
        let sum = |of: fn(&Figures) -> u64| rounds.iter().map(of).sum::<u64>();
        let mut object = json!({
            "scenario": self.scenario,
            "seconds": Self::of(rounds, |round| Some(round.seconds)),
            "rounds": rounds.len(),
            "sends": sum(|round| round.sends),
            "deliveries": sum(|round| round.deliveries),
            "sends_per_s": whole(Self::of(rounds, |round| Some(round.sends_per_s()))),
            "deliveries_per_s": whole(Self::of(rounds, |round| Some(round.deliveries_per_s()))),
            "ack_ms": quantiles(rounds, |round| &round.ack),
            "delivery_ms": quantiles(rounds, |round| &round.delivery),
            "server_rss_kib": whole(Self::of(rounds, rss)),
            "server_cpu_s": Self::of(rounds, cpu),
            "cpu_us_per_delivery": Self::of(rounds, Figures::cpu_us_per_delivery),
            "out_of_order": 0,
            "duplicated": 0,
            "lost": 0,
        });
        if self.fsync.count() > 0 {
            object["floor_fsync_ms"] = json!({"p50": self.fsync.ms(0.50), "p99": self.fsync.ms(0.99)});
            for (name, quantile) in [("ack_p50_to_fsync_p50", 0.50), ("ack_p99_to_fsync_p99", 0.99)] {
                let ack = Self::of(rounds, |round| round.ack.ms(quantile));
                let ratio = ack.zip(self.fsync.ms(quantile)).map(|(ack, fsync)| number(ack / fsync));
                object[name] = json!(ratio);
            }
        }
        if !floor.is_empty() {
            object["floor_sends_per_s"] = json!(whole(Self::of(floor, |round| Some(round.sends_per_s()))));
            object["floor_deliveries_per_s"] = json!(whole(Self::of(floor, |round| Some(round.deliveries_per_s()))));
            object["floor_ack_ms"] = quantiles(floor, |round| &round.ack);
            object["floor_delivery_ms"] = quantiles(floor, |round| &round.delivery);
            object["floor_rss_kib"] = json!(whole(Self::of(floor, rss)));
            object["floor_cpu_s"] = json!(Self::of(floor, cpu));
            object["floor_cpu_us_per_delivery"] = json!(Self::of(floor, Figures::cpu_us_per_delivery));
            let ratio = self.ratio(|round| Some(round.deliveries_per_s()));
            object["ratio_to_floor"] = json!(ratio.map(|ratio| ratio.median));
            object["ratio_to_floor_min"] = json!(ratio.map(|ratio| ratio.min));
            object["ratio_to_floor_max"] = json!(ratio.map(|ratio| ratio.max));
            let cpu = self.ratio(Figures::cpu_us_per_delivery);
            object["cpu_ratio_to_floor"] = json!(cpu.map(|ratio| ratio.median));
            object["ack_p99_ratio_to_floor"] = json!(self.ratio(|round| round.ack.ms(0.99)).map(|ratio| ratio.median));
        }
        for (name, count) in &self.counts {
            object[*name] = number(*count);
        }
        object
    }
}

fn rss(round: &Figures) -> Option<f64> {
    Some(round.server?.rss_kib as f64)
}

fn cpu(round: &Figures) -> Option<f64> {
    Some(round.server?.cpu_seconds)
}

fn whole(figure: Option<f64>) -> Option<u64> {
    figure.map(|figure| figure.round() as u64)
}

/// Whole numbers are shown as such, others to a thousandth.
fn number(count: f64) -> Value {
    if count.fract() == 0.0 {
        json!(count as i64)
    } else {
        json!((count * 1_000.0).round() / 1_000.0)
    }
}

/// Each the median of its rounds; null when nothing was timed.
fn quantiles(rounds: &[Figures], of: impl Fn(&Figures) -> &Latency) -> Value {
    let told = QUANTILES.map(|(name, quantile)| (name, Report::of(rounds, |round| of(round).ms(quantile))));
    if told.iter().all(|(_, ms)| ms.is_none()) {
        return Value::Null;
    }
    told.into_iter()
        .map(|(name, ms)| (name.to_owned(), json!(ms)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: everything arrived once, in order, and was acknowledged at its place",
            self.scenario
        )?;
        let seconds = Self::of(&self.rounds, |round| Some(round.seconds)).unwrap_or_default();
        writeln!(f, "  rounds of {seconds:.0} s: {}", self.rounds.len())?;
        show(f, "", &self.rounds)?;
        if !self.floor.is_empty() {
            writeln!(f, "  the yardstick, in alternation over {} rounds:", self.rounds.len())?;
            show(f, "  ", &self.floor)?;
            let of = |what: &str, spread: Option<Spread>, f: &mut fmt::Formatter<'_>| match spread {
                Some(spread) => writeln!(f, "  {what:<28} {spread}"),
                None => Ok(()),
            };
            of(
                "deliveries, of the yardstick",
                self.ratio(|round| Some(round.deliveries_per_s())),
                f,
            )?;
            of(
                "processor time per delivery",
                self.ratio(Figures::cpu_us_per_delivery),
                f,
            )?;
        }
        if let (Some(p50), Some(p99)) = (self.fsync.ms(0.50), self.fsync.ms(0.99)) {
            writeln!(f, "  one append and its sync      p50 {p50:.2} ms   p99 {p99:.2} ms")?;
        }
        for (name, count) in &self.counts {
            writeln!(f, "  {name:<24} {:>12}", number(*count))?;
        }
        Ok(())
    }
}

fn show(f: &mut fmt::Formatter<'_>, indent: &str, rounds: &[Figures]) -> fmt::Result {
    let of = |figure: fn(&Figures) -> Option<f64>| Report::of(rounds, figure);
    let [sends, deliveries] = [Figures::sends_per_s, Figures::deliveries_per_s]
        .map(|rate| Report::of(rounds, |round| Some(rate(round))).unwrap_or_default());
    for (what, rate) in [("sends", sends), ("deliveries", deliveries)] {
        if rate > 0.0 {
            writeln!(f, "{indent}  {what:<11} {rate:>10.0} /s")?;
        }
    }
    if let (Some(p50), Some(p99)) = (of(|round| round.ack.ms(0.50)), of(|round| round.ack.ms(0.99))) {
        writeln!(f, "{indent}  ack         p50 {p50:.2} ms   p99 {p99:.2} ms")?;
    }
    if let (Some(p50), Some(p99)) = (of(|round| round.delivery.ms(0.50)), of(|round| round.delivery.ms(0.99))) {
        writeln!(f, "{indent}  delivery    p50 {p50:.2} ms   p99 {p99:.2} ms")?;
    }
    if let (Some(rss), Some(cpu)) = (of(rss), of(cpu)) {
        let rss = rss / 1_024.0;
        write!(
            f,
            "{indent}  server      {rss:.0} MiB resident, {cpu:.1} s of processor time"
        )?;
        match of(Figures::cpu_us_per_delivery) {
            Some(each) => writeln!(f, ", {each:.2} us a delivery")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(sends: u64, cpu_seconds: f64) -> Figures {
        let mut ack = Latency::new();
        (1..=100).for_each(|ms| ack.record(Duration::from_millis(ms)));
        Figures {
            seconds: 2.0,
            sends,
            deliveries: sends * 10,
            ack,
            delivery: Latency::new(),
            server: Some(Usage {
                rss_kib: 2_048,
                cpu_seconds,
            }),
        }
    }

    fn report(real: &[u64], floor: &[u64]) -> Report {
        Report {
            scenario: "rooms",
            rounds: real.iter().map(|sends| figures(*sends, 1.5)).collect(),
            floor: floor.iter().map(|sends| figures(*sends, 1.0)).collect(),
            fsync: Latency::new(),
            counts: vec![("files", 3.0)],
        }
    }

    #[test]
    fn the_agreed_json_fields_are_there() {
        let json = report(&[100], &[]).json();
        assert_eq!(
            (json["sends_per_s"].as_f64(), json["deliveries_per_s"].as_f64()),
            (Some(50.0), Some(500.0))
        );
        let near = |value: &Value, wanted: f64| (value.as_f64().expect("a number") - wanted).abs() < 0.1;
        assert!(
            near(&json["ack_ms"]["p50"], 50.0) && near(&json["ack_ms"]["p99"], 99.0),
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
        assert_eq!(json.get("ratio_to_floor"), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round_and_the_median_is_told() {
        // Round by round 0.5, 0.9 and 0.8; the ratio of the medians would be another.
        let json = report(&[100, 90, 400], &[200, 100, 500]).json();
        let told = ["ratio_to_floor", "ratio_to_floor_min", "ratio_to_floor_max"].map(|name| json[name].as_f64());
        assert_eq!(told, [Some(0.8), Some(0.5), Some(0.9)]);
        assert_eq!(json["floor_deliveries_per_s"].as_u64(), Some(1_000));
        assert_eq!(json["sends"].as_u64(), Some(590));
        // 1.5 s for 0.5, 0.9 and 0.8 of the deliveries of 1 s.
        assert_eq!(json["cpu_ratio_to_floor"].as_f64(), Some(1.5 / 0.8));
    }

    #[test]
    fn a_server_that_is_not_ours_has_no_cost_and_no_ratio() {
        let mut foreign = report(&[100], &[]);
        foreign.rounds[0].server = None;
        let json = foreign.json();
        assert_eq!(
            (&json["server_rss_kib"], &json["cpu_us_per_delivery"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn a_time_beyond_a_minute_counts_as_a_minute() {
        let mut latency = Latency::new();
        latency.record(Duration::from_secs(600));
        assert!(latency.ms(1.0).expect("one was recorded") >= 60_000.0);
    }
}
