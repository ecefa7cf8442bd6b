//! What people say about channels, parsed and prepared: creating the four kinds, settings, members. A creation first makes sure of what
//! its rules cannot know: that the people exist.

use domain::{
    ChannelId, ChannelName, IdempotencyKey, Reason, SpaceId, UserId,
    channel::{Command, History, Rejection, SlowMode},
    direct_channel_id, limits, owned_id,
    rights::Right,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    access,
    fields::{Fields, word},
    people,
};
use crate::{
    app::App,
    problem::{Problem, codes},
    schemas,
};

/// A channel about to be created.
#[derive(Debug, PartialEq)]
pub(crate) enum Creation {
    Direct {
        with: UserId,
    },
    Group {
        name: Option<ChannelName>,
        members: Vec<UserId>,
    },
    InSpace {
        kind: SpaceKind,
        space: SpaceId,
        name: ChannelName,
        private: bool,
        history: Option<History>,
    },
}

impl Creation {
    /// The same key names the same channel for ever; a direct conversation is named by its people alone.
    pub(crate) fn id(&self, by: UserId, key: &IdempotencyKey) -> ChannelId {
        match self {
            Self::Direct { with } => direct_channel_id(by, *with),
            Self::Group { .. } | Self::InSpace { .. } => owned_id("channel", by, key.as_str()).into(),
        }
    }

    pub(crate) fn into_command(self) -> Command {
        match self {
            Self::Direct { with } => Command::OpenDirect { with },
            Self::Group { name, members } => Command::CreateGroup { name, members },
            Self::InSpace {
                kind: SpaceKind::Text,
                space,
                name,
                private,
                history,
            } => Command::CreateText {
                space,
                name,
                private,
                history,
            },
            Self::InSpace {
                kind: SpaceKind::Forum,
                space,
                name,
                private,
                history,
            } => Command::CreateForum {
                space,
                name,
                private,
                history,
            },
        }
    }

    /// Refuses what the channel's own rules cannot see: people who are nobody.
    pub(crate) async fn prepare(&self, app: &App) -> Result<(), Problem> {
        match self {
            Self::Direct { with } => people::registered(app, *with).await,
            Self::Group { members, .. } if members.len() >= limits::GROUP_MEMBERS_MAX => Err(Rejection::Full {
                max: limits::GROUP_MEMBERS_MAX,
            }
            .into()),
            Self::Group { members, .. } => {
                for member in members {
                    people::registered(app, *member).await?;
                }
                Ok(())
            }
            Self::InSpace { .. } => Ok(()),
        }
    }
}

/// Refuses one more channel where the space has as many as it can, to those who could open one; the others hear what they always hear. Counted
/// in a view, which is a moment behind, like the spaces of a person.
pub(crate) async fn room_for(app: &App, by: UserId, id: ChannelId, creation: &Creation) -> Result<(), Problem> {
    let Creation::InSpace { space, .. } = creation else {
        return Ok(());
    };
    let max = app.limits.channels_per_space;
    if app.views.channel_list.count_in_space(*space).await? < max
        || access::with_right(app, by, *space, Right::OpenChannel).await.is_err()
        // It is there already: a retry.
        || app.commands.channels.read(id.uuid(), |view| view.top > 0).await?
    {
        return Ok(());
    }
    Err(Problem::new(&codes::SPACE_TOO_MANY_CHANNELS).detail(format!("a space has at most {max} open channels")))
}

/// `POST /channels`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversation {
    kind: String,
    members: Vec<String>,
    name: Option<String>,
}

impl Conversation {
    pub(crate) fn into_creation(self, by: UserId) -> Result<Creation, Problem> {
        let kinds = [("direct", ConversationKind::Direct), ("group", ConversationKind::Group)];
        let mut fields = Fields::default();
        let kind = fields.field("/kind", word(&self.kind, &kinds));
        let creation = kind.and_then(|kind| conversation(&mut fields, kind, self.members, self.name, by));
        fields.finish(creation)
    }
}

/// `POST /spaces/{id}/channels`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InSpace {
    name: String,
    kind: String,
    private: Option<bool>,
    history: Option<String>,
}

impl InSpace {
    pub(crate) fn into_creation(self, space: SpaceId) -> Result<Creation, Problem> {
        let mut fields = Fields::default();
        let kind = fields.field("/kind", word(&self.kind, &SpaceKind::WORDS));
        let creation = in_space(
            &mut fields,
            kind,
            Some(space),
            &self.name,
            self.private,
            self.history.as_deref(),
        );
        fields.finish(creation)
    }
}

/// `channel.create`: all four kinds in one, as a frame has no path.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateChannel")]
pub(crate) struct Create {
    kind: String,
    #[schemars(with = "Option<Vec<schemas::UserId>>")]
    members: Option<Vec<String>>,
    #[schemars(with = "Option<schemas::SpaceId>")]
    space: Option<String>,
    name: Option<String>,
    private: Option<bool>,
    history: Option<String>,
}

impl Create {
    pub(crate) fn into_creation(self, by: UserId) -> Result<Creation, Problem> {
        let kinds = [
            ("direct", AnyKind::Conversation(ConversationKind::Direct)),
            ("group", AnyKind::Conversation(ConversationKind::Group)),
            ("text", AnyKind::Space(SpaceKind::Text)),
            ("forum", AnyKind::Space(SpaceKind::Forum)),
        ];
        let mut fields = Fields::default();
        let kind = fields.field("/kind", word(&self.kind, &kinds));
        let creation = kind.and_then(|kind| match kind {
            AnyKind::Conversation(kind) => self.conversation(&mut fields, kind, by),
            AnyKind::Space(kind) => self.in_space(&mut fields, kind),
        });
        fields.finish(creation)
    }

