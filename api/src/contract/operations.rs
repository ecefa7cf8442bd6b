//! What a `cmd` frame can ask for: each operation with the form of its `d`. The forms are those that `ops` parses.

use schemars::JsonSchema;

use crate::ops::{channels, messages};

/// What to do, by `op`.
#[derive(JsonSchema)]
#[schemars(tag = "op", content = "d")]
#[expect(
    dead_code,
    reason = "described here; ops::submit looks at op first and then parses d"
)]
pub(super) enum Operation {
    #[schemars(rename = "channel.create")]
    ChannelCreate(channels::Create),
    #[schemars(rename = "channel.update")]
    ChannelUpdate(channels::Update),
    #[schemars(rename = "channel.archive")]
    ChannelArchive(Option<channels::Nothing>),
    #[schemars(rename = "channel.join")]
    ChannelJoin(Option<channels::Nothing>),
    #[schemars(rename = "channel.leave")]
    ChannelLeave(Option<channels::Nothing>),
    #[schemars(rename = "channel.add_member")]
    ChannelAddMember(channels::Member),
    #[schemars(rename = "channel.remove_member")]
    ChannelRemoveMember(channels::Removal),
    #[schemars(rename = "message.send")]
    MessageSend(messages::Send),
    #[schemars(rename = "message.edit")]
    MessageEdit(messages::Edit),
    #[schemars(rename = "message.delete")]
    MessageDelete(messages::Delete),
    #[schemars(rename = "message.restore")]
    MessageRestore(messages::Restore),
    #[schemars(rename = "message.react")]
    MessageReact(messages::React),
    #[schemars(rename = "message.unreact")]
    MessageUnreact(messages::React),
    #[schemars(rename = "message.vote")]
    MessageVote(messages::VoteOn),
    #[schemars(rename = "message.pin")]
    MessagePin(messages::One),
    #[schemars(rename = "message.unpin")]
    MessageUnpin(messages::One),
}
