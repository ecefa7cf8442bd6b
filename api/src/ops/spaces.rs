//! What people say about spaces, parsed, and carrying it out. The channels of a space are not here.

use chrono::{DateTime, Utc};
use commands::{Caller, CommandError, Outcome};
use domain::{
    EventId, Reason, SpaceId, SpaceName, UserId,
    rights::Right,
    space::{Command, JoinRule, Rejection, Role},
};
use projections::{Listing, Sanction, SanctionKind};
use serde::{Deserialize, Serialize};

use super::{
    access::{self, no_such_space},
    fields::{Fields, word},
    leaving,
    pages::ListWindow,
};
use crate::{
    app::App,
    problem::{Problem, codes},
    render, request,
};

/// `POST /spaces`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    join: Option<String>,
}

impl Create {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let name = fields.field("/name", SpaceName::parse(&self.name));
        let join = fields.optional("/join", self.join.as_deref(), join_rule);
        let create = name.zip(join).map(|(name, join)| Command::Create {
            name,
            join: join.unwrap_or(JoinRule::Open),
        });
        fields.finish(create)
    }
}

/// `PATCH /spaces/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    name: Option<String>,
    join: Option<String>,
}

impl Update {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let name = fields.optional("/name", self.name, |name| SpaceName::parse(&name));
        let join = fields.optional("/join", self.join.as_deref(), join_rule);
        fields.finish(name.zip(join).map(|(name, join)| Command::Update { name, join }))
    }
}

/// `PUT /spaces/{id}/members/{user}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    role: String,
    reason: Option<String>,
}

impl Membership {
    pub(crate) fn into_command(self, user: UserId) -> Result<Command, Problem> {
        let roles = [
            ("guest", Role::Guest),
            ("member", Role::Member),
            ("moderator", Role::Moderator),
            ("admin", Role::Admin),
            ("owner", Role::Owner),
        ];
        let mut fields = Fields::default();
        let role = fields.field("/role", word(&self.role, &roles));
        let reason = fields.optional("/reason", self.reason, |text| Reason::parse(&text));
        fields.finish(
            role.zip(reason)
                .map(|(role, reason)| Command::PutMember { user, role, reason }),
        )
    }
}

/// `PUT /spaces/{id}/bans/{user}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ban {
    reason: String,
    until: Option<String>,
}

impl Ban {
    pub(crate) fn into_command(self, user: UserId) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let reason = fields.field("/reason", Reason::parse(&self.reason));
        let until = fields.optional("/until", self.until.as_deref(), time);
        fields.finish(
            reason
                .zip(until)
                .map(|(reason, until)| Command::Ban { user, reason, until }),
        )
    }
}

/// `PUT /spaces/{id}/mutes/{user}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mute {
    reason: String,
    until: String,
}

impl Mute {
    pub(crate) fn into_command(self, user: UserId) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let reason = fields.field("/reason", Reason::parse(&self.reason));
        let until = fields.field("/until", time(&self.until));
        fields.finish(
            reason
                .zip(until)
                .map(|(reason, until)| Command::Mute { user, reason, until }),
        )
    }
}

/// `POST /spaces/{id}/owner`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handover {
    user: String,
}

impl Handover {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let to = fields.field("/user", self.user.parse::<UserId>());
        fields.finish(to.map(|to| Command::Transfer { to }))
    }
}

/// What became of a command to a space. A space has no `seq` that clients count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SpaceAck {
    pub(crate) space: SpaceId,
    pub(crate) event: Option<EventId>,
    pub(crate) pos: String,
    #[serde(serialize_with = "render::time")]
    pub(crate) at: DateTime<Utc>,
    pub(crate) replayed: bool,
}

/// Refuses who is in as many spaces as one can be, except for a space they are in, and what was carried out before. Counted in a view,
/// which is a moment behind: the bound may be passed by as many as somebody manages to ask for in that moment.
pub(crate) async fn room_for(app: &App, user: UserId, space: SpaceId, caller: &Caller) -> Result<(), Problem> {
    let max = app.limits.spaces_per_user;
    if app.views.directory.count_spaces_of(user).await? < max
        || access::role(app, user, space).await?.is_some()
        || app.commands.spaces.knows(space.uuid(), caller).await?
    {
        Ok(())
    } else {
        Err(Problem::new(&codes::SPACE_TOO_MANY).detail(format!("a person is in at most {max} spaces")))
    }
}

/// The command alone, for those who answer its rejections in their own words.
pub(crate) async fn command(
    app: &App,
    space: SpaceId,
    command: Command,
    caller: Caller,
) -> Result<SpaceAck, CommandError<Rejection>> {
    let outcome = app.commands.spaces.execute(space.uuid(), command, caller).await?;
    Ok(ack(app, space, &outcome))
}

