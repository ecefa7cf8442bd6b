//! The books that a witness of a random conversation keeps: who is in, who wrote what, and what is thought of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use crate::{Actor, Context, Meta, limits, space::Role as SpaceRole};

/// What anyone could write down who reads the log: who is in since when, who wrote what, what is deleted.
#[derive(Default)]
pub(super) struct Witness {
    kind: Option<Kind>,
    pub(super) in_space: bool,
    private: bool,
    archived: bool,
    since_join: bool,
    pub(super) members: BTreeMap<UserId, (Role, u64)>,
    pub(super) messages: BTreeMap<MessageId, Written>,
    pub(super) reacted: BTreeSet<(MessageId, uuid::Uuid)>,
    pub(super) votes: BTreeMap<(MessageId, uuid::Uuid), Vote>,
    pub(super) pinned: BTreeSet<MessageId>,
}

pub(super) struct Written {
    author: Actor,
    seq: u64,
    pub(super) version: u16,
    pub(super) deleted: bool,
    /// Deleted by its author.
    final_: bool,
    thread: Option<MessageId>,
    depth: u8,
}

impl Witness {
    pub(super) fn saw(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::Created(created) => {
                self.kind = Some(created.kind);
                self.in_space = created.space.is_some();
                self.private = created.private;
                self.since_join = created.history == History::SinceJoin;
            }
            Event::Updated(updated) => {
                self.private = updated.private.unwrap_or(self.private);
                self.since_join = updated
                    .history
                    .map_or(self.since_join, |history| history == History::SinceJoin);
            }
            Event::Archived(_) => self.archived = true,
            Event::MemberAdded(added) => drop(self.members.insert(added.user, (added.role, meta.seq()))),
            Event::MemberLeft(left) => drop(self.members.remove(&left.user)),
            Event::MemberRemoved(removed) => drop(self.members.remove(&removed.user)),
            Event::Sent(sent) => {
                let written = Written {
                    author: meta.actor,
                    seq: meta.seq(),
                    version: 1,
                    deleted: false,
                    final_: false,
                    thread: sent.thread,
                    depth: sent.depth,
                };
                self.messages.insert(sent.message, written);
            }
            Event::Edited(edited) => self.written_mut(edited.message).version = edited.version,
            Event::Deleted(deleted) => {
                let written = self.written_mut(deleted.message);
                written.deleted = true;
                written.final_ = written.author == meta.actor && meta.actor != Actor::System;
                self.pinned.remove(&deleted.message);
            }
            Event::Restored(restored) => self.written_mut(restored.message).deleted = false,
            Event::Reacted(reacted) => drop(self.reacted.insert((reacted.message, meta.actor.uuid()))),
            Event::Unreacted(unreacted) => drop(self.reacted.remove(&(unreacted.message, meta.actor.uuid()))),
            Event::Voted(voted) => drop(self.votes.insert((voted.message, meta.actor.uuid()), voted.vote)),
            Event::Unvoted(unvoted) => drop(self.votes.remove(&(unvoted.message, meta.actor.uuid()))),
            Event::Pinned(pinned) => drop(self.pinned.insert(pinned.message)),
            Event::Unpinned(unpinned) => drop(self.pinned.remove(&unpinned.message)),
        }
    }

    fn written(&self, id: MessageId) -> &Written {
        self.messages
            .get(&id)
            .expect("only what was sent is edited, deleted and answered")
    }

    fn written_mut(&mut self, id: MessageId) -> &mut Written {
        self.messages
            .get_mut(&id)
            .expect("only what was sent is edited and deleted")
    }

    /// Fails unless the actor had the right to cause `event` in the channel as it stands before it.
    pub(super) fn allows(&self, event: &Event, ctx: &Context, space: &BTreeMap<UserId, SpaceRole>) {
        let joins = matches!(event, Event::MemberAdded(added) if ctx.actor == Actor::User(added.user));
        assert!(joins || self.inside(ctx), "{event:?} came from outside");
        let lets_go = matches!(event, Event::MemberLeft(_) | Event::MemberRemoved(_));
        let closed = self.archived || ctx.space_archived;
        assert!(lets_go || !closed, "{event:?} changed what is archived");
        match event {
            Event::Created(_) => panic!("a channel is created once"),
            Event::Updated(updated) => {
                assert!(self.governs(ctx) && self.kind != Some(Kind::Direct));
                assert!(self.in_space || updated.private != Some(false));
            }
            Event::Archived(_) => assert!(self.governs(ctx) && self.kind != Some(Kind::Direct)),
            Event::MemberAdded(added) => self.allows_adding(added.user, added.role, ctx, space),
            Event::MemberLeft(left) => {
                assert_eq!(ctx.actor, Actor::User(left.user));
                assert!(self.members.contains_key(&left.user) && self.kind != Some(Kind::Direct));
            }
            Event::MemberRemoved(removed) => self.allows_removing(removed.user, ctx, space),
            Event::Sent(sent) => {
                assert_eq!(sent.message, MessageId::from(ctx.event_id));
                sent.reply_to.iter().for_each(|parent| self.sees(ctx, *parent));
                sent.thread.iter().for_each(|root| self.sees(ctx, *root));
                self.allows_in_thread(sent);
                assert!(sent.mentions.is_sorted() && sent.mentions.iter().all(|user| self.members.contains_key(user)));
            }
            Event::Edited(edited) => {
                self.sees(ctx, edited.message);
                let written = self.written(edited.message);
                assert!(written.author == ctx.actor && ctx.actor != Actor::System && !written.deleted);
                assert_eq!((edited.version, edited.seq), (written.version + 1, Some(written.seq)));
            }
            Event::Deleted(deleted) => {
                self.sees(ctx, deleted.message);
                let written = self.written(deleted.message);
                let own = written.author == ctx.actor;
                assert!(!written.deleted || (own && !written.final_));
                assert!(own || self.moderates(ctx));
                assert_eq!(deleted.author, written.author.user().filter(|_| !own));
            }
            Event::Restored(restored) => {
                self.sees(ctx, restored.message);
                let written = self.written(restored.message);
                assert!(written.deleted && !written.final_ && self.moderates(ctx));
                assert_eq!((restored.seq, restored.version), (written.seq, written.version));
            }
            Event::Reacted(reacted) => {
                self.judges(ctx, reacted.message);
                assert!(!self.reacted.contains(&(reacted.message, ctx.actor.uuid())));
            }
            Event::Unreacted(unreacted) => {
                self.judges(ctx, unreacted.message);
                assert!(self.reacted.contains(&(unreacted.message, ctx.actor.uuid())));
            }
            Event::Voted(voted) => {
                self.judges(ctx, voted.message);
                assert_ne!(self.written(voted.message).author, ctx.actor);
                assert_ne!(self.votes.get(&(voted.message, ctx.actor.uuid())), Some(&voted.vote));
            }
            Event::Unvoted(unvoted) => {
                self.judges(ctx, unvoted.message);
                assert!(self.votes.contains_key(&(unvoted.message, ctx.actor.uuid())));
            }
            Event::Pinned(pinned) => {
                self.sees(ctx, pinned.message);
                assert!(!self.written(pinned.message).deleted && !self.pinned.contains(&pinned.message));
                assert!(self.kind == Some(Kind::Direct) || self.moderates(ctx));
            }
            Event::Unpinned(unpinned) => {
                self.sees(ctx, unpinned.message);
                assert!(self.pinned.contains(&unpinned.message));
                assert!(self.kind == Some(Kind::Direct) || self.moderates(ctx));
            }
        }
    }

    fn judges(&self, ctx: &Context, message: MessageId) {
        self.sees(ctx, message);
        assert!(!self.written(message).deleted && ctx.actor != Actor::System);
    }

    fn allows_in_thread(&self, sent: &Sent) {
        let parent = sent.reply_to.map(|parent| self.written(parent));
        assert_eq!(sent.reply_to_author, parent.and_then(|parent| parent.author.user()));
        assert!(parent.is_none_or(|parent| !parent.deleted));
        let forum = self.kind == Some(Kind::Forum);
        let Some(root) = sent.thread else {
            assert!(!forum || parent.is_none(), "a post answers nothing");
            return assert_eq!(sent.depth, 0);
        };
        assert!(!self.written(root).deleted && self.written(root).thread.is_none());
        if let (Some(parent), Some(id)) = (parent, sent.reply_to) {
            assert_eq!(parent.thread.unwrap_or(id), root);
        }
        let depth = parent.filter(|_| forum).map_or(0, |parent| parent.depth + 1);
        assert_eq!(sent.depth, depth);
        assert_eq!(forum, depth > 0);
    }

    fn allows_adding(&self, user: UserId, role: Role, ctx: &Context, space: &BTreeMap<UserId, SpaceRole>) {
        assert!(!self.members.contains_key(&user) && role == Role::Member && self.kind != Some(Kind::Direct));
        assert!(self.kind != Some(Kind::Group) || self.members.len() < limits::GROUP_MEMBERS_MAX);
        assert!(
            !self.in_space || space.contains_key(&user),
            "added from outside the space"
        );
        let alone = ctx.actor == Actor::User(user);
        let least = match (self.private, alone) {
            (true, true) => SpaceRole::Admin,
            (true, false) => SpaceRole::Moderator,
            (false, _) => SpaceRole::Member,
        };
        let by_rank = ctx.space_role >= Some(least);
        let by_role = ctx
            .actor
            .user()
            .is_some_and(|actor| self.role(actor) == Some(Role::Owner));
        assert!(!self.in_space || by_rank || by_role || ctx.actor == Actor::System);
        assert!(self.in_space || !alone, "nobody lets themselves into a group");
    }

    fn allows_removing(&self, user: UserId, ctx: &Context, space: &BTreeMap<UserId, SpaceRole>) {
        assert!(self.members.contains_key(&user) && self.kind != Some(Kind::Direct) && self.moderates(ctx));
        let outranks = space.get(&user).is_none_or(|role| ctx.space_role > Some(*role));
        let themselves = ctx.actor == Actor::User(user);
        assert!(!self.in_space || outranks || themselves);
    }

    fn inside(&self, ctx: &Context) -> bool {
        let Actor::User(user) = ctx.actor else { return true };
        self.members.contains_key(&user) && (!self.in_space || ctx.space_role.is_some())
    }

    fn role(&self, user: UserId) -> Option<Role> {
        self.members.get(&user).map(|(role, _)| *role)
    }

    fn governs(&self, ctx: &Context) -> bool {
        self.ranks(ctx, SpaceRole::Admin)
    }

    fn moderates(&self, ctx: &Context) -> bool {
        self.ranks(ctx, SpaceRole::Moderator)
    }

    fn ranks(&self, ctx: &Context, least: SpaceRole) -> bool {
        let Actor::User(user) = ctx.actor else { return true };
        match self.kind {
            Some(Kind::Text | Kind::Forum) => ctx.space_role >= Some(least),
            Some(Kind::Group) => self.heads_the_group(user),
            Some(Kind::Direct) | None => false,
        }
    }

    /// The owner, or the one in it longest when there is none.
    fn heads_the_group(&self, user: UserId) -> bool {
        let owner = self.members.iter().find(|(_, (role, _))| *role == Role::Owner);
        let eldest = self.members.iter().min_by_key(|(_, (_, since))| *since);
        owner.or(eldest).is_some_and(|(head, _)| *head == user)
    }

    fn sees(&self, ctx: &Context, id: MessageId) {
        let written = self.written(id);
        let since = ctx
            .actor
            .user()
            .and_then(|user| self.members.get(&user))
            .map_or(0, |(_, since)| *since);
        assert!(
            !self.since_join || written.seq >= since,
            "a message from before their time"
        );
    }
}
