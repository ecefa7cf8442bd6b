//! People as other operations need them: that somebody is registered, and what they change about themselves. Accounts and passwords are
//! elsewhere.

use actix_web::HttpResponse;
use domain::{DidWeb, DisplayName, UserId, user};
use serde::Deserialize;

use super::fields::Fields;
use crate::{
    app::App,
    problem::Problem,
    render::{Identity, User, Written, answers},
    request::Call,
    settings::Registration,
};

pub(crate) fn no_such_person() -> Problem {
    user::Rejection::NotFound.into()
}

/// Asked of the person's own stream, so that whoever has just registered is somebody at once.
pub(crate) async fn registered(app: &App, id: UserId) -> Result<(), Problem> {
    let exists = app
        .commands
        .users
        .read(id.uuid(), |view| view.state.account().is_some())
        .await?;
    if exists { Ok(()) } else { Err(no_such_person()) }
}

/// Whether `asker` may learn that this person is here. Where anyone may register everyone may; a service that chooses its people does
/// not tell outsiders who they are.
pub(crate) async fn findable(app: &App, asker: UserId, person: UserId) -> Result<(), Problem> {
    let known = match app.settings.registration {
        Registration::Open => true,
        Registration::Invite | Registration::Closed => {
            asker == person
                || app.views.directory.share_space(asker, person).await?
                || app.views.channel_list.share_channel(asker, person).await?
        }
    };
    if known { Ok(()) } else { Err(no_such_person()) }
}

/// How others see someone, from their own stream.
pub(crate) async fn shape(app: &App, id: UserId) -> Result<Option<User>, Problem> {
    Ok(app
        .commands
        .users
        .read(id.uuid(), move |view| Some(User::of_account(id, view.state.account()?)))
        .await?)
}

/// Sets or takes back a block, and says of whom.
pub(crate) async fn change_block(
    app: &App,
    call: &Call,
    user: UserId,
    command: user::Command,
) -> Result<HttpResponse, Problem> {
    let me = call.who.user.uuid();
    let outcome = app.commands.users.execute(me, command, call.caller()).await?;
    let thing = shape(app, user).await?.ok_or_else(no_such_person)?;
    let pos = app.pos(outcome.position).to_string();
    let replayed = outcome.replayed || outcome.events.is_empty();
    Ok(answers::set(
        &pos,
        &Written {
            thing,
            pos: pos.clone(),
            replayed,
        },
    ))
}

/// What the person has proved, from their own stream, and when it was last seen to be right.
pub(crate) async fn identities(app: &App, id: UserId) -> Result<Vec<Identity>, Problem> {
    let proved = app.commands.users.read(id.uuid(), |view| {
        let account = view.state.account();
        let proved = account.into_iter().flat_map(|account| account.identities());
        proved.map(|(did, at)| (did.clone(), at)).collect::<Vec<_>>()
    });
    let proved = proved.await?;
    if proved.is_empty() {
        return Ok(vec![]);
    }
    let checked = app.proving.checks().checked_at(id).await;
    let checked = checked.map_err(|error| Problem::internal(&error))?;
    let identity = |(did, proved_at): (DidWeb, _)| Identity {
        checked_at: checked
            .iter()
            .find(|(known, _)| known == did.as_str())
            .map(|(_, at)| *at),
        did: did.as_str().to_owned(),
        proved_at,
    };
    Ok(proved.into_iter().map(identity).collect())
}

/// `PATCH /users/me`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    display_name: String,
}

impl Profile {
    pub(crate) fn into_command(self) -> Result<user::Command, Problem> {
        let mut fields = Fields::default();
        let display_name = fields.field("/display_name", DisplayName::parse(&self.display_name));
        fields.finish(display_name.map(|display_name| user::Command::ChangeProfile { display_name }))
    }
}
