//! Every route, in one table: method, handler, who may ask, which quota it draws on. The last two are true because the guard in
//! `request/guard.rs` stands in front of each handler with them. Each handler is in `http/<resource>/<verb>.rs` and does three things:
//! parse, call, render.

pub mod accounts;
mod acks;
mod audit;
mod channels;
mod commands;
mod contracts;
mod events;
mod feeds;
pub mod health;
mod invites;
pub mod limits;
pub mod live;
mod messages;
pub mod metrics;
mod notifications;
mod path;
mod people;
pub mod problems;
mod projections;
mod public;
mod quarantine;
mod reports;
mod routing;
mod search;
mod sessions;
mod spaces;
mod suspensions;
mod verifications;

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, get, resource},
};

use self::routing::routes;
use crate::{
    app::App,
    problem::{Problem, codes},
    request,
    settings::Profile,
    ws,
};

pub use self::routing::Route;

/// The routes, for `App::configure`.
pub fn routes(app: &App) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    let limits = app.limits;
    let shown_here = app.settings.profile == Profile::Dev || app.settings.metrics_token.is_some();
    let metrics_here = app.settings.metrics_listen.is_none() && shown_here;
    move |config| {
        config
            .app_data(web::PayloadConfig::new(limits.request_body_bytes))
            .app_data(web::QueryConfig::default().error_handler(request::query_problem))
            .app_data(web::PathConfig::default().error_handler(|_, _| Problem::new(&codes::ROUTE_NOT_FOUND).into()))
            .service(
                web::scope("/api/v1")
                    .configure(api::configure)
                    .default_service(web::to(nothing_here)),
            )
            .configure(root::configure);
        if metrics_here {
            config.service(resource("/metrics").route(get().to(metrics::show)));
        }
        config.default_service(web::to(nothing_here));
    }
}

/// Every route there is, with its whole path.
pub fn all() -> impl Iterator<Item = &'static Route> {
    api::ROUTES.iter().chain(root::ROUTES)
}

