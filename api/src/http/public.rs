//! Answers that are the same for everyone and change with the version or the settings alone: caches may keep them for a while, and ask
//! afterwards whether they are still right.

use std::{
    hash::{DefaultHasher, Hasher},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ETag, EntityTag, IfNoneMatch},
};
use bytes::Bytes;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// The content, or that it is the one the client has.
pub(super) fn shown(
    request: &HttpRequest,
    content_type: &'static str,
    keep: Duration,
    content: impl Into<Bytes>,
) -> HttpResponse {
    let content = content.into();
    let tag = tag(&content);
    let known = match header::Header::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let seconds = u32::try_from(keep.as_secs()).unwrap_or(u32::MAX);
    answer
        .insert_header(CacheControl(vec![
            CacheDirective::Public,
            CacheDirective::MaxAge(seconds),
        ]))
        .insert_header(ETag(tag));
    if known {
        return answer.finish();
    }
    answer.insert_header((header::CONTENT_TYPE, content_type)).body(content)
}

/// Told apart are versions of one thing, not things that somebody made alike.
fn tag(content: &[u8]) -> EntityTag {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    EntityTag::new_weak(format!("{:016x}", hasher.finish()))
}
