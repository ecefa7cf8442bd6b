//! What people say about spaces, parsed, and carrying it out. The channels of a space are not here.

use chrono::{DateTime, Utc};
use commands::{Caller, Outcome};
use domain::{
    EventId, SpaceId, SpaceName, UserId,
    space::{Command, JoinRule, Role},
};
use serde::{Deserialize, Serialize};

use super::{
    access::no_such_space,
    fields::{Fields, word},
    leaving,
};
use crate::{app::App, problem::Problem, render, request};

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
        fields.finish(role.map(|role| Command::PutMember { user, role }))
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
    caller: Caller,
) -> Result<SpaceAck, Problem> {
    if caller.actor.user() != Some(user) {
        return carry_out(app, space, Command::RemoveMember { user }, caller).await;
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

fn join_rule(given: &str) -> Result<JoinRule, String> {
    word(given, &[("open", JoinRule::Open), ("closed", JoinRule::Closed)])
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
    fn a_role_that_does_not_exist_is_refused() {
        let put = |role: &str| Membership { role: role.to_owned() }.into_command(BOB);
        assert_eq!(
            put("moderator").expect("valid"),
            Command::PutMember {
                user: BOB,
                role: Role::Moderator
            }
        );
        assert!(put("Moderator").is_err());
    }
}
