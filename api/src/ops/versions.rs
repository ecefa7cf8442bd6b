//! Which version of a message a change is meant for: the `If-Match` header, the `expected_version` of the body, or both when they agree.

use super::fields::Fields;
use crate::problem::Problem;

/// The version a change expects, said in either way or not at all.
pub(crate) fn expected(if_match: Option<&str>, in_body: Option<u16>) -> Result<Option<u16>, Problem> {
    let mut fields = Fields::default();
    let header = fields.optional("If-Match", if_match, entity_tag);
    if let (Some(Some(Some(header))), Some(body)) = (header, in_body)
        && header != body
    {
        fields.refuse("/expected_version", "If-Match names another version");
    }
    fields.finish(header.map(|header| header.flatten().or(in_body)))
}

/// `ETag` of a message at a version.
pub(crate) fn etag(version: u16) -> String {
    format!("\"{version}\"")
}

/// One entity tag, strong or weak, or `*` for any version.
fn entity_tag(text: &str) -> Result<Option<u16>, &'static str> {
    let text = text.trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    version
        .and_then(|version| version.parse().ok())
        .map(Some)
        .ok_or("must be one version in quotes, as ETag has it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_can_be_expected_in_either_way() {
        assert_eq!(expected(None, None).expect("valid"), None);
        assert_eq!(expected(None, Some(2)).expect("valid"), Some(2));
        for tag in ["\"3\"", "W/\"3\"", " \"3\" "] {
            assert_eq!(expected(Some(tag), None).expect("valid"), Some(3), "{tag}");
        }
        assert_eq!(expected(Some("*"), Some(4)).expect("valid"), Some(4));
    }

    #[test]
    fn two_ways_must_agree() {
        assert_eq!(expected(Some("\"3\""), Some(3)).expect("valid"), Some(3));
        assert!(expected(Some("\"3\""), Some(4)).is_err());
    }

    #[test]
    fn anything_but_one_version_is_refused() {
        for wrong in ["3", "\"\"", "\"x\"", "\"1\", \"2\"", "\"70000\"", ""] {
            assert!(expected(Some(wrong), None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_we_send_we_understand() {
        assert_eq!(expected(Some(&etag(12)), None).expect("valid"), Some(12));
    }
}
