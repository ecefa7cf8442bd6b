//! Everyone there is, from nobody to the owner, and the rooms they meet in: a space with a channel in which each has their place.

use serde_json::json;
use verbatim_tests::{Person, Server, Stage, fresh_key};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    Stranger,
    Former,
    Guest,
    Member,
    Author,
    Moderator,
    Admin,
    Owner,
    Auditor,
    Operator,
    Suspended,
}

impl Who {
    pub(super) const ALL: &[Self] = &[
        Self::Nobody,
        Self::Stranger,
        Self::Former,
        Self::Guest,
        Self::Member,
        Self::Author,
        Self::Moderator,
        Self::Admin,
        Self::Owner,
        Self::Auditor,
        Self::Operator,
        Self::Suspended,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Stranger => "stranger",
            Self::Former => "former",
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Author => "author",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Suspended => "suspended",
        }
    }

    /// The role in the rooms of those who have or had one.
    fn role(self) -> Option<&'static str> {
        match self {
            Self::Guest => Some("guest"),
            Self::Former | Self::Member | Self::Author | Self::Suspended => Some("member"),
            Self::Moderator => Some("moderator"),
            Self::Admin => Some("admin"),
            Self::Nobody | Self::Stranger | Self::Owner | Self::Auditor | Self::Operator => None,
        }
    }
}

pub(super) struct Cast {
    pub(super) stage: Stage,
    people: Vec<(Who, Person)>,
    /// Whom things are done to: a plain member of every room.
    pub(super) target: Person,
    _server: Server,
}

/// Where a sample is tried.
pub(super) struct Room {
    pub(super) space: String,
    pub(super) channel: String,
}

impl Cast {
    pub(super) async fn assemble() -> Self {
        // Nobody reads their socket before it is their turn.
        let mut server = Server::start_with(|options| {
            options.set("VERBATIM_LIMIT_HEARTBEAT_MS", "3600000");
        });
        let stage = Stage::on(&server);
        let mut people = vec![];
        for who in Who::ALL.iter().filter(|who| **who != Who::Nobody) {
            people.push((*who, stage.person(who.name()).await));
        }
        let target = stage.person("target").await;
        server.terminate().await;
        for (who, person) in &people {
            if matches!(who, Who::Auditor | Who::Operator) {
                let granted = server.run(&["grant", &person.handle, who.name()]);
                assert!(granted.status.success(), "{granted:?}");
            }
        }
        server.launch();
        let cast = Self {
            stage,
            people,
            target,
            _server: server,
        };
        let suspended = format!("/admin/users/{}/suspend", cast.is(Who::Suspended).id);
        let suspension = cast.is(Who::Operator).post(&suspended);
        suspension
            .json(&json!({"reason": "for the matrix"}))
            .send()
            .await
            .accepted();
        cast
    }

    pub(super) fn person(&self, who: Who) -> Option<&Person> {
        self.people
            .iter()
            .find(|(other, _)| *other == who)
            .map(|(_, person)| person)
    }

    pub(super) fn is(&self, who: Who) -> &Person {
        self.person(who).expect("everyone but nobody is somebody")
    }

    /// A space with a channel, everyone in their place.
    pub(super) async fn room(&self) -> Room {
        let owner = self.is(Who::Owner);
        let space = owner.create_space("Reading club").await;
        let channel = owner.create_channel(&space, "general").await;
        for (who, person) in &self.people {
            if let Some(role) = who.role() {
                owner.set_role(&space, person, role).await.accepted();
                owner.add_member(&channel, person).await.accepted();
            }
        }
        owner.remove_from_space(&space, self.is(Who::Former)).await.accepted();
        let room = Room { space, channel };
        self.put_target_back(&room).await;
        room
    }

    pub(super) async fn put_target_back(&self, room: &Room) {
        let owner = self.is(Who::Owner);
        owner.set_role(&room.space, &self.target, "member").await.accepted();
        owner.add_member(&room.channel, &self.target).await.accepted();
    }

    /// A message that a moderator has taken away.
    pub(super) async fn removed_message(&self, room: &Room) -> String {
        let message = self.fresh_message(room).await;
        let moderator = self.is(Who::Moderator);
        let removal = moderator.delete(&format!("/channels/{}/messages/{message}", room.channel));
        removal
            .json(&json!({"reason": "for the matrix"}))
            .send()
            .await
            .accepted();
        message
    }

    /// A message of the author that nobody has touched yet.
    pub(super) async fn fresh_message(&self, room: &Room) -> String {
        let sent = self
            .is(Who::Author)
            .send_keyed(&room.channel, &fresh_key(), "words")
            .await;
        sent.is(201).str("message")
    }
}
