//! A channel as one of its members sees it: settings and members from its stream, what is unread from the views, names from the people.

use std::collections::HashMap;

use domain::{
    ChannelId, UserId,
    channel::{Kind, Open},
};
use projections::ChannelOf;

use super::{access, people};
use crate::{
    app::App,
    problem::Problem,
    render::{Channel, Counters, User},
};

/// One channel. The counters are those of the view; one that does not know the channel yet has none.
pub(crate) async fn of_channel(app: &App, user: UserId, id: ChannelId) -> Result<Channel, Problem> {
    let (_, (mut channel, pair)) =
        access::look(app, user, id, move |open| (Channel::of_state(id, open), pair(open))).await?;
    if let Some(of) = app.views.channel_list.channel_of(user, id).await? {
        channel.counters = Counters::from(&of);
    }
    if let Some(pair) = pair {
        channel.peers = Some(people(app, pair).await?);
    }
    Ok(channel)
}

/// A page of channels, with one question for all the people in them.
pub(crate) async fn of_list(app: &App, channels: Vec<ChannelOf>) -> Result<Vec<Channel>, Problem> {
    let ids: Vec<UserId> = channels.iter().flat_map(|of| of.peers.iter().copied()).collect();
    let known = app.views.directory.people(&ids).await?;
    let known: HashMap<UserId, _> = known.into_iter().map(|person| (person.id, person)).collect();
    let peers = |of: &ChannelOf| {
        let known = of.peers.iter().filter_map(|peer| known.get(peer).cloned());
        (of.channel.kind == Kind::Direct).then(|| known.map(User::from).collect())
    };
    Ok(channels
        .into_iter()
        .map(|of| {
            let peers = peers(&of);
            Channel::of_member(of, peers)
        })
        .collect())
}

/// The two people of a direct conversation.
fn pair(open: &Open) -> Option<Vec<UserId>> {
    let everyone = || {
        let mut people: Vec<UserId> = open.members().map(|(user, _)| user).collect();
        people.sort_unstable();
        people
    };
    (open.kind == Kind::Direct).then(everyone)
}

async fn people(app: &App, ids: Vec<UserId>) -> Result<Vec<User>, Problem> {
    let mut shapes = Vec::with_capacity(ids.len());
    for id in ids {
        shapes.extend(people::shape(app, id).await?);
    }
    Ok(shapes)
}
