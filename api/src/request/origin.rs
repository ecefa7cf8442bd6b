//! Which web pages may use the service. Browsers name the page's origin and cannot lie about it; other clients send none and need none.
//! Pages of other origins are refused whatever they ask, so that no page rides on what a browser or its network may reach.

use actix_cors::Cors;
use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web,
};

use super::{IDEMPOTENCY_KEY_HEADER, app, body::declared_as_json};
use crate::{
    app::App,
    position::POSITION_HEADER,
    problem::{Problem, REQUEST_ID_HEADER, codes},
    settings::{Profile, Settings},
};

/// How long a browser remembers what it may send. Two hours is the most that any of them takes.
const PREFLIGHT_SECONDS: usize = 7_200;
/// What pages may send besides what browsers always let them.
const SENT: [&str; 8] = [
    "authorization",
    "content-type",
    "dpop",
    "if-match",
    "if-none-match",
    "last-event-id",
    IDEMPOTENCY_KEY_HEADER,
    REQUEST_ID_HEADER,
];
/// What pages may read besides what browsers always let them.
const READ: [&str; 8] = [
    "allow",
    "etag",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "www-authenticate",
    POSITION_HEADER,
    REQUEST_ID_HEADER,
];
/// Where the refresh cookie is set, sent or taken away: the only routes whose answers pages may ask for with their cookies.
const WITH_COOKIES: [&str; 5] = [
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/password",
];

/// Answers browsers that ask which pages may use us, and refuses the pages that may not.
pub fn cors(app: &web::Data<App>) -> Cors {
    let app = app.clone();
    Cors::default()
        .allowed_origin_fn(move |origin, request| {
            let origin = origin.to_str().unwrap_or_default();
            allowed(origin, host(request.headers()), &app.settings)
        })
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers(SENT)
        .expose_headers(READ)
        .max_age(PREFLIGHT_SECONDS)
        .block_on_origin_mismatch(true)
}

/// On the routes of cookies a page that may read the answer may also send its cookies.
pub(super) fn allow_credentials(headers: &mut HeaderMap, route: Option<&str>) {
    let with_cookies = route.is_some_and(|route| WITH_COOKIES.contains(&route));
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        // Nobody asked, so nobody needs to know.
        headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    } else if with_cookies {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
}

/// Whether the page that sends this request, if it is one, is ours or allowed by the settings.
pub fn origin_allowed(request: &HttpRequest) -> bool {
    let mut origins = request.headers().get_all(header::ORIGIN);
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return true,
        (Some(origin), None) => origin.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return false,
    };
    app(request).is_ok_and(|app| allowed(origin, host(request.headers()), &app.settings))
}

/// Refuses what a page of another site may have made a browser send with our cookie on it: whatever comes from an origin that is not
/// allowed, whatever the browser says to come from another site, and everything that is not JSON, which forms cannot send.
pub(super) fn sent_by_our_pages(request: &HttpRequest) -> Result<(), Problem> {
    let headers = request.headers();
    let refused = || Problem::new(&codes::ORIGIN_REFUSED);
    if !origin_allowed(request) {
        return Err(refused());
    }
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    let named = headers.contains_key(header::ORIGIN);
    let near = match site.map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => true,
        // Another origin of the same site, and a page that does not say which: only those that are named may.
        Some(b"same-site") => named,
        Some(_) => false,
    };
    if !near {
        return Err(refused());
    }
    declared_as_json(request)
}

fn host(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST);
    host.and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn allowed(origin: &str, host: &str, settings: &Settings) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let named = |allowed: &String| allowed == origin;
    if settings.allowed_origins.iter().any(named) || settings.public_origin.as_ref().is_some_and(named) {
        return true;
    }
    let same_host = !host.is_empty() && authority.eq_ignore_ascii_case(host);
    match settings.profile {
        Profile::Dev => same_host && matches!(scheme, "http" | "https") || scheme == "http" && is_local(authority),
        Profile::Production => same_host && scheme == "https" && settings.serves_host(host),
    }
}

/// Development servers run on another port of the same machine.
fn is_local(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    matches!(host, "localhost" | "127.0.0.1") && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http,
        request::Access,
        settings::{production_with, settings_of},
    };

    #[test]
    fn our_own_origin_and_the_named_ones_are_allowed() {
        let settings = settings_of(&[("VERBATIM_ALLOWED_ORIGINS", "https://chat.example.org")]);
        assert!(allowed("https://chat.example.org", "api.example.org", &settings));
        assert!(allowed("https://api.example.org", "api.example.org", &settings));
        assert!(allowed("http://localhost:5173", "api.example.org", &settings));
        assert!(allowed("http://127.0.0.1:5173", "api.example.org", &settings));
    }

    #[test]
    fn strangers_and_look_alikes_are_refused() {
        let settings = settings_of(&[("VERBATIM_ALLOWED_ORIGINS", "https://chat.example.org")]);
        for origin in [
            "https://evil.example",
            "https://chat.example.org.evil.example",
            "https://chat.example.org:444",
            "http://chat.example.org",
            "http://localhost.evil.example",
            "http://localhost:x",
            "https://localhost:5173",
            "file://api.example.org",
            "null",
            "",
        ] {
            assert!(!allowed(origin, "api.example.org", &settings), "{origin}");
        }
        assert!(!allowed("http://", "", &settings));
    }

    #[test]
    fn in_production_the_local_machine_is_a_stranger_and_our_own_pages_are_encrypted() {
        let settings = production_with(&[("VERBATIM_ALLOWED_ORIGINS", "https://web.example.org")]);
        let host = "chat.example.org";
        assert!(allowed("https://chat.example.org", host, &settings));
        assert!(allowed("https://web.example.org", host, &settings));
        for origin in [
            "http://localhost:5173",
            "http://chat.example.org",
            "https://evil.example",
        ] {
            assert!(!allowed(origin, host, &settings), "{origin}");
        }
        assert!(!allowed("https://evil.example", "evil.example", &settings));
    }

    #[test]
    fn every_route_that_takes_a_cookie_may_be_asked_with_one() {
        for route in http::all().filter(|route| route.access == Access::Cookie) {
            assert!(WITH_COOKIES.contains(&route.path), "{}", route.path);
        }
    }
}
