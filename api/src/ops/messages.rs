//! What people say about messages, parsed: sending, editing, deleting, and what they think of them. Each comes as the `d` of a `cmd` frame, which names its message,
//! and as the body of a request, whose path does.

use domain::{
    Emoji, MessageBody, MessageId, Reason, UserId,
    channel::{Command, Vote},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::fields::{Fields, word};
use crate::{problem::Problem, schemas};

/// `d` of `message.send`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SendMessage")]
pub(crate) struct Send {
    #[schemars(length(min = 1, max = MessageBody::MAX_CHARS))]
    body: String,
    #[schemars(with = "Option<schemas::MessageId>")]
    reply_to: Option<String>,
    /// The root of the thread it belongs to; in a forum, the post it comments on.
    #[schemars(with = "Option<schemas::MessageId>")]
    thread: Option<String>,
    #[schemars(with = "Option<Vec<schemas::UserId>>")]
    mentions: Option<Vec<String>>,
}

impl Send {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let words = Words::parse(&mut fields, &self.body, self.mentions);
        let reply_to = fields.optional("/reply_to", self.reply_to, |id| id.parse::<MessageId>());
        let thread = fields.optional("/thread", self.thread, |id| id.parse::<MessageId>());
        let send = |((Words { body, mentions }, reply_to), thread)| Command::Send {
            body,
            reply_to,
            thread,
            mentions,
        };
        fields.finish(words.zip(reply_to).zip(thread).map(send))
    }
}

/// The new words of a message that is named elsewhere.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rewrite {
    body: String,
    mentions: Option<Vec<String>>,
    expected_version: Option<u16>,
}

impl Rewrite {
    pub(crate) fn expected_version(&self) -> Option<u16> {
        self.expected_version
    }

    pub(crate) fn into_words(self) -> Result<Words, Problem> {
        let mut fields = Fields::default();
        let words = Words::parse(&mut fields, &self.body, self.mentions);
        fields.finish(words)
    }
}

/// What a message is to say from now on.
pub(crate) struct Words {
    body: MessageBody,
    mentions: Vec<UserId>,
}

impl Words {
    pub(crate) fn of(self, message: MessageId, expected_version: Option<u16>) -> Command {
        Command::Edit {
            message,
            body: self.body,
            mentions: self.mentions,
            expected_version,
        }
    }

    fn parse(fields: &mut Fields, body: &str, given: Option<Vec<String>>) -> Option<Self> {
        let body = fields.field("/body", MessageBody::parse(body));
        let mentions = mentions(fields, given);
        Some(Self {
            body: body?,
            mentions: mentions?,
        })
    }
}

/// `d` of `message.edit`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EditMessage")]
pub(crate) struct Edit {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    #[schemars(length(min = 1, max = MessageBody::MAX_CHARS))]
    body: String,
    #[schemars(with = "Option<Vec<schemas::UserId>>")]
    mentions: Option<Vec<String>>,
    expected_version: Option<u16>,
}

impl Edit {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let message = fields.field("/message", self.message.parse::<MessageId>());
        let words = Words::parse(&mut fields, &self.body, self.mentions);
        fields.finish(
            message
                .zip(words)
                .map(|(message, words)| words.of(message, self.expected_version)),
        )
    }
}

/// `d` of `message.delete`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeleteMessage")]
pub(crate) struct Delete {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    expected_version: Option<u16>,
    #[schemars(length(min = 1, max = Reason::MAX_CHARS))]
    reason: Option<String>,
}

impl Delete {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let message = fields.field("/message", self.message.parse::<MessageId>());
        let reason = fields.optional("/reason", self.reason, |reason| Reason::parse(&reason));
        let expected_version = self.expected_version;
        fields.finish(message.zip(reason).map(|(message, reason)| Command::Delete {
            message,
            expected_version,
            reason,
        }))
    }
}

/// `d` of `message.restore`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RestoreMessage")]
pub(crate) struct Restore {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    #[schemars(length(min = 1, max = Reason::MAX_CHARS))]
    reason: String,
}

