//! The scene of one conversation: its channel, everyone in it, and a socket for each that follows it from the first message on.
//! Afterwards the timeline pages are read back. What happens in between is in `play`.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    checker::script::{Said, Script},
    http::Http,
    people::{Person, REQUESTS_AT_ONCE},
    server::Server,
    socket::Socket,
};

use super::Conversation;

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) script: Arc<Script>,
    /// In the order of the conversation's nicks.
    pub(super) users: Vec<String>,
    pub(super) sockets: Vec<Socket>,
    /// The seat of each line's author.
    pub(super) seats: Vec<usize>,
    /// Someone in the channel, who reads the pages.
    reader_token: String,
}

impl Stage {
    pub(super) async fn set(
        server: &Server,
        http: &Http,
        owner: &Person,
        space: &str,
        conversation: &Conversation,
        people: &HashMap<String, Person>,
    ) -> anyhow::Result<Self> {
        let members: Vec<&Person> = conversation.nicks.iter().filter_map(|nick| people.get(nick)).collect();
        ensure!(members.len() == conversation.nicks.len(), "someone has no account");
        let channel = http.create_channel(&owner.token, space, &conversation.name).await?;
        let top = join(http, &members, &channel).await?;
        let sockets = connect(server, http, &members, &channel, top).await?;
        let said = |(seat, text): &(usize, String)| Said::new(members[*seat].id.clone(), text.clone());
        let script = Script {
            channel,
            first: top + 1,
            lines: conversation.messages.iter().map(said).collect(),
        };
        Ok(Self {
            name: conversation.name.clone(),
            script: Arc::new(script),
            users: members.iter().map(|person| person.id.clone()).collect(),
            sockets,
            seats: conversation.messages.iter().map(|(seat, _)| *seat).collect(),
            reader_token: members.first().context("nobody says anything")?.token.clone(),
        })
    }

    /// All pages, one after the other, against the script.
    pub(super) async fn check_pages(&self, http: &Http, last_pos: &str) -> anyhow::Result<()> {
        let mut items = Vec::with_capacity(self.script.lines.len());
        let mut after = self.script.first - 1;
        loop {
            let page = http
                .messages_after(&self.reader_token, &self.script.channel, after, last_pos)
                .await?;
            ensure!(
                page.complete_after || page.hi > after,
                "the page after {after} leads nowhere"
            );
            after = page.hi;
            items.extend(page.items);
            if page.complete_after {
                break;
            }
        }
        Ok(self.script.check_pages(&items)?)
    }
}

/// Everyone joins; the answer is the last seq that this took.
async fn join(http: &Http, members: &[&Person], channel: &str) -> anyhow::Result<u64> {
    stream::iter(members)
        .map(|person| http.join_channel(&person.token, channel))
        .buffer_unordered(REQUESTS_AT_ONCE)
        .try_fold(0, |top, acked| async move { Ok(top.max(acked.seq)) })
        .await
}

async fn connect(
    server: &Server,
    http: &Http,
    members: &[&Person],
    channel: &str,
    after: u64,
) -> anyhow::Result<Vec<Socket>> {
    stream::iter(members)
        .map(|person| async move {
            let mut socket = person.connect(http, server.address).await?;
            socket.subscribe(channel, after).await?;
            anyhow::Ok(socket)
        })
        .buffered(REQUESTS_AT_ONCE)
        .try_collect()
        .await
}