routes! { api "/api/v1"
    "/auth/register" {
        POST   accounts::register           { Anyone, Registration }
    }
    "/auth/login" {
        POST   accounts::login              { Anyone, Login }
    }
    "/auth/refresh" {
        POST   accounts::refresh            { Cookie, Refresh }
    }
    "/auth/logout" {
        POST   accounts::logout             { Cookie, Refresh }
    }
    "/auth/password" {
        POST   accounts::change_password    { Person, Login }
    }
    "/auth/sessions" {
        GET    sessions::list               { Person, Read }
        DELETE sessions::revoke_others      { Person, Command }
    }
    "/auth/sessions/{session}" {
        DELETE sessions::revoke             { Person, Command }
    }
    "/users" {
        GET    people::lookup               { Person, Read }
    }
    "/users/me" {
        GET    people::read_me              { Person, Read }
        PATCH  people::change_me            { Person, Command }
    }
    "/users/me/blocks" {
        GET    people::blocks               { Person, Read }
    }
    "/users/me/blocks/{user}" {
        PUT    people::block                { Person, Command }
        DELETE people::unblock              { Person, Command }
    }
    "/users/me/identities/did" {
        PUT    people::prove_identity       { Person, Command }
        DELETE people::remove_identity      { Person, Command }
    }
    "/users/{user}" {
        GET    people::read                 { Person, Read }
    }
    "/spaces" {
        GET    spaces::list                 { Person, Read }
        POST   spaces::create               { Person, Command }
    }
    "/spaces/{space}" {
        GET    spaces::read                 { Person, Read }
        PATCH  spaces::update               { Person, Command }
        DELETE spaces::archive              { Person, Command }
    }
    "/spaces/{space}/join" {
        POST   spaces::join                 { Person, Command }
    }
    "/spaces/{space}/leave" {
        POST   spaces::leave                { Person, Command }
    }
    "/spaces/{space}/members" {
        GET    spaces::members              { Person, Read }
    }
    "/spaces/{space}/members/{user}" {
        PUT    spaces::put_member           { Person, Command }
        DELETE spaces::remove_member        { Person, Command }
    }
    "/spaces/{space}/owner" {
        POST   spaces::hand_over            { Person, Command }
    }
    "/spaces/{space}/restore" {
        POST   spaces::restore              { Person, Command }
    }
    "/spaces/{space}/bans" {
        GET    spaces::bans                 { Person, Read }
    }
    "/spaces/{space}/bans/{user}" {
        PUT    spaces::ban                  { Person, Command }
        DELETE spaces::unban                { Person, Command }
    }
    "/spaces/{space}/mutes" {
        GET    spaces::mutes                { Person, Read }
    }
    "/spaces/{space}/mutes/{user}" {
        PUT    spaces::mute                 { Person, Command }
        DELETE spaces::unmute               { Person, Command }
    }
    "/spaces/{space}/invites" {
        GET    invites::list                { Person, Read }
        POST   invites::create              { Person, Command }
    }
    "/spaces/{space}/cohorts/{cohort}" {
        PUT    invites::pause               { Person, Command }
    }
    "/invites/redeem" {
        POST   invites::redeem              { Person, Command }
    }
    "/invites/{code}/redeem" {
        POST   invites::redeem_by_path      { Person, Command }
    }
    "/invites/{invite}" {
        DELETE invites::revoke              { Person, Command }
    }
    "/spaces/{space}/channels" {
        GET    channels::list_in_space      { Person, Read }
        POST   channels::create_in_space    { Person, Command }
    }
    "/spaces/{space}/feed" {
        GET    feeds::of_space              { Person, Read }
    }
    "/feeds/home" {
        GET    feeds::home                  { Person, Read }
    }
    "/feeds/discover" {
        GET    feeds::discover              { Person, Read }
    }
    "/search" {
        GET    search::find                 { Person, Read }
    }
    "/notifications" {
        GET    notifications::list          { Person, Read }
    }
    "/notifications/read" {
        PUT    notifications::mark_read     { Person, Command }
    }
    "/channels" {
        GET    channels::list               { Person, Read }
        POST   channels::create             { Person, Command }
    }
    "/channels/{channel}" {
        GET    channels::read               { Person, Read }
        PATCH  channels::update             { Person, Command }
        DELETE channels::archive            { Person, Command }
    }
    "/channels/{channel}/join" {
        POST   channels::join               { Person, Command }
    }
    "/channels/{channel}/leave" {
        POST   channels::leave              { Person, Command }
    }
    "/channels/{channel}/members" {
        GET    channels::members            { Person, Read }
    }
    "/channels/{channel}/members/{user}" {
        PUT    channels::put_member         { Person, Command }
        DELETE channels::remove_member      { Person, Command }
    }
    "/channels/{channel}/messages" {
        GET    messages::page               { Person, Read }
        POST   messages::send               { Person, Command }
    }
    "/channels/{channel}/messages/{message}" {
        GET    messages::read               { Person, Read }
        PATCH  messages::edit               { Person, Command }
        DELETE messages::delete             { Person, Command }
    }
    "/channels/{channel}/messages/{message}/revisions" {
        GET    messages::revisions          { Person, Read }
    }
    "/channels/{channel}/messages/{message}/thread" {
        GET    messages::thread             { Person, Read }
    }
    "/channels/{channel}/messages/{message}/comments" {
        GET    messages::comments           { Person, Read }
    }
    "/channels/{channel}/messages/{message}/reactions/{emoji}" {
        PUT    messages::react              { Person, Command }
        DELETE messages::unreact            { Person, Command }
    }
    "/channels/{channel}/messages/{message}/vote" {
        PUT    messages::vote               { Person, Command }
        DELETE messages::unvote             { Person, Command }
    }
    "/channels/{channel}/messages/{message}/pin" {
        PUT    messages::pin                { Person, Command }
        DELETE messages::unpin              { Person, Command }
    }
    "/channels/{channel}/pins" {
        GET    messages::pins               { Person, Read }
    }
    "/channels/{channel}/messages/{message}/restore" {
        POST   messages::restore            { Person, Command }
    }
    "/channels/{channel}/events" {
        GET    events::read                 { Person, Read }
    }
    "/channels/{channel}/posts" {
        GET    feeds::posts                 { Person, Read }
    }
    "/channels/{channel}/read" {
        PUT    acks::mark_read              { Person, Command }
    }
    "/channels/{channel}/receipts" {
        GET    acks::receipts               { Person, Read }
    }
    "/admin/users/{user}/suspend" {
        POST   suspensions::suspend         { Role(Operator), Command }
    }
    "/admin/users/{user}/reinstate" {
        POST   suspensions::reinstate       { Role(Operator), Command }
    }
    "/spaces/{space}/reports" {
        GET    reports::list_in_space       { Person, Read }
    }
    "/reports" {
        POST   reports::make                { Person, Report }
    }
    "/reports/{report}" {
        GET    reports::read                { Person, Read }
    }
    "/reports/{report}/resolve" {
        POST   reports::resolve             { Person, Command }
    }
    "/reports/{report}/undo" {
        POST   reports::undo                { Person, Command }
    }
    "/admin/reports" {
        GET    reports::list_outside        { Role(Operator), Read }
    }
    "/admin/reports/{report}/resolve" {
        POST   reports::resolve_as_operator { Role(Operator), Command }
    }
    "/admin/reports/{report}/undo" {
        POST   reports::undo_as_operator    { Role(Operator), Command }
    }
    "/admin/projections" {
        GET    projections::list            { Role(Operator), Read }
    }
    "/admin/projections/{name}/rebuild" {
        POST   projections::rebuild         { Role(Operator), Command }
    }
    "/admin/projections/{name}/pause" {
        POST   projections::pause           { Role(Operator), Command }
    }
    "/admin/projections/{name}/resume" {
        POST   projections::resume          { Role(Operator), Command }
    }
    "/admin/projections/{name}/cancel" {
        POST   projections::cancel          { Role(Operator), Command }
    }
    "/admin/projections/{name}/promote" {
        POST   projections::promote         { Role(Operator), Command }
    }
    "/admin/projections/{name}/rollback" {
        POST   projections::roll_back       { Role(Operator), Command }
    }
    "/admin/projections/{name}/retire" {
        POST   projections::retire          { Role(Operator), Command }
    }
    "/admin/projections/{name}" {
        GET    verifications::read          { Role(Operator), Read }
    }
    "/admin/projections/{name}/verify" {
        POST   verifications::begin         { Role(Operator), Command }
    }
    "/admin/projections/{name}/retry" {
        POST   quarantine::retry            { Role(Operator), Command }
    }
    "/admin/projections/{name}/skip" {
        POST   quarantine::skip             { Role(Operator), Command }
    }
    "/audit/events" {
        GET    audit::events                { Role(Auditor), Command }
    }
    "/audit/channels/{channel}/at" {
        GET    audit::channel_at            { Role(Auditor), Command }
    }
    "/commands" {
        POST   commands::submit             { Person, Command }
    }
    "/ws/ticket" {
        POST   live::ticket                 { Person, Ticket }
    }
    "/ws" {
        GET    ws::connect                  { Anyone, Free }
    }
    "/limits" {
        GET    limits::show                 { Anyone, Free }
    }
}

routes! { root ""
    "/healthz" {
        GET    health::alive                { Anyone, Free }
    }
    "/livez" {
        GET    health::alive                { Anyone, Free }
    }
    "/readyz" {
        GET    health::ready                { Anyone, Free }
    }
    "/api/asyncapi.json" {
        GET    contracts::asyncapi          { Anyone, Free }
    }
    "/problems/{area}/{reason}" {
        GET    problems::show               { Anyone, Free }
    }
    "/.well-known/jwks.json" {
        GET    accounts::jwks               { Anyone, Free }
    }
}

/// The one route of the metrics' own address.
pub fn metrics_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/metrics").route(get().to(metrics::show)))
        .default_service(web::to(nothing_here));
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::new(&codes::ROUTE_NOT_FOUND))
}
