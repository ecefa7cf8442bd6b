//! Every route, on one screen. Each handler is in `http/<resource>/<verb>.rs` and does three things: parse, call, render.

pub mod accounts;
mod acks;
mod channels;
mod commands;
mod contracts;
mod events;
pub mod health;
pub mod limits;
pub mod live;
mod messages;
pub mod metrics;
mod path;
mod people;
pub mod problems;
mod spaces;

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, delete, get, patch, post, put, resource},
};

use crate::{
    app::App,
    problem::{Problem, codes},
    request,
    settings::Profile,
    ws,
};

/// The routes, for `App::configure`.
pub fn routes(app: &App) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    let limits = app.limits;
    let metrics_here = app.settings.metrics_listen.is_none() && app.settings.profile == Profile::Dev;
    move |config| {
        config
            .app_data(web::PayloadConfig::new(limits.request_body_bytes))
            .app_data(web::QueryConfig::default().error_handler(request::query_problem))
            .app_data(web::PathConfig::default().error_handler(|_, _| Problem::new(&codes::ROUTE_NOT_FOUND).into()))
            .service(web::scope("/api/v1").configure(api))
            .service(resource("/healthz").route(get().to(health::alive)))
            .service(resource("/livez").route(get().to(health::alive)))
            .service(resource("/readyz").route(get().to(health::ready)))
            .service(resource("/api/asyncapi.json").route(get().to(contracts::asyncapi)))
            .service(resource("/problems/{area}/{reason}").route(get().to(problems::show)))
            .service(resource("/.well-known/jwks.json").route(get().to(accounts::jwks)));
        if metrics_here {
            config.service(resource("/metrics").route(get().to(metrics::show)));
        }
        config.default_service(web::to(nothing_here));
    }
}

/// Everything under `/api/v1`.
#[rustfmt::skip]
fn api(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/register").route(post().to(accounts::register)))
        .service(resource("/auth/login").route(post().to(accounts::login)))
        .service(resource("/users").route(get().to(people::lookup)))
        .service(resource("/users/me").route(get().to(people::read_me)).route(patch().to(people::change_me)))
        .service(resource("/users/{user}").route(get().to(people::read)))
        .service(resource("/spaces").route(get().to(spaces::list)).route(post().to(spaces::create)))
        .service(resource("/spaces/{space}").route(get().to(spaces::read)).route(patch().to(spaces::update)).route(delete().to(spaces::archive)))
        .service(resource("/spaces/{space}/join").route(post().to(spaces::join)))
        .service(resource("/spaces/{space}/leave").route(post().to(spaces::leave)))
        .service(resource("/spaces/{space}/members").route(get().to(spaces::members)))
        .service(resource("/spaces/{space}/members/{user}").route(put().to(spaces::put_member)).route(delete().to(spaces::remove_member)))
        .service(resource("/spaces/{space}/channels").route(get().to(channels::list_in_space)).route(post().to(channels::create_in_space)))
        .service(resource("/channels").route(get().to(channels::list)).route(post().to(channels::create)))
        .service(resource("/channels/{channel}").route(get().to(channels::read)).route(patch().to(channels::update)).route(delete().to(channels::archive)))
        .service(resource("/channels/{channel}/join").route(post().to(channels::join)))
        .service(resource("/channels/{channel}/leave").route(post().to(channels::leave)))
        .service(resource("/channels/{channel}/members").route(get().to(channels::members)))
        .service(resource("/channels/{channel}/members/{user}").route(put().to(channels::put_member)).route(delete().to(channels::remove_member)))
        .service(resource("/channels/{channel}/messages").route(get().to(messages::page)).route(post().to(messages::send)))
        .service(resource("/channels/{channel}/messages/{message}").route(get().to(messages::read)).route(patch().to(messages::edit)).route(delete().to(messages::delete)))
        .service(resource("/channels/{channel}/events").route(get().to(events::read)))
        .service(resource("/channels/{channel}/read").route(put().to(acks::mark_read)))
        .service(resource("/channels/{channel}/receipts").route(get().to(acks::receipts)))
        .service(resource("/commands").route(post().to(commands::submit)))
        .service(resource("/ws/ticket").route(post().to(live::ticket)))
        .service(resource("/ws").route(get().to(ws::connect)))
        .service(resource("/limits").route(get().to(limits::show)))
        .default_service(web::to(nothing_here));
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
