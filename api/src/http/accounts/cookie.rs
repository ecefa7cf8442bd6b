//! The cookie that holds the refresh token: out of reach of scripts, of other hosts, of other sites' requests and of plain HTTP. No answer's
//! body ever holds the token.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};

use crate::{app::App, auth::Issued, request::now, settings::Profile};

/// The prefix makes browsers insist on `Secure`, on `Path=/` and on our very host.
const NAME: &str = "__Host-verbatim_refresh";
/// For a developer's machine without TLS, where browsers would not keep the other.
const PLAIN_NAME: &str = "verbatim_refresh";

/// The token, to be kept until it ends.
pub(super) fn keeping(app: &App, request: &HttpRequest, issued: &Issued) -> Cookie<'static> {
    let left = (issued.expires_at - now()).num_seconds().max(0);
    cookie(app, request, issued.text.clone(), Duration::seconds(left))
}

/// In place of the token, so that browsers forget it.
pub(super) fn forgetting(app: &App, request: &HttpRequest) -> Cookie<'static> {
    cookie(app, request, String::new(), Duration::ZERO)
}

/// The token that came with the request. Of two cookies with one name, one is not ours.
pub(super) fn presented(app: &App, request: &HttpRequest) -> Option<String> {
    let name = name(app, request);
    let cookies = request.cookies().ok()?;
    let mut ours = cookies.iter().filter(|cookie| cookie.name() == name);
    match (ours.next(), ours.next()) {
        (Some(cookie), None) => Some(cookie.value().to_owned()),
        (None | Some(_), _) => None,
    }
}

fn cookie(app: &App, request: &HttpRequest, value: String, max_age: Duration) -> Cookie<'static> {
    Cookie::build(name(app, request), value)
        .path("/")
        .http_only(true)
        .secure(!is_plain(app, request))
        .same_site(SameSite::Strict)
        .max_age(max_age)
        .finish()
}

fn name(app: &App, request: &HttpRequest) -> &'static str {
    if is_plain(app, request) { PLAIN_NAME } else { NAME }
}

fn is_plain(app: &App, request: &HttpRequest) -> bool {
    app.settings.profile == Profile::Dev && request.connection_info().scheme() != "https"
}
