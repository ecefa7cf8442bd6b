//! Who could do what in a channel at a moment. The rules are asked, not repeated: each right is whether a command that needs it would have
//! been carried out.

use chrono::{DateTime, Utc};
use domain::{
    Actor, Context, Decider, EventId, MessageBody, UserId,
    channel::{self, Channel, Command, Kind, Open, Rejection, Standing},
    space::{self, Space},
    user::User,
};
use event_store::EventLog;

use super::{
    HistoryError, Member, Message, Reader, Readers, SpaceAt, Why,
    fold::{Until, state_of},
};

/// A channel with what its rules ask of the world around it.
pub(super) struct Surroundings<'a> {
    state: &'a channel::State,
    open: &'a Open,
    space: Option<(domain::SpaceId, space::State)>,
    /// In a conversation of two: one has blocked the other.
    blocked: bool,
    now: DateTime<Utc>,
}

impl<'a> Surroundings<'a> {
    pub(super) async fn read(
        log: &dyn EventLog,
        state: &'a channel::State,
        until: Until,
        now: DateTime<Utc>,
    ) -> Result<Self, HistoryError> {
        let open = state.open().ok_or(HistoryError::NoSuchChannel)?;
        let space = match open.space {
            Some(id) => Some((id, state_of::<Space>(log, id.uuid(), until).await?)),
            None => None,
        };
        let blocked = open.kind == Kind::Direct && either_has_blocked(log, open, until).await?;
        Ok(Self {
            state,
            open,
            space,
            blocked,
            now,
        })
    }

    pub(super) fn channel(&self) -> &'a Open {
        self.open
    }

    pub(super) fn space(&self) -> Option<SpaceAt> {
        let (id, state) = self.space.as_ref()?;
        let open = state.open()?;
        Some(SpaceAt {
            id: *id,
            name: open.name.clone(),
            archived: open.archived,
        })
    }

    pub(super) fn members(&self) -> Vec<Member> {
        let mut members: Vec<Member> = self
            .open
            .members()
            .filter_map(|(user, role)| {
                let Standing::Member { since, .. } = self.open.standing(user)? else {
                    return None;
                };
                Some(Member {
                    user,
                    role,
                    space_role: self.space_role(user),
                    since,
                    reads_from: self.open.visible_from(user).filter(|_| self.is_inside(user)),
                    writes: self.writes(user),
                    moderates: self.would(user, Command::RemoveMember { user, reason: None }),
                    governs: self.would(user, Command::Archive),
                })
            })
            .collect();
        members.sort_by_key(|member| (member.since, member.user));
        members
    }

    pub(super) fn could_join(&self) -> Vec<UserId> {
        let roles = self
            .space
            .as_ref()
            .and_then(|(_, state)| state.open())
            .map(space::Open::roles);
        let strangers = roles.into_iter().flatten().map(|(user, _)| *user);
        let mut able: Vec<UserId> = strangers.filter(|user| self.would(*user, Command::Join)).collect();
        able.sort_unstable();
        able
    }

    pub(super) fn readers(&self, message: Message) -> Readers {
        let members = self.members();
        let readers = members.into_iter().map(|member| {
            let why = match member.reads_from {
                None => Why::OutOfSpace,
                Some(_) if message.gone.is_some() => Why::Gone,
                Some(from) if from > message.seq => Why::CameLater,
                Some(_) if member.since <= message.seq => Why::WasThere,
                Some(_) => Why::OpenHistory,
            };
            Reader {
                user: member.user,
                could_read: matches!(why, Why::WasThere | Why::OpenHistory),
                why,
            }
        });
        Readers {
            members: readers.collect(),
            message,
        }
    }

    fn space_role(&self, user: UserId) -> Option<space::Role> {
        self.space.as_ref().and_then(|(_, state)| state.role(user))
    }

    fn is_inside(&self, user: UserId) -> bool {
        self.space.is_none() || self.space_role(user).is_some()
    }

    fn writes(&self, user: UserId) -> bool {
        let Ok(body) = MessageBody::parse("?") else {
            return false;
        };
        let send = Command::Send {
            body,
            reply_to: None,
            thread: None,
            mentions: vec![],
        };
        match Channel::decide(self.state, send, &self.context(user)) {
            Ok(_) | Err(Rejection::SlowMode { .. }) => true,
            Err(_) => false,
        }
    }

    /// Whether the command would have changed something.
    fn would(&self, user: UserId, command: Command) -> bool {
        Channel::decide(self.state, command, &self.context(user)).is_ok_and(|events| !events.is_empty())
    }

    fn context(&self, user: UserId) -> Context {
        let role = self.space_role(user);
        let space = self.space.as_ref().and_then(|(_, state)| state.open());
        let muted = |space: &space::Open| space.mutes().any(|(muted, until)| muted == user && until > self.now);
        Context {
            actor: Actor::User(user),
            acting_as: None,
            now: self.now,
            event_id: EventId::from_u128(0),
            space_role: role,
            // Every question asked here is about the person themselves.
            subject_space_role: role,
            subject_banned: false,
            space_archived: space.is_some_and(|space| space.archived),
            muted: space.is_some_and(muted),
            blocked: self.blocked,
        }
    }
}

async fn either_has_blocked(log: &dyn EventLog, open: &Open, until: Until) -> Result<bool, HistoryError> {
    let people: Vec<UserId> = open.members().map(|(user, _)| user).collect();
    for one in &people {
        let state = state_of::<User>(log, one.uuid(), until).await?;
        let blocks = |other: &UserId| state.account().is_some_and(|account| account.blocks(*other));
        if people.iter().any(blocks) {
            return Ok(true);
        }
    }
    Ok(false)
}
