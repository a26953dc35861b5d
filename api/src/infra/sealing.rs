//! Sealing: what must not be read by whoever has only the database (accounts of partners, credentials of rails).
//!
//! A sealed text is `1.KEY.BASE64URL(nonce ‖ ciphertext)`: XChaCha20-Poly1305 with a random nonce of 24 bytes. Bound to it, as
//! associated data, are the key's id and the [`Place`] it stands in, so that a text copied into another row does not open.
//! The first key of a ring seals, every one opens; `tributary encryption rotate` seals anew what another one sealed.
//! `docs/decisions/0028`.

use std::{collections::BTreeSet, fmt};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::{error::Fault, idempotency::hex, ids::Ids};

/// The form of sealed texts.
const VERSION: &str = "1";
const NONCE_LEN: usize = 24;
const KEY_LEN: usize = 32;
const MAX_KEY_ID_LEN: usize = 32;
/// What ids of keys that the installation derives for itself begin with.
const DERIVED: &str = "secret-";
/// Keys of a ring: each is one more that may have leaked.
pub const MAX_KEYS: usize = 10;

/// Why a sealed text does not open. Begins with a stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("ENCRYPTION_KEY_MISSING: it was sealed under the key `{0}`, which is not among --encryption-keys")]
    KeyMissing(String),
    #[error(
        "ENCRYPTION_KEY_WRONG: the key that goes by `{0}` does not open it: another one had this id, or it was altered"
    )]
    KeyWrong(String),
    #[error("SEALED_TEXT_INVALID: it is not a sealed text of a form that this program knows")]
    Malformed,
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        Self::new(error)
    }
}

/// Where a sealed text stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub table: &'static str,
    pub column: &'static str,
    pub row: Uuid,
}

/// One key, and what is derived of it. Never printed.
#[derive(Clone)]
pub struct EncryptionKey {
    id: String,
    cipher: XChaCha20Poly1305,
    fingerprint: [u8; KEY_LEN],
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.id)
    }
}

impl EncryptionKey {
    /// Reads `ID:KEY`, 32 bytes in base64. What is wrong is said without the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (id, key) = text
            .split_once(':')
            .ok_or("must have the form ID:KEY, the key being 32 bytes in base64")?;
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > MAX_KEY_ID_LEN || !id.bytes().all(is_sign) {
            return Err(format!(
                "must have ids of 1 to {MAX_KEY_ID_LEN} lower-case letters, digits or hyphens"
            ));
        }
        if id.starts_with(DERIVED) {
            return Err(format!("must not have an id that begins with {DERIVED}"));
        }
        let bytes: [u8; KEY_LEN] = STANDARD
            .decode(key.trim())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| format!("must have {KEY_LEN} bytes in base64 behind `{id}:`"))?;
        Self::new(id.to_owned(), &bytes).map_err(|fault| fault.to_string())
    }

    /// A key that the installation derives of a secret; `name` tells the secrets apart.
    pub fn derived(name: &str, bytes: &[u8; KEY_LEN]) -> Result<Self, Fault> {
        Self::new(format!("{DERIVED}{name}"), bytes)
    }

    fn new(id: String, bytes: &[u8; KEY_LEN]) -> Result<Self, Fault> {
        let hkdf = Hkdf::<Sha256>::new(None, bytes);
        let derive = |purpose: &str| {
            let mut key = [0; KEY_LEN];
            hkdf.expand(purpose.as_bytes(), &mut key)
                .map(|()| key)
                .map_err(Fault::new)
        };
        let cipher = XChaCha20Poly1305::new(&derive("tributary seal v1")?.into());
        let fingerprint = derive("tributary fingerprint v1")?;
        Ok(Self {
            id,
            cipher,
            fingerprint,
        })
    }

    fn prefix(&self) -> String {
        format!("{VERSION}.{}.", self.id)
    }

    fn associated_data(&self, place: Place) -> Vec<u8> {
        let Place { table, column, row } = place;
        format!("{VERSION}\0{}\0{table}\0{column}\0{row}", self.id).into_bytes()
    }

    fn fingerprint(&self, purpose: &str, text: &str) -> Result<String, Fault> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.fingerprint).map_err(Fault::new)?;
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(text.as_bytes());
        Ok(hex(&mac.finalize().into_bytes()))
    }
}

