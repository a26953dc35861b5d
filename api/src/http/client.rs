//! Which address a request comes from, when proxies stand between.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderName},
};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address a request comes from, as far as it can be believed.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Reads it from the connection, and from what proxies on it that are trusted have added.
    #[must_use]
    pub fn read(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<Self> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        let forwarded = headers.get_all(FORWARDED_FOR).into_iter();
        let forwarded: Vec<&str> = forwarded
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        Some(Self(believe(peer.ip().to_canonical(), &forwarded, trusted)))
    }

    /// That of this request; absent when the router is driven without a connection.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get::<Self>().map(|Self(address)| *address)
    }
}

/// Every proxy writes down whom it heard from, at the end. So the list is believed from its end for as long as those who wrote
/// it are trusted: what a client wrote before stays unread.
fn believe(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut believed = peer;
    for entry in forwarded.iter().rev() {
        if !trusted.iter().any(|network| network.contains(&believed)) {
            break;
        }
        let Some(address) = address(entry.trim()) else {
            break;
        };
        believed = address;
    }
    believed
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = bracketed.unwrap_or(text).parse().or_else(|_| with_port());
    address.ok().map(|address| address.to_canonical())
}

/// A network, or one address.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| one())
        .map_err(|_| format!("`{text}` is neither an address nor a network such as 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let trusted = ["10.0.0.0/8", "2001:db8::1"].map(|text| parse_network(text).unwrap());
        let forwarded: Vec<&str> = forwarded.split(',').collect();
        believe(peer.parse::<IpAddr>().unwrap().to_canonical(), &forwarded, &trusted).to_string()
    }

    #[test]
    fn the_list_is_believed_for_as_long_as_its_writers_are() {
        for (peer, forwarded, client) in [
            ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
            ("10.0.0.1", "203.0.113.7, 10.9.9.9", "203.0.113.7"),
            // What the client wrote itself.
            ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "unknown", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.7, unknown, 10.9.9.9", "10.9.9.9"),
            ("10.0.0.1", "10.2.2.2,10.3.3.3", "10.2.2.2"),
            ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::1", "[2001:db8::7]:4711", "2001:db8::7"),
            ("2001:db8::1", "[2001:db8::7]", "2001:db8::7"),
            // A socket that listens on both families.
            ("::ffff:10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(seen(peer, forwarded), client, "{forwarded} through {peer}");
        }
    }

    #[test]
    fn a_network_is_an_address_or_a_prefix() {
        assert_eq!(parse_network("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        assert!(parse_network("10.0.0.0/33").is_err());
        assert!(parse_network("proxy.example").is_err());
    }
}
