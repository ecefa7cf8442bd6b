//! The address a request comes from, for rates and counts by address. It never goes into a log line.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::{HttpMessage, HttpRequest};
use ipnet::IpNet;

/// The address of a request, once it was found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// The client's address: the peer's, or what trusted proxies say. One household on IPv6 counts as one address.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    if let Some(ClientAddress(known)) = request.extensions().get() {
        return *known;
    }
    let peer = request
        .peer_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
    let lines = request.headers().get_all("x-forwarded-for");
    let hops: Vec<&str> = lines.flat_map(|line| hops(line.as_bytes())).collect();
    household(behind(peer, &hops, trusted))
}

/// What one line says, hop by hop. One that is no text stays in its place as a hop that says nothing: proxies append theirs to whatever
/// the client wrote.
fn hops(line: &[u8]) -> impl Iterator<Item = &str> {
    let hops = line.split(|byte| *byte == b',');
    hops.map(|hop| std::str::from_utf8(hop).map_or(NO_ADDRESS, str::trim))
        .filter(|hop| !hop.is_empty())
}

/// As proxies write it that do not know.
const NO_ADDRESS: &str = "unknown";

/// From the last hop towards the first, as long as the one who says so is trusted. Where a trusted one says something that is no
/// address, it answers for it with its own.
fn behind(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer;
    for hop in hops.iter().rev() {
        match written(hop) {
            Some(said) if is_trusted(client) => client = said,
            Some(_) | None => break,
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, in brackets, with the zone of a link.
fn written(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches('"');
    let address = match hop.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']')?;
            let port = rest.strip_prefix(':').unwrap_or("0");
            (rest.is_empty() || rest.starts_with(':')).then_some(())?;
            port.parse::<u16>().ok()?;
            address
        }
        None => match hop.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                port.parse::<u16>().ok()?;
                address
            }
            Some(_) | None => hop,
        },
    };
    let address = address.split_once('%').map_or(address, |(address, _zone)| address);
    address.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Providers hand out IPv6 by /64, so the rest of the address says nothing.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let (proxy, stranger) = (address("10.0.0.1"), address("203.0.113.9"));
        assert_eq!(behind(stranger, &["198.51.100.7"], &trusted), stranger);
        assert_eq!(behind(proxy, &["198.51.100.7"], &trusted), address("198.51.100.7"));
        // The client wrote the first one itself.
        assert_eq!(
            behind(proxy, &["192.0.2.1", "198.51.100.7"], &trusted),
            address("198.51.100.7")
        );
        assert_eq!(
            behind(proxy, &["198.51.100.7", "10.0.0.2"], &trusted),
            address("198.51.100.7")
        );
        assert_eq!(behind(proxy, &["nonsense"], &trusted), proxy);
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (hop, read) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:4711", "198.51.100.7"),
            ("\"198.51.100.7\"", "198.51.100.7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
        ] {
            assert_eq!(written(hop), Some(address(read)), "{hop}");
        }
        for hop in [
            "",
            "unknown",
            "_hidden",
            "198.51.100",
            "198.51.100.7:port",
            "198.51.100.7:99999",
            "0x7f.1",
            "[2001:db8::1",
            "[2001:db8::1]x",
            "[2001:db8::1]:x",
            "198.51.100.7;by=1",
        ] {
            assert_eq!(written(hop), None, "{hop}");
        }
    }

    #[test]
    fn what_is_no_address_is_answered_for_by_who_passed_it_on() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let proxy = address("10.0.0.1");
        assert_eq!(behind(proxy, &["192.0.2.1", "unknown"], &trusted), proxy);
        assert_eq!(
            behind(proxy, &["192.0.2.1", "unknown", "10.0.0.2"], &trusted),
            address("10.0.0.2")
        );
        assert_eq!(
            behind(proxy, &["nonsense", "198.51.100.7:80"], &trusted),
            address("198.51.100.7")
        );
    }

    #[test]
    fn a_hop_that_is_no_text_hides_none_behind_it() {
        let said: Vec<&str> = hops(b"\xe9, 203.0.113.5 ,,198.51.100.7").collect();
        assert_eq!(said, [NO_ADDRESS, "203.0.113.5", "198.51.100.7"]);
    }

    #[test]
    fn an_ipv6_household_is_one_address() {
        assert_eq!(
            household(address("2001:db8:1:2:3:4:5:6")),
            household(address("2001:db8:1:2::9"))
        );
        assert_ne!(
            household(address("2001:db8:1:2::9")),
            household(address("2001:db8:1:3::9"))
        );
    }
}
