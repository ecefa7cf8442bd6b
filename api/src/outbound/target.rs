//! What an address must look like before anything is looked up.

use url::{Host, Url};

use super::{Refused, addresses::is_public};

/// Longer ones are nobody's well-known address.
const URL_BYTES_MAX: usize = 2_048;

/// How far a fetch may go, by who chose the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Somebody outside: public addresses, at the one port of https.
    Anywhere,
    /// The operator: public addresses, at any port.
    Configured,
    /// The operator, who says that it may be a private one. Redirects are not followed from there.
    Private,
}

/// The parser has brought hosts into their one form by now: decimal, octal and hexadecimal IPv4 addresses are addresses, not names.
pub(super) fn check(url: &Url, reach: Reach) -> Result<(), Refused> {
    let anonymous = url.username().is_empty() && url.password().is_none();
    if url.scheme() != "https" || !anonymous || url.as_str().len() > URL_BYTES_MAX {
        return Err(Refused::Address);
    }
    if reach == Reach::Anywhere && url.port().is_some() {
        return Err(Refused::Address);
    }
    let public = match url.host() {
        None => return Err(Refused::Address),
        // Looked up, and checked, when it is connected to.
        Some(Host::Domain(name)) => !name.is_empty(),
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
    };
    if public || reach == Reach::Private {
        Ok(())
    } else {
        Err(Refused::NotPublic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), Refused> {
        check(&Url::parse(text).expect(text), Reach::Anywhere)
    }

    #[test]
    fn private_addresses_are_seen_through_every_notation() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "1２7.0.0.1",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "0",
            "0.0.0.0",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[2001:0:53aa:64c:0:0:80ff:fffe]",
        ] {
            assert_eq!(checked(&format!("https://{host}/x")), Err(Refused::NotPublic), "{host}");
        }
    }

    #[test]
    fn only_plain_https_addresses_are_taken() {
        for text in [
            "http://example.org/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "data:text/plain,x",
            "https://user@example.org/",
            "https://user:secret@example.org/",
            "https://:secret@example.org/",
            "https://example.org:8443/",
            "https://example.org:22/",
            "https://example.org:80/",
        ] {
            assert_eq!(checked(text), Err(Refused::Address), "{text}");
        }
        let long = format!("https://example.org/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(checked(&long), Err(Refused::Address));
        for text in [
            "https://example.org/",
            "https://example.org:443/x?y",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
        ] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_operator_may_choose_the_port_and_only_on_purpose_a_private_address() {
        let at_port = Url::parse("https://id.example.org:8443/keys").expect("an address");
        assert_eq!(check(&at_port, Reach::Configured), Ok(()));
        let private = Url::parse("https://10.0.0.7:8443/keys").expect("an address");
        assert_eq!(check(&private, Reach::Configured), Err(Refused::NotPublic));
        assert_eq!(check(&private, Reach::Private), Ok(()));
        let plain = Url::parse("http://10.0.0.7/keys").expect("an address");
        assert_eq!(check(&plain, Reach::Private), Err(Refused::Address));
    }
}
