//! Which of the messages that a view names may be shown to somebody now: asked of the states of their channels and spaces, after the view
//! was read, so that leaving and deleting bite at once. A channel whose stream cannot be read is not shown.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    ChannelId, MessageId, SpaceId, UserId,
    channel::{Fact, History, Open},
    space::{self, JoinRule, Role},
};

use super::access;
use crate::{app::App, problem::Problem, request};

/// A message that may be shown, as its channel's stream says now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Showable {
    pub(crate) seq: u64,
    /// What a view holds of an older version are not its words any more.
    pub(crate) version: u16,
    pub(crate) space: Option<SpaceId>,
}

pub(crate) type Showables = HashMap<(ChannelId, MessageId), Showable>;

/// Those of `named` that are not deleted, in channels that `user` may read, from where they may read on.
pub(crate) async fn to_reader(
    app: &App,
    user: UserId,
    named: impl IntoIterator<Item = (ChannelId, MessageId)>,
) -> Showables {
    let mut showables = Showables::new();
    for (channel, messages) in by_channel(named) {
        let question = move |open: &Open| (open.space, present(open, messages));
        let Ok((access, (space, found))) = access::look(app, user, channel, question).await else {
            continue;
        };
        let seen = found
            .into_iter()
            .filter(|(_, fact)| u64::from(fact.seq) >= access.visible_from);
        showables.extend(seen.map(|(message, fact)| ((channel, message), Showable::of(fact, space))));
    }
    showables
}

/// Those of `named` that are not deleted, in channels that anyone may walk into: public ones with all of their history, in spaces that are
/// open to `user`.
pub(crate) async fn to_passer_by(
    app: &App,
    user: UserId,
    named: impl IntoIterator<Item = (ChannelId, MessageId)>,
) -> Showables {
    let mut showables = Showables::new();
    let mut spaces: HashMap<SpaceId, bool> = HashMap::new();
    for (channel, messages) in by_channel(named) {
        let Ok(Some((space, found))) = look_from_outside(app, channel, messages).await else {
            continue;
        };
        let open = match spaces.get(&space) {
            Some(open) => *open,
            None => {
                let open = open_to(app, user, space).await.unwrap_or(false);
                spaces.insert(space, open);
                open
            }
        };
        if open {
            let shown = |(message, fact)| ((channel, message), Showable::of(fact, Some(space)));
            showables.extend(found.into_iter().map(shown));
        }
    }
    showables
}

async fn look_from_outside(
    app: &App,
    channel: ChannelId,
    messages: Vec<MessageId>,
) -> Result<Option<(SpaceId, Vec<(MessageId, Fact)>)>, Problem> {
    let found = app.commands.channels.read(channel.uuid(), move |view| {
        let open = view.state.open()?;
        let public = !open.private && !open.archived && open.history == History::All;
        open.space
            .filter(|_| public)
            .map(|space| (space, present(open, messages)))
    });
    Ok(found.await?)
}

/// Guests walk into nothing by themselves, and to the banned the space does not exist.
async fn open_to(app: &App, user: UserId, space: SpaceId) -> Result<bool, Problem> {
    let now = request::now();
    let open = app.commands.spaces.read(space.uuid(), move |view| {
        let guest = view.state.role(user) == Some(Role::Guest);
        let open = view.state.open()?;
        Some(open.join == JoinRule::Open && !open.archived && !guest && !banned(open, user, now))
    });
    Ok(open.await?.unwrap_or(false))
}

fn banned(open: &space::Open, user: UserId, now: DateTime<Utc>) -> bool {
    open.bans()
        .any(|(banned, until)| banned == user && until.is_none_or(|until| until > now))
}

fn present(open: &Open, messages: Vec<MessageId>) -> Vec<(MessageId, Fact)> {
    let facts = messages.into_iter().filter_map(|id| Some((id, *open.message(id)?)));
    facts.filter(|(_, fact)| !fact.is_deleted()).collect()
}

fn by_channel(named: impl IntoIterator<Item = (ChannelId, MessageId)>) -> BTreeMap<ChannelId, Vec<MessageId>> {
    let mut channels: BTreeMap<ChannelId, Vec<MessageId>> = BTreeMap::new();
    for (channel, message) in named {
        channels.entry(channel).or_default().push(message);
    }
    channels
}

impl Showable {
    fn of(fact: Fact, space: Option<SpaceId>) -> Self {
        Self {
            seq: u64::from(fact.seq),
            version: fact.version,
            space,
        }
    }
}