/// The keys of an installation, of which the first seals.
#[derive(Clone, Debug)]
pub struct KeyRing {
    first: EncryptionKey,
    others: Vec<EncryptionKey>,
}

impl KeyRing {
    /// Of two keys with one id the first counts.
    #[must_use]
    pub fn new(first: EncryptionKey, others: impl IntoIterator<Item = EncryptionKey>) -> Self {
        let mut seen = BTreeSet::from([first.id.clone()]);
        let others = others.into_iter().filter(|key| seen.insert(key.id.clone())).collect();
        Self { first, others }
    }

    /// Keys as they are configured: at most [`MAX_KEYS`], and no two with one id.
    pub fn parse(keys: &[String]) -> Result<Vec<EncryptionKey>, String> {
        if keys.len() > MAX_KEYS {
            return Err(format!("may be at most {MAX_KEYS}"));
        }
        let keys: Vec<EncryptionKey> = keys
            .iter()
            .map(|text| EncryptionKey::parse(text))
            .collect::<Result<_, _>>()?;
        let ids: BTreeSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        if ids.len() < keys.len() {
            return Err("must not have two keys with the same id".to_owned());
        }
        Ok(keys)
    }

    fn all(&self) -> impl Iterator<Item = &EncryptionKey> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn sealing_id(&self) -> &str {
        &self.first.id
    }

    /// What every text that the first key sealed begins with.
    #[must_use]
    pub fn sealed_prefix(&self) -> String {
        self.first.prefix()
    }

    /// Seals a text for its place.
    pub fn seal(&self, ids: &Ids, place: Place, text: &str) -> Result<String, Fault> {
        let nonce: [u8; NONCE_LEN] = ids.secret();
        let aad = self.first.associated_data(place);
        let payload = Payload {
            msg: text.as_bytes(),
            aad: &aad,
        };
        let sealed = self
            .first
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(Fault::new)?;
        let body = URL_SAFE_NO_PAD.encode([nonce.as_slice(), sealed.as_slice()].concat());
        Ok(format!("{}{body}", self.first.prefix()))
    }

