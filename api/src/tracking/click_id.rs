//! Click ids that prove themselves: version, link, click, time and a MAC over them, in base64url.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::ids::{ClickId, TrackingLinkId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Longest text worth decoding.
pub const MAX_LEN: usize = 128;

const VERSION: u8 = 1;
/// Half of SHA-256: 128 bits cannot be guessed, and the id stays short enough for an address bar.
const MAC_LEN: usize = 16;
const BODY_LEN: usize = 1 + 16 + 16 + 8;

/// A visit through a link, as its id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClickToken {
    pub link: TrackingLinkId,
    pub click: ClickId,
    pub clicked_at: DateTime<Utc>,
}

fn mac(key: &[u8; 32], body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(body);
    Some(mac)
}

/// The text put on the destination's address.
#[must_use]
pub fn sign(key: &[u8; 32], token: &ClickToken) -> Option<String> {
    let mut bytes = Vec::with_capacity(BODY_LEN + MAC_LEN);
    bytes.push(VERSION);
    bytes.extend_from_slice(token.link.0.as_bytes());
    bytes.extend_from_slice(token.click.0.as_bytes());
    bytes.extend_from_slice(&token.clicked_at.timestamp_micros().to_be_bytes());
    let tag = mac(key, &bytes)?.finalize().into_bytes();
    bytes.extend_from_slice(&tag[..MAC_LEN]);
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What a genuine id says; `None` for anything else.
#[must_use]
pub fn verify(key: &[u8; 32], text: &str) -> Option<ClickToken> {
    if text.len() > MAX_LEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    if bytes.len() != BODY_LEN + MAC_LEN || bytes[0] != VERSION {
        return None;
    }
    let (body, tag) = bytes.split_at(BODY_LEN);
    mac(key, body)?.verify_truncated_left(tag).ok()?;
    let micros = i64::from_be_bytes(body[33..41].try_into().ok()?);
    Some(ClickToken {
        link: TrackingLinkId(Uuid::from_slice(&body[1..17]).ok()?),
        click: ClickId(Uuid::from_slice(&body[17..33]).ok()?),
        clicked_at: DateTime::from_timestamp_micros(micros)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_genuine_id_is_read() {
        let key = [7; 32];
        let token = ClickToken {
            link: TrackingLinkId(Uuid::from_u128(1)),
            click: ClickId(Uuid::from_u128(2)),
            clicked_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
        };
        let text = sign(&key, &token).unwrap();
        assert_eq!(verify(&key, &text), Some(token));
        assert_eq!(verify(&[8; 32], &text), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(verify(&key, &URL_SAFE_NO_PAD.encode(&bytes)), None, "byte {at}");
            bytes[at] ^= 1;
        }
        assert_eq!(verify(&key, ""), None);
    }
}
