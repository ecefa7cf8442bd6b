//! Which web pages may open sockets. Browsers name the page's origin and cannot lie about it; other clients send none and need none.

use actix_web::{HttpRequest, http::header, web};

use super::body::declared_as_json;
use crate::{
    app::App,
    problem::{Problem, codes},
    settings::{Profile, Settings},
};

/// Whether the page that sends this request, if it is one, is ours or allowed by the settings.
pub fn origin_allowed(request: &HttpRequest) -> bool {
    let mut origins = request.headers().get_all(header::ORIGIN);
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return true,
        (Some(origin), None) => origin.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return false,
    };
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    request
        .app_data::<web::Data<App>>()
        .is_some_and(|app| allowed(origin, host, &app.settings))
}

/// Whether a request that a browser may have put a cookie of ours on was made by a page of ours, or by no page at all. Pages cannot send
/// JSON elsewhere without asking first, cannot lie about their origin, and browsers say how far it is from ours.
pub(super) fn sent_by_our_pages(request: &HttpRequest) -> Result<(), Problem> {
    declared_as_json(request)?;
    let near = request
        .headers()
        .get_all("sec-fetch-site")
        .all(|site| ["same-origin", "same-site", "none"].iter().any(|near| site == near));
    if near && origin_allowed(request) {
        Ok(())
    } else {
        Err(Problem::new(&codes::ORIGIN_REFUSED))
    }
}

fn allowed(origin: &str, host: &str, settings: &Settings) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    if settings.allowed_origins.iter().any(|allowed| allowed == origin) {
        return true;
    }
    let same_host = !host.is_empty() && authority.eq_ignore_ascii_case(host) && matches!(scheme, "http" | "https");
    same_host || (settings.profile == Profile::Dev && scheme == "http" && is_local(authority))
}

/// Development servers run on another port of the same machine.
fn is_local(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    matches!(host, "localhost" | "127.0.0.1") && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::settings_of;

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
    fn in_production_the_local_machine_is_a_stranger() {
        let settings = settings_of(&[("VERBATIM_PROFILE", "production"), ("VERBATIM_DATA_DIR", "data")]);
        assert!(!allowed("http://localhost:5173", "api.example.org", &settings));
    }
}