    /// Opens what one of the keys sealed for this place.
    pub fn open(&self, place: Place, sealed: &str) -> Result<String, OpenError> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(OpenError::Malformed);
        };
        let key = self
            .all()
            .find(|key| key.id == id)
            .ok_or_else(|| OpenError::KeyMissing(id.to_owned()))?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| OpenError::Malformed)?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Malformed)?;
        let aad = key.associated_data(place);
        let text = key
            .cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad })
            .map_err(|_| OpenError::KeyWrong(id.to_owned()))?;
        String::from_utf8(text).map_err(|_| OpenError::Malformed)
    }

    /// What is the same for the same text, and tells nothing of it to whoever has no key. Under the key that seals.
    pub fn fingerprint(&self, purpose: &str, text: &str) -> Result<String, Fault> {
        self.first.fingerprint(purpose, text)
    }

    /// The same under every key, the one that seals first: what was sealed before the last rotation is found by another.
    pub fn fingerprints(&self, purpose: &str, text: &str) -> Result<Vec<String>, Fault> {
        self.all().map(|key| key.fingerprint(purpose, text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: u8) -> EncryptionKey {
        EncryptionKey::parse(&format!("{id}:{}", STANDARD.encode([byte; KEY_LEN]))).unwrap()
    }

    fn place(row: u128) -> Place {
        Place {
            table: "payout_methods",
            column: "details",
            row: Uuid::from_u128(row),
        }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let (ids, ring) = (Ids::seeded(1), KeyRing::new(key("a", 1), []));
        let sealed = ring.seal(&ids, place(1), "DE44 5001").unwrap();
        assert!(sealed.starts_with("1.a.") && !sealed.contains("5001"), "{sealed}");
        assert_eq!(ring.open(place(1), &sealed), Ok("DE44 5001".to_owned()));
        assert_ne!(ring.seal(&ids, place(1), "DE44 5001").unwrap(), sealed);
        let wrong = Err(OpenError::KeyWrong("a".to_owned()));
        assert_eq!(ring.open(place(2), &sealed), wrong);
        let elsewhere = Place {
            column: "masked",
            ..place(1)
        };
        assert_eq!(ring.open(elsewhere, &sealed), wrong);
    }

    #[test]
    fn what_was_altered_does_not_open_and_nothing_panics() {
        let ring = KeyRing::new(key("a", 1), []);
        let sealed = ring.seal(&Ids::seeded(1), place(1), "secret").unwrap();
        let body = &sealed["1.a.".len()..];
        let mut bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let altered = format!("1.a.{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(ring.open(place(1), &altered), Err(OpenError::KeyWrong("a".to_owned())));
            bytes[at] ^= 1;
        }
        for wrong in ["", "1", "1.a", "1.a.", "1.a.!", "1.a.AAAA", "2.a.AAAA", "plain text"] {
            assert_eq!(ring.open(place(1), wrong), Err(OpenError::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn every_key_opens_and_the_first_seals() {
        let ids = Ids::seeded(1);
        let old = KeyRing::new(key("a", 1), []);
        let both = KeyRing::new(key("b", 2), [key("a", 1)]);
        let new = KeyRing::new(key("b", 2), []);
        let (before, after) = (
            old.seal(&ids, place(1), "x").unwrap(),
            both.seal(&ids, place(1), "x").unwrap(),
        );
        assert!(after.starts_with(&both.sealed_prefix()) && !before.starts_with(&both.sealed_prefix()));
        assert_eq!(both.open(place(1), &before), Ok("x".to_owned()));
        assert_eq!(new.open(place(1), &after), Ok("x".to_owned()));
        assert_eq!(new.open(place(1), &before), Err(OpenError::KeyMissing("a".to_owned())));
        let other = KeyRing::new(key("a", 3), []);
        assert_eq!(other.open(place(1), &before), Err(OpenError::KeyWrong("a".to_owned())));
    }

    #[test]
    fn fingerprints_compare_under_one_key_and_for_one_purpose() {
        let (old, both) = (KeyRing::new(key("a", 1), []), KeyRing::new(key("b", 2), [key("a", 1)]));
        let one = old.fingerprint("payout method", "x").unwrap();
        assert_eq!(one.len(), 64);
        assert_eq!(old.fingerprint("payout method", "x").unwrap(), one);
        assert_ne!(old.fingerprint("payout method", "y").unwrap(), one);
        assert_ne!(old.fingerprint("rail", "x").unwrap(), one);
        assert_ne!(both.fingerprint("payout method", "x").unwrap(), one);
        assert_eq!(both.fingerprints("payout method", "x").unwrap()[1], one);
    }

    #[test]
    fn keys_are_checked_and_never_repeated_to_anyone() {
        let good = STANDARD.encode([7; KEY_LEN]);
        let short = STANDARD.encode([7; 31]);
        for wrong in [
            good.clone(),
            format!(":{good}"),
            format!("Key:{good}"),
            format!("secret-1:{good}"),
            format!("{}:{good}", "a".repeat(33)),
            format!("a:{short}"),
            "a:not base64".to_owned(),
        ] {
            let said = EncryptionKey::parse(&wrong).unwrap_err();
            assert!(!said.contains(&good) && !said.contains(&short), "{said}");
        }
        let (a, b) = (format!("a:{good}"), format!("b:{good}"));
        assert_eq!(KeyRing::parse(&[a.clone(), b]).unwrap().len(), 2);
        assert!(KeyRing::parse(&[a.clone(), a.clone()]).is_err());
        assert!(KeyRing::parse(&vec![a; MAX_KEYS + 1]).is_err());
        assert_eq!(format!("{:?}", key("a", 7)), "EncryptionKey(a)");
    }
}
