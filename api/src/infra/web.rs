//! Pages of the world outside, read once for what somebody placed on them.
//!
//! An address comes from whoever likes to give one, so it must lead nowhere that only this machine can reach: http and https on
//! their own ports, public addresses only. A name is resolved once, everything it stands for must be public, and the connection
//! goes to what was checked. The same again for every redirect.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{Client, StatusCode, header, redirect::Policy};
use tokio::{net::lookup_host, time::timeout};
use url::{Host, Url};

/// Longer nobody waits for a page, redirects included.
const PATIENCE: Duration = Duration::from_secs(5);
/// A page is read so far.
pub const MAX_BYTES: usize = 512 * 1024;
const MAX_REDIRECTS: usize = 3;
/// Addresses that a name may stand for.
const MAX_ADDRESSES: usize = 32;
/// Says who asks, and where to complain.
const USER_AGENT: &str = concat!("Tributary/", env!("CARGO_PKG_VERSION"), " (channel verification)");

/// Why a page could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// It leads where nobody may be led.
    #[error("{0}")]
    NotAllowed(&'static str),
    #[error("{0}")]
    Unreachable(String),
}

#[async_trait]
pub trait Web: Send + Sync {
    /// The text of a page, as far as it is read.
    async fn read(&self, address: &str) -> Result<String, WebError>;
}

/// The world itself.
pub struct WorldWide;

impl WorldWide {
    async fn follow(&self, address: &str) -> Result<String, WebError> {
        let mut url = Url::parse(address).map_err(|_| WebError::NotAllowed("this is no address"))?;
        for _ in 0..=MAX_REDIRECTS {
            match ask(&url).await? {
                Answer::Page(text) => return Ok(text),
                Answer::Elsewhere(place) => {
                    url = url
                        .join(&place)
                        .map_err(|_| WebError::Unreachable("it redirects to no address".to_owned()))?;
                }
            }
        }
        Err(WebError::Unreachable(format!(
            "it redirects more than {MAX_REDIRECTS} times"
        )))
    }
}

#[async_trait]
impl Web for WorldWide {
    async fn read(&self, address: &str) -> Result<String, WebError> {
        match timeout(PATIENCE, self.follow(address)).await {
            Ok(answer) => answer,
            Err(_) => Err(WebError::Unreachable("it did not answer in five seconds".to_owned())),
        }
    }
}

enum Answer {
    Page(String),
    Elsewhere(String),
}

/// What a library says is for the log only.
fn unreachable(error: impl std::fmt::Display) -> WebError {
    tracing::debug!(%error, "a page was not read");
    WebError::Unreachable("it could not be reached".to_owned())
}

/// What may be asked at all, before any name is resolved.
fn check(url: &Url) -> Result<(), WebError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(WebError::NotAllowed("only http and https are read"));
    }
    if url.port().is_some() {
        return Err(WebError::NotAllowed("only the ports of http and https are asked"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WebError::NotAllowed("an address names no user and no password"));
    }
    Ok(())
}

/// The address that is asked: of a name, the first one, when all of them are public.
async fn resolve(url: &Url) -> Result<SocketAddr, WebError> {
    let port = url.port_or_known_default().unwrap_or_default();
    let found: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![SocketAddr::new(IpAddr::V4(address), port)],
        Some(Host::Ipv6(address)) => vec![SocketAddr::new(IpAddr::V6(address), port)],
        Some(Host::Domain(name)) => lookup_host((name, port))
            .await
            .map_err(unreachable)?
            .take(MAX_ADDRESSES)
            .collect(),
        None => Vec::new(),
    };
    if !found.iter().all(|address| is_public(address.ip())) {
        return Err(WebError::NotAllowed("only public addresses are asked"));
    }
    // Most machines speak the older protocol.
    let older = found.iter().find(|address| address.is_ipv4());
    let first = older.or(found.first()).copied();
    first.ok_or_else(|| WebError::Unreachable("its name stands for no address".to_owned()))
}

/// Asks once, at the address that was checked: a client of its own, which knows the name by nothing else.
async fn ask(url: &Url) -> Result<Answer, WebError> {
    check(url)?;
    let at = resolve(url).await?;
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(USER_AGENT)
        .resolve(url.host_str().unwrap_or_default(), at)
        .build()
        .map_err(unreachable)?;
    let asked = client
        .get(url.clone())
        .header(header::ACCEPT, "text/html, text/plain, */*;q=0.1");
    let mut answer = asked.send().await.map_err(unreachable)?;
    let status = answer.status();
    if status.is_redirection() {
        let place = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|place| place.to_str().ok());
        let place = place.ok_or_else(|| WebError::Unreachable("it redirects to nowhere".to_owned()))?;
        return Ok(Answer::Elsewhere(place.to_owned()));
    }
    if status != StatusCode::OK {
        return Err(WebError::Unreachable(format!("it answers {}", status.as_u16())));
    }
    // The beginning of the page; what is behind its bound does not count.
    let mut read = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        let room = MAX_BYTES - read.len();
        read.extend_from_slice(&part[..part.len().min(room)]);
        if read.len() == MAX_BYTES {
            break;
        }
    }
    Ok(Answer::Page(String::from_utf8_lossy(&read).into_owned()))
}

/// Whether an address is anybody's to ask.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        // Shared by carriers, protocol assignments, benchmarks, reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let parts = address.segments();
    // Global unicast, without what leads into IPv4 by another way (Teredo, 6to4), protocol assignments and documentation.
    (parts[0] & 0xe000) == 0x2000
        && parts[0] != 0x2002
        && !(parts[0] == 0x2001 && parts[1] < 0x0200)
        && !(parts[0] == 0x2001 && parts[1] == 0x0db8)
        && (parts[0] & 0xfff0) != 0x3ff0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_anybodys_is_asked() {
        for public in [
            "93.184.216.34",
            "8.8.8.8",
            "2606:2800:220:1:248:1893:25c8:1946",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "192.0.0.8",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "203.0.113.5",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_address_is_plain() {
        let of = |text: &str| check(&Url::parse(text).unwrap());
        assert!(of("https://example.org/a?b").is_ok());
        assert!(of("http://example.org:80/").is_ok());
        for wrong in [
            "ftp://example.org/",
            "file:///etc/passwd",
            "https://example.org:8443/",
            "https://a:b@example.org/",
        ] {
            assert!(matches!(of(wrong), Err(WebError::NotAllowed(_))), "{wrong}");
        }
    }

    #[tokio::test]
    async fn nobody_is_led_home() {
        let web = WorldWide;
        for home in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://localhost/",
            "http://2130706433/",
            "http://0x7f.1/",
        ] {
            assert!(matches!(web.read(home).await, Err(WebError::NotAllowed(_))), "{home}");
        }
    }
}
