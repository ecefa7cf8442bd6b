//! The check of the log: ranges of positions are checked side by side, what spans them is put together afterwards, and the guard of event
//! ids is compared with the events that were seen.

use std::{thread, time::Instant};

use event_store::{Ends, ReadOnlyLog};
use indicatif::ProgressBar;
use uuid::Uuid;

use super::{
    Finding, What,
    worker::{self, Checked, Findings, Span, Worker},
};

pub(super) struct Outcome {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) findings: Findings,
    pub(super) seconds: f64,
}

pub(super) fn check(
    log: &ReadOnlyLog,
    ends: Ends,
    threads: usize,
    findings_max: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let checked = in_ranges(log, ends, threads, findings_max, bar)?;
    let mut all = put_together(log, ends, checked, findings_max)?;
    guard(log, ends, threads, findings_max, &mut all);
    if ends.declared != ends.newest {
        all.findings.add(Finding {
            what: What::Head,
            position: Some(ends.declared),
            stream: None,
            seq: None,
            detail: format!(
                "the log says that it ends at position {}, but its newest event has {}",
                ends.declared, ends.newest
            ),
        });
    }
    all.findings.sort();
    Ok(Outcome {
        events: all.events,
        bytes: all.bytes,
        findings: all.findings,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Compares the guard of event ids with the events that were seen. Where some could not be seen, it would say nothing new.
fn guard(log: &ReadOnlyLog, ends: Ends, threads: usize, findings_max: usize, all: &mut worker::All) {
    if all.findings.blind > 0 {
        return;
    }
    let wrong = match ids(log, ends, threads, findings_max) {
        Ok(listed) => {
            let same = (listed.count, listed.sum) == (all.events, all.id_sum);
            all.findings.merge(listed.findings);
            (!same).then(|| {
                format!(
                    "the index of event ids lists {} events and the table has {}, or others than it",
                    listed.count, all.events
                )
            })
        }
        Err(_) => Some("the index of event ids cannot be read".to_owned()),
    };
    if let Some(detail) = wrong {
        all.findings.add(Finding {
            what: What::IdGuard,
            position: None,
            stream: None,
            seq: None,
            detail,
        });
    }
}

fn in_ranges(
    log: &ReadOnlyLog,
    ends: Ends,
    threads: usize,
    findings_max: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Checked>> {
    let share = ends.newest.div_ceil(threads as u64).max(1);
    let ranges = (0..threads as u64).map(|n| (n * share, ((n + 1) * share).min(ends.newest)));
    let ranges: Vec<(u64, u64)> = ranges.filter(|(after, to)| after < to).collect();
    let streams = usize::try_from(ends.streams)?;
    thread::scope(|scope| {
        let workers: Vec<_> = ranges
            .into_iter()
            .map(|(after, to)| {
                scope.spawn(move || -> anyhow::Result<Checked> {
                    let mut scanner = log.scanner()?;
                    let mut worker = Worker::new(after, streams, findings_max);
                    scanner.scan(after, to, &mut |scanned| worker.see(scanned, bar))?;
                    Ok(worker.finish(to))
                })
            })
            .collect();
        workers.into_iter().map(joined).collect()
    })
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the check ended early")))
}

/// Where one range ends in a stream, the next must go on.
fn put_together(
    log: &ReadOnlyLog,
    ends: Ends,
    checked: Vec<Checked>,
    findings_max: usize,
) -> anyhow::Result<worker::All> {
    let mut all = worker::All::new(findings_max);
    let spans: Vec<&[Span]> = checked.iter().map(|range| range.spans.as_slice()).collect();
    let mut odd: Vec<(usize, Odd)> = Vec::new();
    for number in 1..=usize::try_from(ends.streams)? {
        let mut next = 0;
        for range in &spans {
            let Some((first, position, after)) = range.get(number).and_then(Span::bounds) else {
                continue;
            };
            if first != next {
                odd.push((
                    number,
                    Odd::Hole {
                        position,
                        expected: next,
                        found: first,
                    },
                ));
            }
            next = after;
        }
        if next == 0 {
            odd.push((number, Odd::Empty));
        }
    }
    for range in checked {
        all.take(range);
    }
    let mut scanner = log.scanner()?;
    for (number, odd) in odd {
        let stream = scanner.name_of(number as i64).map(|name| name.to_string());
        // Numbers are handed out without a gap, but a stream's row may be lost as a whole; its events have told so.
        let Some(stream) = stream else { continue };
        all.findings.add(odd.finding(stream));
    }
    Ok(all)
}

enum Odd {
    Hole { position: u64, expected: u64, found: u64 },
    Empty,
}

impl Odd {
    fn finding(self, stream: String) -> Finding {
        match self {
            Self::Hole {
                position,
                expected,
                found,
            } => worker::hole(Some(stream), Some(position), expected, found),
            Self::Empty => Finding {
                what: What::EmptyStream,
                position: None,
                stream: Some(stream),
                seq: None,
                detail: "the stream has no events".to_owned(),
            },
        }
    }
}

/// What the guard lists.
struct Listed {
    count: u64,
    sum: u64,
    findings: Findings,
}

fn ids(log: &ReadOnlyLog, ends: Ends, threads: usize, findings_max: usize) -> anyhow::Result<Listed> {
    let share = (ends.streams / threads as i64) + 1;
    // The last one takes whatever has a number that was never given.
    let end = |n: i64| if n == threads as i64 { i64::MAX } else { n * share };
    let ranges: Vec<(i64, i64)> = (0..threads as i64).map(|n| (n * share, end(n + 1))).collect();
    let parts: Vec<Listed> = thread::scope(|scope| {
        let threads: Vec<_> = ranges
            .into_iter()
            .map(|(after, to)| scope.spawn(move || ids_between(log, after, to, ends.newest, findings_max)))
            .collect();
        threads.into_iter().map(joined).collect::<anyhow::Result<_>>()
    })?;
    let mut all = Listed {
        count: 0,
        sum: 0,
        findings: Findings::new(findings_max),
    };
    for part in parts {
        all.count += part.count;
        all.sum = all.sum.wrapping_add(part.sum);
        all.findings.merge(part.findings);
    }
    Ok(all)
}

fn ids_between(log: &ReadOnlyLog, after: i64, to: i64, newest: u64, findings_max: usize) -> anyhow::Result<Listed> {
    let mut listed = Listed {
        count: 0,
        sum: 0,
        findings: Findings::new(findings_max),
    };
    let mut last: Option<(i64, Uuid)> = None;
    let mut scanner = log.scanner()?;
    scanner.ids(after, to, &mut |stream, id, position| {
        // What came in meanwhile was not scanned either.
        if position > newest {
            return;
        }
        if last == Some((stream, id)) {
            listed.findings.add(Finding {
                what: What::DoubleId,
                position: Some(position),
                stream: None,
                seq: None,
                detail: "another event of the stream has the same id".to_owned(),
            });
        }
        last = Some((stream, id));
        listed.count += 1;
        listed.sum = listed.sum.wrapping_add(worker::fingerprint(stream, id, position));
    })?;
    Ok(listed)
}
