//! What each command on an account is answered with. The table of commands and the fold are in `user.rs`.

use super::*;

impl Account {
    pub(super) fn new(registered: &Registered, meta: &Meta) -> Self {
        Self {
            handle: registered.handle.clone(),
            display_name: registered.display_name.clone(),
            roles: vec![],
            suspension: None,
            registered_by: meta.actor,
            registered_at: meta.at,
            sessions: HashMap::new(),
            blocked: HashSet::new(),
            identities: BTreeMap::new(),
            seen: HashMap::new(),
        }
    }

    pub(super) fn started(&mut self, started: &SessionStarted, at: DateTime<Utc>) {
        let session = Session {
            device: started.device.clone(),
            started_at: at,
        };
        self.sessions.insert(started.session, session);
    }

    pub(super) fn register_again(&self, ctx: &Context, handle: &Handle) -> Result<Vec<Event>, Rejection> {
        if self.is_of(ctx.actor) && self.handle == *handle {
            Ok(vec![])
        } else {
            Err(Rejection::AlreadyRegistered)
        }
    }

    pub(super) fn change_profile(&self, ctx: &Context, display_name: DisplayName) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        let same = self.display_name == display_name;
        Ok(unless(same, Event::ProfileChanged(ProfileChanged { display_name })))
    }

    /// Each sign-in is a session of its own; the oldest makes room where there are too many.
    pub(super) fn start_session(
        &self,
        ctx: &Context,
        session: SessionId,
        device: Option<String>,
    ) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        if self.is_suspended(ctx.now) {
            return Err(Rejection::Suspended);
        }
        let mut events = vec![Event::SessionStarted(SessionStarted {
            session,
            device: device.and_then(label),
        })];
        if self.sessions.len() >= limits::SESSIONS_MAX {
            let oldest = self
                .sessions
                .iter()
                .min_by_key(|(id, session)| (session.started_at, **id));
            events.extend(oldest.map(|(id, _)| revoked(*id, Revocation::Crowded)));
        }
        Ok(events)
    }

    pub(super) fn revoke_session(
        &self,
        ctx: &Context,
        session: SessionId,
        why: Revocation,
    ) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        if self.has_session(session) {
            Ok(vec![revoked(session, why)])
        } else {
            Err(Rejection::NoSuchSession)
        }
    }

    pub(super) fn revoke_sessions(
        &self,
        ctx: &Context,
        except: Option<SessionId>,
        why: Revocation,
    ) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        Ok(self.all_but(except, why))
    }

    pub(super) fn grant(&self, ctx: &Context, role: ServiceRole) -> Result<Vec<Event>, Rejection> {
        at_the_console(ctx)?;
        let has = self.roles.contains(&role);
        Ok(unless(has, Event::RoleGranted(RoleGranted { role })))
    }

    pub(super) fn revoke_role(&self, ctx: &Context, role: ServiceRole) -> Result<Vec<Event>, Rejection> {
        at_the_console(ctx)?;
        let lacks = !self.roles.contains(&role);
        Ok(unless(lacks, Event::RoleRevoked(RoleRevoked { role })))
    }

    /// Operators lock each other out at the console only, so that a stolen account of one of them cannot do it to the rest.
    pub(super) fn suspend(
        &self,
        ctx: &Context,
        until: Option<DateTime<Utc>>,
        reason: Reason,
    ) -> Result<Vec<Event>, Rejection> {
        operating(ctx)?;
        if ctx.actor != Actor::System && self.roles.contains(&ServiceRole::Operator) {
            return Err(Rejection::Forbidden);
        }
        let same = self.is_suspended(ctx.now) && self.suspension == Some(Suspension { until });
        if same {
            return Ok(vec![]);
        }
        let mut events = vec![Event::Suspended(Suspended { until, reason })];
        events.extend(self.all_but(None, Revocation::Suspended));
        Ok(events)
    }

    pub(super) fn reinstate(&self, ctx: &Context, reason: Reason) -> Result<Vec<Event>, Rejection> {
        operating(ctx)?;
        let free = !self.is_suspended(ctx.now);
        Ok(unless(free, Event::Reinstated(Reinstated { reason })))
    }

    pub(super) fn block(&self, ctx: &Context, user: UserId) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        if ctx.actor.user() == Some(user) {
            return Err(Rejection::BlockSelf);
        }
        if self.blocks(user) {
            return Ok(vec![]);
        }
        if self.blocked.len() >= limits::BLOCKED_MAX {
            return Err(Rejection::TooManyBlocked {
                max: limits::BLOCKED_MAX,
            });
        }
        Ok(vec![Event::Blocked(Blocked { user })])
    }

    pub(super) fn unblock(&self, ctx: &Context, user: UserId) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        let free = !self.blocks(user);
        Ok(unless(free, Event::Unblocked(Unblocked { user })))
    }

    pub(super) fn prove(&self, ctx: &Context, did: DidWeb) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        if self.has_proved(&did) {
            return Ok(vec![]);
        }
        if self.identities.len() >= limits::IDENTITIES_MAX {
            return Err(Rejection::TooManyIdentities {
                max: limits::IDENTITIES_MAX,
            });
        }
        Ok(vec![Event::IdentityProved(IdentityProved { did })])
    }

    pub(super) fn remove_identity(&self, ctx: &Context, did: DidWeb) -> Result<Vec<Event>, Rejection> {
        self.theirs(ctx)?;
        let none = !self.has_proved(&did);
        Ok(unless(none, Event::IdentityRemoved(IdentityRemoved { did })))
    }

    /// Found by the service itself, never said by a person.
    pub(super) fn lapse(&self, ctx: &Context, did: DidWeb) -> Result<Vec<Event>, Rejection> {
        at_the_console(ctx)?;
        let none = !self.has_proved(&did);
        Ok(unless(none, Event::IdentityLapsed(IdentityLapsed { did })))
    }

    fn all_but(&self, except: Option<SessionId>, why: Revocation) -> Vec<Event> {
        let mut sessions: Vec<_> = self.sessions.keys().copied().filter(|id| Some(*id) != except).collect();
        sessions.sort_unstable();
        let none = sessions.is_empty();
        unless(none, Event::SessionsRevoked(SessionsRevoked { sessions, why }))
    }

    fn theirs(&self, ctx: &Context) -> Result<(), Rejection> {
        if self.is_of(ctx.actor) {
            Ok(())
        } else {
            Err(Rejection::Forbidden)
        }
    }

    /// The account is theirs; one that the service registered is the service's.
    fn is_of(&self, actor: Actor) -> bool {
        actor == Actor::System || self.registered_by == actor
    }
}

/// Service roles are given at the console, never by a person over the network.
fn at_the_console(ctx: &Context) -> Result<(), Rejection> {
    match ctx.actor {
        Actor::System => Ok(()),
        Actor::User(_) => Err(Rejection::Forbidden),
    }
}

fn operating(ctx: &Context) -> Result<(), Rejection> {
    if ctx.actor == Actor::System || ctx.acting_as == Some(ServiceRole::Operator) {
        Ok(())
    } else {
        Err(Rejection::Forbidden)
    }
}

fn revoked(session: SessionId, why: Revocation) -> Event {
    Event::SessionRevoked(SessionRevoked { session, why })
}

fn unless(already_so: bool, event: Event) -> Vec<Event> {
    if already_so { vec![] } else { vec![event] }
}

/// A device's name only helps its owner tell sessions apart: one that would not do as a person's name is left out, never a reason to
/// refuse a sign-in.
fn label(device: String) -> Option<String> {
    DisplayName::parse(&device).ok().map(|name| name.as_str().to_owned())
}