impl Restore {
    pub(crate) fn into_parts(self) -> Result<(MessageId, Reason), Problem> {
        let mut fields = Fields::default();
        let message = fields.field("/message", self.message.parse::<MessageId>());
        let reason = fields.field("/reason", Reason::parse(&self.reason));
        fields.finish(message.zip(reason))
    }
}

/// `d` of `message.react` and `message.unreact`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReactToMessage")]
pub(crate) struct React {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// One emoji, or a `:shortcode:`.
    #[schemars(length(min = 1, max = Emoji::MAX_BYTES))]
    emoji: String,
}

impl React {
    pub(crate) fn into_parts(self) -> Result<(MessageId, Emoji), Problem> {
        let mut fields = Fields::default();
        let message = fields.field("/message", self.message.parse::<MessageId>());
        let emoji = fields.field("/emoji", Emoji::parse(&self.emoji));
        fields.finish(message.zip(emoji))
    }
}

/// `d` of `message.vote`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "VoteOnMessage")]
pub(crate) struct VoteOn {
    #[schemars(with = "schemas::MessageId")]
    message: String,
    /// `up`, `down`, or `none` to take it back.
    vote: String,
}

impl VoteOn {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let votes = [("up", Some(Vote::Up)), ("down", Some(Vote::Down)), ("none", None)];
        let mut fields = Fields::default();
        let message = fields.field("/message", self.message.parse::<MessageId>());
        let vote = fields.field("/vote", word(&self.vote, &votes));
        fields.finish(message.zip(vote).map(|(message, vote)| Command::Vote { message, vote }))
    }
}

/// The body of `PUT .../vote`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnVote {
    vote: String,
}

impl OwnVote {
    pub(crate) fn into_vote(self) -> Result<Vote, Problem> {
        let mut fields = Fields::default();
        let vote = fields.field("/vote", word(&self.vote, &[("up", Vote::Up), ("down", Vote::Down)]));
        fields.finish(vote)
    }
}

/// `d` of `message.pin` and `message.unpin`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OneMessage")]
pub(crate) struct One {
    #[schemars(with = "schemas::MessageId")]
    message: String,
}

impl One {
    pub(crate) fn into_message(self) -> Result<MessageId, Problem> {
        let mut fields = Fields::default();
        let message = fields.field("/message", self.message.parse::<MessageId>());
        fields.finish(message)
    }
}

/// How many are too many is the channel's rule, so that the answer is the same whoever asks.
fn mentions(fields: &mut Fields, given: Option<Vec<String>>) -> Option<Vec<UserId>> {
    fields.list("/mentions", given.unwrap_or_default(), |id| id.parse::<UserId>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(text: &str) -> Result<Command, Problem> {
        serde_json::from_str::<Send>(text)
            .expect("the shape is right")
            .into_command()
    }

    #[test]
    fn a_message_needs_only_a_body() {
        let body = MessageBody::parse("hello").expect("valid");
        assert_eq!(
            send(r#"{"body":"hello"}"#).expect("valid"),
            Command::Send {
                body,
                reply_to: None,
                thread: None,
                mentions: vec![]
            }
        );
    }

    #[test]
    fn every_wrong_field_of_a_message_is_named() {
        let problem =
            send(r#"{"body":" ","reply_to":"user_1","thread":"x","mentions":["user_1"]}"#).expect_err("all wrong");
        let pointers: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/body", "/mentions/0", "/reply_to", "/thread"]);
    }

    #[test]
    fn what_no_command_knows_is_refused() {
        assert!(serde_json::from_str::<Send>(r#"{"body":"hello","files":[]}"#).is_err());
        assert!(serde_json::from_str::<Rewrite>(r#"{"body":"hello","message":"message_1"}"#).is_err());
        assert!(serde_json::from_str::<Delete>(r#"{"message":"message_1","body":""}"#).is_err());
    }
}