pub(crate) async fn carry_out(
    app: &App,
    space: SpaceId,
    command: Command,
    caller: Caller,
) -> Result<SpaceAck, Problem> {
    let leaves = command == Command::Leave;
    let mut outcome = app.commands.spaces.execute(space.uuid(), command, caller).await?;
    if leaves && outcome.events.is_empty() {
        // Whoever left before is not to learn that something has happened in the space since.
        outcome.position = leaving::head(&*app.log).await?;
    }
    Ok(ack(app, space, &outcome))
}

/// Removes someone from a space; oneself is leaving, and whoever is out already is a stranger.
pub(crate) async fn remove_member(
    app: &App,
    space: SpaceId,
    user: UserId,
    reason: Option<Reason>,
    caller: Caller,
) -> Result<SpaceAck, Problem> {
    if caller.actor.user() != Some(user) {
        return carry_out(app, space, Command::RemoveMember { user, reason }, caller).await;
    }
    let ack = carry_out(app, space, Command::Leave, caller).await?;
    if ack.event.is_some() {
        Ok(ack)
    } else {
        Err(no_such_space())
    }
}

fn ack(app: &App, space: SpaceId, outcome: &Outcome) -> SpaceAck {
    let first = outcome.events.first();
    SpaceAck {
        space,
        event: first.map(|first| first.event.id.into()),
        pos: app.pos(outcome.position).to_string(),
        at: first.map_or_else(request::now, |first| first.event.recorded_at),
        replayed: outcome.replayed || first.is_none(),
    }
}

/// The bans or mutes of a space, for those who may lift them.
pub(crate) async fn sanctions(
    app: &App,
    who: UserId,
    space: SpaceId,
    kind: SanctionKind,
    window: &ListWindow,
) -> Result<Listing<Sanction>, Problem> {
    let right = match kind {
        SanctionKind::Ban => Right::BanPeople,
        SanctionKind::Mute => Right::MutePeople,
    };
    access::with_right(app, who, space, right).await?;
    let (after, limit) = (window.after(), window.limit);
    let now = request::now();
    Ok(app.views.directory.sanctions(space, kind, now, after, limit).await?)
}

fn join_rule(given: &str) -> Result<JoinRule, String> {
    let rules = [
        ("open", JoinRule::Open),
        ("invite", JoinRule::Invite),
        ("closed", JoinRule::Closed),
    ];
    word(given, &rules)
}

/// A moment in RFC 3339, to the microsecond, which is as far as the log goes.
pub(super) fn time(given: &str) -> Result<DateTime<Utc>, &'static str> {
    let parsed = DateTime::parse_from_rfc3339(given).ok();
    let truncated = parsed.and_then(|at| DateTime::from_timestamp_micros(at.timestamp_micros()));
    truncated.ok_or("must be a time in RFC 3339")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: UserId = UserId::from_u128(2);

    #[test]
    fn a_space_is_open_unless_it_is_said_otherwise() {
        let name = SpaceName::parse("Reading club").expect("valid");
        let create = |text| {
            serde_json::from_str::<Create>(text)
                .expect("the shape is right")
                .into_command()
        };
        let open = Command::Create {
            name: name.clone(),
            join: JoinRule::Open,
        };
        assert_eq!(create(r#"{"name":"Reading club"}"#).expect("valid"), open);
        let closed = Command::Create {
            name,
            join: JoinRule::Closed,
        };
        assert_eq!(
            create(r#"{"name":"Reading club","join":"closed"}"#).expect("valid"),
            closed
        );
        assert!(create(r#"{"name":"Reading club","join":"secret"}"#).is_err());
    }

    #[test]
    fn an_end_is_a_moment_and_a_ban_needs_no_end() {
        let ban = |until: Option<&str>| {
            let ban = Ban {
                reason: "shouts".to_owned(),
                until: until.map(str::to_owned),
            };
            ban.into_command(BOB)
        };
        assert!(ban(None).is_ok());
        for right in [
            "2030-01-01T00:00:00.000000001+02:00",
            "2999-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert!(ban(Some(right)).is_ok(), "{right}");
        }
        for wrong in ["", "tomorrow", "2030-01-01", "1700000000"] {
            assert!(ban(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_role_that_does_not_exist_is_refused() {
        let put = |role: &str| {
            let membership = Membership {
                role: role.to_owned(),
                reason: None,
            };
            membership.into_command(BOB)
        };
        assert_eq!(
            put("moderator").expect("valid"),
            Command::PutMember {
                user: BOB,
                role: Role::Moderator,
                reason: None
            }
        );
        assert!(put("Moderator").is_err());
    }
}
