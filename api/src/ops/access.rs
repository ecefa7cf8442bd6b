//! Who may read what, asked of the streams' own states and never of a view, so that a removal bites before any view has seen it.
//! What a member may change is decided by the rules in `domain`; here is only what reads need.

use commands::{SpaceExit, StreamView};
use domain::{
    ChannelId, MessageId, SpaceId, UserId,
    channel::{self, Channel, Standing},
    rights::Right,
    space,
};

use crate::{app::App, problem::Problem};

/// What one person may read of one channel, as its stream says now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    /// The lowest seq they may read.
    pub(crate) visible_from: u64,
    /// Seq of the event that brought them in.
    pub(crate) since: u64,
    /// Seq of the channel's newest event.
    pub(crate) top: u64,
    /// Position of that event in the log: a view that has reached it shows everything known here.
    pub(crate) position: u64,
    /// Where the channel belongs to a space.
    pub(crate) within: Option<Within>,
}

/// Being in a space, as its stream said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) space: SpaceId,
    /// Where in the log that was. Whoever was put out of it later is out.
    known_at: u64,
}

impl Within {
    /// Whether someone who was in is not any more by this.
    pub(crate) fn ends_by(&self, exit: &SpaceExit) -> bool {
        exit.space == self.space && exit.position > self.known_at
    }

    /// Whether something up to this position may not be known here.
    pub(crate) fn is_older_than(&self, position: u64) -> bool {
        self.known_at < position
    }
}

/// The one answer for channels that do not exist and for those the person is not in.
pub(crate) fn no_such_channel() -> Problem {
    channel::Rejection::NotFound.into()
}

pub(crate) fn no_such_space() -> Problem {
    space::Rejection::NotFound.into()
}

/// The right to read a channel: being in it and, where it belongs to a space, still being in the space.
pub(crate) async fn reader(app: &App, user: UserId, channel: ChannelId) -> Result<Access, Problem> {
    look(app, user, channel, |_| ()).await.map(|(access, ())| access)
}

/// Asks a channel's state something on behalf of someone who may read it.
pub(crate) async fn look<T: Send + 'static>(
    app: &App,
    user: UserId,
    channel: ChannelId,
    question: impl FnOnce(&channel::Open) -> T + Send + 'static,
) -> Result<(Access, T), Problem> {
    let answer = move |view: StreamView<'_, Channel>| {
        let open = view.state.open()?;
        Some((access(open, user, view.position)?, open.space, question(open)))
    };
    let found = app.commands.channels.read(channel.uuid(), answer).await?;
    let (mut access, space, told) = found.ok_or_else(no_such_channel)?;
    if let Some(space) = space {
        access.within = Some(within(app, user, space).await?.ok_or_else(no_such_channel)?);
    }
    Ok((access, told))
}

/// The right to read a message: that to read its channel, and having been there in time.
pub(crate) async fn to_message(
    app: &App,
    user: UserId,
    channel: ChannelId,
    message: MessageId,
) -> Result<Access, Problem> {
    let seq = move |open: &channel::Open| open.message(message).map(|fact| u64::from(fact.seq));
    let (access, seq) = look(app, user, channel, seq).await?;
    let seen = seq.is_some_and(|seq| seq >= access.visible_from);
    seen.then_some(access)
        .ok_or_else(|| channel::Rejection::NoSuchMessage.into())
}

/// Asks a space's state something on behalf of someone who is in it.
pub(crate) async fn look_at_space<T: Send + 'static>(
    app: &App,
    user: UserId,
    space: SpaceId,
    question: impl FnOnce(&space::Open, space::Role) -> T + Send + 'static,
) -> Result<T, Problem> {
    let found = app.commands.spaces.read(space.uuid(), move |view| {
        let role = view.state.role(user)?;
        Some(question(view.state.open()?, role))
    });
    found.await?.ok_or_else(no_such_space)
}

/// The right to look at something of a space, by the one table of rights. Strangers hear of no space.
pub(crate) async fn with_right(app: &App, user: UserId, space: SpaceId, right: Right) -> Result<(), Problem> {
    let role = role(app, user, space).await?.ok_or_else(no_such_space)?;
    if role.may(right) {
        Ok(())
    } else {
        Err(space::Rejection::Forbidden.into())
    }
}

fn access(open: &channel::Open, user: UserId, position: u64) -> Option<Access> {
    let since = match open.standing(user)? {
        Standing::Member { since, .. } => since,
        Standing::Former { .. } => return None,
    };
    Some(Access {
        visible_from: open.visible_from(user)?,
        since,
        top: open.top,
        position,
        within: None,
    })
}

async fn within(app: &App, user: UserId, space: SpaceId) -> Result<Option<Within>, Problem> {
    // The state is asked after it, so it has all that the log had by then.
    let seen = app.auth.standings.seen();
    let known_at = app.commands.spaces.read(space.uuid(), move |view| {
        view.state.role(user).map(|_role| view.position.max(seen))
    });
    Ok(known_at.await?.map(|known_at| Within { space, known_at }))
}

pub(crate) async fn role(app: &App, user: UserId, space: SpaceId) -> Result<Option<space::Role>, Problem> {
    Ok(app
        .commands
        .spaces
        .read(space.uuid(), move |view| view.state.role(user))
        .await?)
}
