//! How events of reports change the list of them.

use std::collections::BTreeMap;

use domain::{
    Decider, Meta, ReportId,
    report::{Action, Event as ReportEvent, Opened, Report, Resolved, Undone},
};
use serde::Serialize;

use super::ReportState;
use crate::{
    Event, Fact,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

pub(crate) static REPORTS: Projection = Projection {
    name: "reports",
    version: 1,
    categories: &[Report::CATEGORY],
    tables: &[Table::of_stream("report", "id", Report::CATEGORY)],
    schema: Schema {
        tables: include_str!("tables.sql"),
        indexes: include_str!("indexes.sql"),
    },
    fold,
};

fn fold(events: &[&Event]) -> Vec<Statement> {
    let mut pending: BTreeMap<ReportId, Row<'_>> = BTreeMap::new();
    for event in events {
        match &event.fact {
            Fact::Report(report, fact) => {
                pending
                    .entry(*report)
                    .or_insert_with(|| Row::of(*report))
                    .take(fact, &event.meta, event.position)
            }
            Fact::User(..) | Fact::Space(..) | Fact::Channel(..) | Fact::Inbox(..) | Fact::Audit(..) => {}
        }
    }
    let (opened, changed): (Vec<_>, Vec<_>) = pending.into_values().partition(|row| row.opened.is_some());
    [
        Statement::over(include_str!("put_reports.sql"), opened),
        Statement::over(include_str!("change_reports.sql"), changed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What became of a report in a run. Once it is opened in the run, the row is written whole; what is `None` otherwise did not change.
#[derive(Serialize)]
struct Row<'a> {
    id: Hex,
    opened: Option<u64>,
    opened_at: Option<i64>,
    reporter: Option<Hex>,
    space: Option<Hex>,
    channel: Option<Hex>,
    subject: Option<Hex>,
    message: Option<Hex>,
    seq: Option<u64>,
    event: Option<Hex>,
    version: Option<u16>,
    sha256: Option<&'a str>,
    reason: Option<&'a str>,
    state: ReportState,
    action: Option<Action>,
    until: Option<i64>,
    decided_by: Option<Hex>,
    decided_at: Option<i64>,
    decided_reason: Option<&'a str>,
    undone_by: Option<Hex>,
    undone_at: Option<i64>,
    undone_reason: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(report: ReportId) -> Self {
        Self {
            id: Hex(report.uuid()),
            opened: None,
            opened_at: None,
            reporter: None,
            space: None,
            channel: None,
            subject: None,
            message: None,
            seq: None,
            event: None,
            version: None,
            sha256: None,
            reason: None,
            state: ReportState::Open,
            action: None,
            until: None,
            decided_by: None,
            decided_at: None,
            decided_reason: None,
            undone_by: None,
            undone_at: None,
            undone_reason: None,
        }
    }

    fn take(&mut self, event: &'a ReportEvent, meta: &Meta, position: u64) {
        match event {
            ReportEvent::Opened(opened) => self.open(opened, meta, position),
            ReportEvent::Resolved(resolved) => self.resolve(resolved, meta),
            ReportEvent::Undone(undone) => self.undo(undone, meta),
        }
    }

    /// Opened again, it begins anew.
    fn open(&mut self, opened: &'a Opened, meta: &Meta, position: u64) {
        let target = &opened.target;
        let snapshot = target.message.as_ref();
        *self = Self {
            id: self.id,
            opened: Some(position),
            opened_at: Some(meta.at.timestamp_micros()),
            reporter: Some(Hex(meta.actor.uuid())),
            space: target.space.map(|space| Hex(space.uuid())),
            channel: Some(Hex(target.channel.uuid())),
            subject: Some(Hex(target.user.uuid())),
            message: snapshot.map(|snapshot| Hex(snapshot.message.uuid())),
            seq: snapshot.map(|snapshot| snapshot.seq),
            event: snapshot.map(|snapshot| Hex(snapshot.event.uuid())),
            version: snapshot.map(|snapshot| snapshot.version),
            sha256: snapshot.map(|snapshot| snapshot.sha256.as_str()),
            reason: Some(opened.reason.as_str()),
            ..Self::of(ReportId::from(self.id.0))
        };
    }

    fn resolve(&mut self, resolved: &'a Resolved, meta: &Meta) {
        self.state = ReportState::Resolved;
        self.action = Some(resolved.action);
        self.until = resolved.until.map(|until| until.timestamp_micros());
        self.decided_by = Some(Hex(meta.actor.uuid()));
        self.decided_at = Some(meta.at.timestamp_micros());
        self.decided_reason = Some(resolved.reason.as_str());
    }

    fn undo(&mut self, undone: &'a Undone, meta: &Meta) {
        self.state = ReportState::Undone;
        self.undone_by = Some(Hex(meta.actor.uuid()));
        self.undone_at = Some(meta.at.timestamp_micros());
        self.undone_reason = Some(undone.reason.as_str());
    }
}
