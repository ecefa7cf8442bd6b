//! The address a request comes from, for rates and counts by address. It never goes into a log line.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The client's address: the peer's, or what trusted proxies say. One household on IPv6 counts as one address.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|list| list.split(',')).map(str::trim).collect();
    household(behind(peer, &hops, trusted))
}

/// From the last hop towards the first, as long as the one who says so is trusted.
fn behind(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer;
    for hop in hops.iter().rev() {
        let said = hop.parse::<IpAddr>().map(|address| address.to_canonical());
        match said {
            Ok(said) if is_trusted(client) => client = said,
            Ok(_) | Err(_) => break,
        }
    }
    client
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
