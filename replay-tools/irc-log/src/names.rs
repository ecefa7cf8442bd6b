//! Names that Verbatim accepts for nicknames that it would not. The same nick gives the same names in every run and on every machine.
//! Whether a handle is taken is not known here.

/// Bounds of a handle and of a display name, as published by Verbatim.
const HANDLE_CHARS_MAX: usize = 32;
const DISPLAY_NAME_CHARS_MAX: usize = 64;
/// `-` and eight hexadecimal digits.
const TAIL_CHARS: usize = 9;

/// A valid handle (3 to 32 of `a-z 0-9 _ . -`, starting with a letter or digit): what can be kept of the nick, then `-` and eight
/// hexadecimal digits of a hash of the whole nick. Nicks that look alike, or differ in case only, get different handles.
pub fn handle_for(nick: &str) -> String {
    let kept = nick
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    let head: String = kept
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(HANDLE_CHARS_MAX - TAIL_CHARS)
        .collect();
    let head = if head.is_empty() { "nick" } else { &head };
    let hash = fnv1a(nick.as_bytes());
    // Both halves of the hash take part in the eight digits.
    format!("{head}-{:08x}", (hash >> 32) as u32 ^ hash as u32)
}

/// A valid display name: the nick on one line, cut at 64 characters; a nick of nothing visible is called `nobody`.
pub fn display_name_for(nick: &str) -> String {
    let shown: String = nick
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(DISPLAY_NAME_CHARS_MAX)
        .collect();
    let shown = shown.trim();
    if shown.is_empty() {
        "nobody".to_owned()
    } else {
        shown.to_owned()
    }
}

/// FNV-1a with 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): written out, since a hash that a library may change would rename everyone.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_valid(handle: &str) -> bool {
        (3..=32).contains(&handle.len())
            && handle.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && handle
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
    }

    #[test]
    fn the_hash_is_that_of_its_authors() {
        // Test vectors of the FNV authors.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_nick_gets_a_valid_handle() {
        for nick in [
            "ann",
            "",
            "_",
            "___",
            "-x-",
            "starscream[2",
            "Guard] [an",
            "\u{fffd}\u{fffd}",
            "ÄÖÜ",
            &"x".repeat(200),
            "\0",
        ] {
            assert!(is_valid(&handle_for(nick)), "{nick:?} became {:?}", handle_for(nick));
        }
    }

    #[test]
    fn a_handle_never_changes() {
        assert_eq!(handle_for("Ann"), "ann-666d9001");
    }

    #[test]
    fn nicks_that_look_alike_get_different_handles() {
        let nicks = ["ann", "Ann", "ann_", "ann[", "ann]", "ann ", "[ann]"];
        let handles: std::collections::HashSet<_> = nicks.iter().map(|nick| handle_for(nick)).collect();
        assert_eq!(handles.len(), nicks.len());
    }

    #[test]
    fn every_nick_gets_a_display_name_of_one_line() {
        assert_eq!(display_name_for(" Alex[RM-UK] "), "Alex[RM-UK]");
        assert_eq!(display_name_for("a\u{7}b\n"), "ab");
        assert_eq!(display_name_for(" \t"), "nobody");
        assert_eq!(display_name_for(&"é".repeat(80)).chars().count(), 64);
    }
}
