//! `/spaces/{id}/bans` and `/spaces/{id}/mutes`: who is kept out of a space or silent in it, and putting people under either and lifting
//! it. The two are the same but for what is asked of the space.

use actix_web::{HttpResponse, web};
use domain::{SpaceId, UserId, space::Command};
use projections::SanctionKind;

use crate::{
    app::App,
    http::path,
    ops::{
        pages::ListQuery,
        people,
        spaces::{self, Ban, Mute},
    },
    problem::Problem,
    render::{
        List, Sanctioned,
        answers::{self, View},
    },
    request::{Call, Json, JsonIfAny, Who, Why},
};

/// The space and the person of a route.
type Path = web::Path<(String, String)>;

/// `GET /spaces/{id}/bans`, for its moderators.
pub(crate) async fn bans(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    list(&app, &who, &path, query.into_inner(), view, SanctionKind::Ban).await
}

/// `GET /spaces/{id}/mutes`, for its moderators.
pub(crate) async fn mutes(
    app: web::Data<App>,
    who: Who,
    path: web::Path<String>,
    query: web::Query<ListQuery>,
    view: View,
) -> Result<HttpResponse, Problem> {
    list(&app, &who, &path, query.into_inner(), view, SanctionKind::Mute).await
}

/// `PUT /spaces/{id}/bans/{user}`: puts a person out of a space and keeps them out.
pub(crate) async fn ban(app: web::Data<App>, call: Call, path: Path, body: Json<Ban>) -> Result<HttpResponse, Problem> {
    lay(&app, &call, &path, |user| body.0.into_command(user)).await
}

/// `PUT /spaces/{id}/mutes/{user}`: keeps a person of a space from writing in its channels for a time.
pub(crate) async fn mute(
    app: web::Data<App>,
    call: Call,
    path: Path,
    body: Json<Mute>,
) -> Result<HttpResponse, Problem> {
    lay(&app, &call, &path, |user| body.0.into_command(user)).await
}

/// `DELETE /spaces/{id}/bans/{user}`: lets a banned person come back.
pub(crate) async fn unban(
    app: web::Data<App>,
    call: Call,
    path: Path,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = named(&path)?;
    let command = Command::Unban {
        user,
        reason: why.0.reason()?,
        laid_by: None,
    };
    carry_out(&app, &call, space, command).await
}

/// `DELETE /spaces/{id}/mutes/{user}`: lets a muted person speak again.
pub(crate) async fn unmute(
    app: web::Data<App>,
    call: Call,
    path: Path,
    why: JsonIfAny<Why>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = named(&path)?;
    let command = Command::Unmute {
        user,
        reason: why.0.reason()?,
        laid_by: None,
    };
    carry_out(&app, &call, space, command).await
}

async fn list(
    app: &App,
    who: &Who,
    space: &str,
    query: ListQuery,
    view: View,
    kind: SanctionKind,
) -> Result<HttpResponse, Problem> {
    let window = query.window(&app.limits)?;
    let found = spaces::sanctions(app, who.user, path::space(space)?, kind, &window).await?;
    let last = found.items.last().map(|sanction| sanction.user.uuid());
    let items: Vec<Sanctioned> = found.items.into_iter().map(Sanctioned::from).collect();
    Ok(view.shows(&List::new(items, found.more, last)))
}

/// Of people only: nobody else can be under anything.
async fn lay(
    app: &App,
    call: &Call,
    path: &Path,
    command: impl FnOnce(UserId) -> Result<Command, Problem>,
) -> Result<HttpResponse, Problem> {
    let (space, user) = named(path)?;
    let command = command(user)?;
    people::registered(app, user).await?;
    carry_out(app, call, space, command).await
}

async fn carry_out(app: &App, call: &Call, space: SpaceId, command: Command) -> Result<HttpResponse, Problem> {
    let ack = spaces::carry_out(app, space, command, call.caller()).await?;
    Ok(answers::written(ack.replayed, &ack.pos, &ack))
}

fn named(path: &Path) -> Result<(SpaceId, UserId), Problem> {
    Ok((path::space(&path.0)?, path::user(&path.1)?))
}
