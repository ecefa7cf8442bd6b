//! `GET /audit/events`: a page of the trail, newest first. That it is read is written down before it is shown, and is the newest entry of
//! what is shown, unless other filters leave it out.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use commands::Caller;
use domain::{
    ChannelId, EventId, InviteId, MessageId, ReportId, SpaceId, UserId,
    audit::{Command, Read},
    user::ServiceRole,
};
use projections::{Act, TargetKind, Wanted};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::App,
    ops::{fields::Fields, pages::ListQuery},
    problem::Problem,
    render::{self, List, answers::View},
    request::{Call, fresh_key},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    kind: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    limit: Option<String>,
    after: Option<String>,
    /// Looked at before the page is.
    #[serde(rename = "min_pos")]
    _min_pos: Option<serde::de::IgnoredAny>,
}

pub(crate) async fn events(
    app: web::Data<App>,
    call: Call,
    query: web::Query<Query>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let window = ListQuery::of(query.limit, query.after).window(&app.limits)?;
    let after = window.after::<Uuid>().map(|cursor| cursor.as_u128() as u64);
    let mut fields = Fields::default();
    let kind = fields.optional("/kind", query.kind, known_kind);
    let actor = fields.optional("/actor", query.actor, |id| id.parse::<UserId>());
    let target = fields.optional("/target", query.target.clone(), |id| any_id(&id));
    let parts = kind.zip(actor).zip(target);
    let wanted = fields.finish(parts.map(|((kind, actor), target)| Wanted { kind, actor, target }))?;
    let look = Read {
        kind: wanted.kind.clone(),
        actor: wanted.actor,
        target: query.target,
        after,
        at: None,
        limit: window.limit as u64,
    };
    let caller = Caller {
        acting_as: Some(ServiceRole::Auditor),
        key: fresh_key(),
        ..call.caller()
    };
    let auditor = call.who.user.uuid();
    let written = app
        .commands
        .audits
        .execute(auditor, Command::Read(look), caller)
        .await?;
    app.shown(written.position).await?;
    let below = after.unwrap_or(u64::MAX);
    let found = app.views.audit.before(below, &wanted, window.limit).await?;
    let last = found.items.last().map(|act| Uuid::from_u128(u128::from(act.position)));
    let items: Vec<ActShape> = found.items.into_iter().map(ActShape::from).collect();
    Ok(view.shows(&List::new(items, found.more, last)))
}

fn known_kind(kind: String) -> Result<String, &'static str> {
    if projections::AUDITED_KINDS.contains(&kind.as_str()) {
        Ok(kind)
    } else {
        Err("must be one of the kinds that the trail holds")
    }
}

/// The UUID of whatever the trail can be about.
fn any_id(text: &str) -> Result<Uuid, &'static str> {
    let uuid = text
        .parse::<UserId>()
        .map(UserId::uuid)
        .or_else(|_| text.parse::<MessageId>().map(MessageId::uuid))
        .or_else(|_| text.parse::<ChannelId>().map(ChannelId::uuid))
        .or_else(|_| text.parse::<SpaceId>().map(SpaceId::uuid))
        .or_else(|_| text.parse::<ReportId>().map(ReportId::uuid))
        .or_else(|_| text.parse::<InviteId>().map(InviteId::uuid));
    uuid.map_err(|_| "must be the id of a user, message, channel, space, report or invite")
}

#[derive(Debug, Serialize)]
struct ActShape {
    event: EventId,
    kind: String,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    /// Null when it was done at the console.
    actor: Option<UserId>,
    target_kind: TargetKind,
    target: Option<String>,
    space: Option<SpaceId>,
    channel: Option<ChannelId>,
    reason: Option<String>,
}

impl From<Act> for ActShape {
    fn from(act: Act) -> Self {
        Self {
            event: act.event,
            kind: act.kind,
            at: act.at,
            actor: act.actor.user(),
            target_kind: act.target_kind,
            target: act.target,
            space: act.space,
            channel: act.channel,
            reason: act.reason,
        }
    }
}