    fn conversation(self, fields: &mut Fields, kind: ConversationKind, by: UserId) -> Option<Creation> {
        let why = "only a channel of a space has this";
        fields.absent("/space", self.space.as_ref(), why);
        fields.absent("/private", self.private.as_ref(), why);
        fields.absent("/history", self.history.as_ref(), why);
        conversation(fields, kind, self.members.unwrap_or_default(), self.name, by)
    }

    fn in_space(self, fields: &mut Fields, kind: SpaceKind) -> Option<Creation> {
        fields.absent(
            "/members",
            self.members.as_ref(),
            "people join a channel of a space after it is created",
        );
        let space = fields.field(
            "/space",
            self.space
                .ok_or("is missing")
                .and_then(|id| id.parse().map_err(|_| "is not a space id")),
        );
        let name = fields.field("/name", self.name.ok_or("is missing"))?;
        in_space(fields, Some(kind), space, &name, self.private, self.history.as_deref())
    }
}

#[derive(Clone, Copy)]
enum AnyKind {
    Conversation(ConversationKind),
    Space(SpaceKind),
}

#[derive(Clone, Copy)]
enum ConversationKind {
    Direct,
    Group,
}

/// What a channel of a space is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SpaceKind {
    Text,
    Forum,
}

impl SpaceKind {
    const WORDS: [(&'static str, Self); 2] = [("text", Self::Text), ("forum", Self::Forum)];
}

fn conversation(
    fields: &mut Fields,
    kind: ConversationKind,
    members: Vec<String>,
    name: Option<String>,
    by: UserId,
) -> Option<Creation> {
    let mut members = fields.list("/members", members, |id| id.parse::<UserId>())?;
    match kind {
        ConversationKind::Group => {
            let name = fields.optional("/name", name, |name| ChannelName::parse(&name))?;
            members.sort_unstable();
            members.dedup();
            members.retain(|member| *member != by);
            Some(Creation::Group { name, members })
        }
        ConversationKind::Direct => {
            fields.absent("/name", name.as_ref(), "a direct conversation has no name");
            // Naming oneself as well is fine; naming only oneself is for the rules to refuse.
            if members.len() > 1 {
                members.retain(|member| *member != by);
            }
            match members[..] {
                [with] => Some(Creation::Direct { with }),
                _ => {
                    fields.refuse("/members", "must name the one other person");
                    None
                }
            }
        }
    }
}

fn in_space(
    fields: &mut Fields,
    kind: Option<SpaceKind>,
    space: Option<SpaceId>,
    name: &str,
    private: Option<bool>,
    history: Option<&str>,
) -> Option<Creation> {
    let name = fields.field("/name", ChannelName::parse(name));
    let history = fields.optional("/history", history, parse_history);
    Some(Creation::InSpace {
        kind: kind?,
        space: space?,
        name: name?,
        private: private.unwrap_or(false),
        history: history?,
    })
}

/// `d` of `channel.update`: what is to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UpdateChannel")]
pub(crate) struct Update {
    name: Option<String>,
    private: Option<bool>,
    history: Option<String>,
    /// Seconds that people wait between two messages; 0 switches slow mode off.
    #[schemars(range(max = limits::SLOW_MODE_SECONDS_MAX))]
    slow_mode_s: Option<u32>,
}

impl Update {
    pub(crate) fn into_command(self) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let name = fields.optional("/name", self.name, |name| ChannelName::parse(&name));
        let history = fields.optional("/history", self.history.as_deref(), parse_history);
        let slow_mode_s = fields.optional("/slow_mode_s", self.slow_mode_s, SlowMode::parse);
        let private = self.private;
        let changed = name.zip(history).zip(slow_mode_s);
        fields.finish(changed.map(|((name, history), slow_mode_s)| Command::Update {
            name,
            private,
            history,
            slow_mode_s,
        }))
    }
}

/// `d` of `channel.add_member`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChannelMember")]
pub(crate) struct Member {
    #[schemars(with = "schemas::UserId")]
    user: String,
}

impl Member {
    pub(crate) fn into_user(self) -> Result<UserId, Problem> {
        let mut fields = Fields::default();
        let user = fields.field("/user", self.user.parse::<UserId>());
        fields.finish(user)
    }
}

/// `d` of `channel.remove_member`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RemoveMember")]
pub(crate) struct Removal {
    #[schemars(with = "schemas::UserId")]
    user: String,
    #[schemars(length(min = 1, max = Reason::MAX_CHARS))]
    reason: Option<String>,
}

impl Removal {
    pub(crate) fn into_parts(self) -> Result<(UserId, Option<Reason>), Problem> {
        let mut fields = Fields::default();
        let user = fields.field("/user", self.user.parse::<UserId>());
        let reason = fields.optional("/reason", self.reason, |reason| Reason::parse(&reason));
        fields.finish(user.zip(reason))
    }
}

/// Commands that say nothing beyond their name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Nothing")]
pub(crate) struct Nothing {}

/// Whoever is to be added must be somebody. Whether they are in the space, the rules ask.
pub(crate) async fn add_member(app: &App, user: UserId) -> Result<Command, Problem> {
    people::registered(app, user).await?;
    Ok(Command::AddMember { user })
}

fn parse_history(given: &str) -> Result<History, String> {
    word(given, &[("all", History::All), ("since_join", History::SinceJoin)])
}

#[cfg(test)]
mod tests;
