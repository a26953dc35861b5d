//! Tokens: short signed access tokens, and opaque refresh tokens and keys of which only a hash is kept.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{app::App, error::Fault, idempotency::hex, keys::Keys};

/// How long an access token is good for.
pub const ACCESS_MINUTES: i64 = 15;
/// How long a refresh token is good for.
pub const REFRESH_DAYS: i64 = 30;

const ISSUER: &str = "tributary";
/// What access tokens are for: a token of ours made for something else opens nothing here.
const AUDIENCE: &str = "tributary-api";
const ALGORITHM: Algorithm = Algorithm::HS256;
/// How far the clock of the process that made a token may be ahead of ours. A token's end knows no such grace.
const MAX_SKEW_SECONDS: i64 = 30;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// The session, so that ending it ends its tokens.
    sid: String,
    iat: i64,
    /// Not good before; we set none, but what says so is held to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
}

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub user: UserId,
    pub session: SessionId,
    pub expires_at: DateTime<Utc>,
}

/// Signs an access token of a user's session.
pub fn sign_access(app: &App, user: UserId, session: SessionId) -> Result<(String, DateTime<Utc>), Fault> {
    let now = app.clock.now();
    let expires_at = now + TimeDelta::minutes(ACCESS_MINUTES);
    let token = sign(&app.keys, &claims(user, session, now, expires_at))?;
    Ok((token, expires_at))
}

/// What an access token says, unless it is forged, expired or made for something else. Whether its session lives is for
/// the caller to ask.
#[must_use]
pub fn verify_access(app: &App, token: &str) -> Option<Access> {
    verify(&app.keys, app.clock.now(), token)
}

fn claims(user: UserId, session: SessionId, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user.to_string(),
        sid: session.to_string(),
        iat: now.timestamp(),
        nbf: None,
        exp: expires_at.timestamp(),
    }
}

fn sign(keys: &Keys, claims: &Claims) -> Result<String, Fault> {
    let header = Header {
        kid: Some(keys.access_token_id.clone()),
        ..Header::new(ALGORITHM)
    };
    encode(&header, claims, &EncodingKey::from_secret(&keys.access_token)).map_err(Fault::new)
}

/// The algorithm is pinned: what the header says of it is compared, never followed. Its key's name chooses among ours.
fn verify(keys: &Keys, now: DateTime<Utc>, token: &str) -> Option<Access> {
    let kid = decode_header(token).ok()?.kid?;
    let key = DecodingKey::from_secret(keys.access_token_named(&kid)?);
    let mut validation = Validation::new(ALGORITHM);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    // Times are checked against the injected clock below.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &key, &validation).ok()?.claims;
    let expires_at = DateTime::from_timestamp(claims.exp, 0)?;
    let latest_start = now.timestamp() + MAX_SKEW_SECONDS;
    let has_begun = claims.iat <= latest_start && claims.nbf.is_none_or(|start| start <= latest_start);
    (has_begun && expires_at > now).then_some(Access {
        user: claims.sub.parse().ok()?,
        session: claims.sid.parse().ok()?,
        expires_at,
    })
}

/// A new opaque token with its prefix, such as `trs_…`.
#[must_use]
pub fn new_opaque(app: &App, prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(app.ids.secret::<32>()))
}

/// What is kept of an opaque token. The tokens have 256 bits of randomness, so a plain hash suffices.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use entity::ids::TypedId;
    use uuid::Uuid;

    use super::*;

    const SECRET: &[u8] = b"a secret of at least 32 characters";

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn access() -> Access {
        Access {
            user: UserId::from_uuid(Uuid::from_u128(1)),
            session: SessionId::from_uuid(Uuid::from_u128(2)),
            expires_at: noon() + TimeDelta::minutes(ACCESS_MINUTES),
        }
    }

    fn good_claims() -> Claims {
        let Access {
            user,
            session,
            expires_at,
        } = access();
        claims(user, session, noon(), expires_at)
    }

    fn header(keys: &Keys) -> Header {
        Header {
            kid: Some(keys.access_token_id.clone()),
            ..Header::new(ALGORITHM)
        }
    }

    fn sign_as(keys: &Keys, header: &Header, claims: &Claims) -> String {
        encode(header, claims, &EncodingKey::from_secret(&keys.access_token)).unwrap()
    }

    #[test]
    fn a_token_says_what_it_was_made_of_until_it_ends() {
        let keys = Keys::derive(SECRET).unwrap();
        let token = sign(&keys, &good_claims()).unwrap();
        assert_eq!(verify(&keys, noon(), &token), Some(access()));
        assert_eq!(verify(&keys, access().expires_at, &token), None);
    }

    #[test]
    fn a_clock_may_be_a_little_ahead() {
        let keys = Keys::derive(SECRET).unwrap();
        let mut early = good_claims();
        early.iat += MAX_SKEW_SECONDS;
        early.nbf = Some(early.iat);
        assert!(verify(&keys, noon(), &sign(&keys, &early).unwrap()).is_some());
    }

    #[test]
    fn a_token_of_another_make_is_refused() {
        let keys = Keys::derive(SECRET).unwrap();
        let other = Keys::derive(b"another secret of 32 characters or more").unwrap();
        assert_ne!(keys.access_token_id, other.access_token_id);
        let good = good_claims();
        let mut elsewhere = good_claims();
        elsewhere.aud = "somewhere-else".to_owned();
        let mut stranger = good_claims();
        stranger.iss = "somebody-else".to_owned();
        let unsigned = {
            let token = sign(&keys, &good).unwrap();
            let none = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, keys.access_token_id));
            let body = token.split('.').nth(1).unwrap();
            format!("{none}.{body}.")
        };
        // An attacker who knows a public key would have us take it for the secret one.
        let confused = {
            let text = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"RS256","kid":"{}"}}"#, keys.access_token_id)),
                sign(&keys, &good).unwrap().split('.').nth(1).unwrap()
            );
            let key = EncodingKey::from_secret(&keys.access_token);
            let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, ALGORITHM).unwrap();
            format!("{text}.{signature}")
        };
        let mut early = good_claims();
        early.nbf = Some(noon().timestamp() + MAX_SKEW_SECONDS + 1);
        let mut from_tomorrow = good_claims();
        from_tomorrow.iat = noon().timestamp() + MAX_SKEW_SECONDS + 1;
        let mut over = good_claims();
        over.exp = noon().timestamp();
        let stronger = Header {
            alg: Algorithm::HS512,
            ..header(&keys)
        };
        for (what, token) in [
            ("audience", sign(&keys, &elsewhere).unwrap()),
            ("issuer", sign(&keys, &stranger).unwrap()),
            ("algorithm", sign_as(&keys, &stronger, &good)),
            ("no algorithm", unsigned),
            ("another kind of key", confused),
            ("not yet", sign(&keys, &early).unwrap()),
            ("made in the future", sign(&keys, &from_tomorrow).unwrap()),
            ("over", sign(&keys, &over).unwrap()),
            ("no key id", sign_as(&keys, &Header::new(ALGORITHM), &good)),
            ("key", sign_as(&other, &header(&keys), &good)),
            ("key and key id", sign(&other, &good).unwrap()),
        ] {
            assert_eq!(verify(&keys, noon(), &token), None, "{what}");
        }
    }
}
