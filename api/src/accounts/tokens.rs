//! Tokens: short signed access tokens, and opaque refresh tokens and keys of which only a hash is kept.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{app::App, error::Fault, idempotency::hex};

/// How long an access token is good for.
pub const ACCESS_MINUTES: i64 = 15;
/// How long a refresh token is good for.
pub const REFRESH_DAYS: i64 = 30;

const ISSUER: &str = "tributary";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
}

/// Signs an access token of a user.
pub fn sign_access(app: &App, user: UserId) -> Result<(String, DateTime<Utc>), Fault> {
    let now = app.clock.now();
    let expires_at = now + TimeDelta::minutes(ACCESS_MINUTES);
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: user.to_string(),
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    let key = EncodingKey::from_secret(&app.keys.access_token);
    let token = encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(Fault::new)?;
    Ok((token, expires_at))
}

/// The user an access token names and when it ends, unless it is forged or expired. The algorithm is pinned.
#[must_use]
pub fn verify_access(app: &App, token: &str) -> Option<(UserId, DateTime<Utc>)> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    // Expiry is checked against the injected clock below.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(&app.keys.access_token);
    let claims = decode::<Claims>(token, &key, &validation).ok()?.claims;
    let expires_at = DateTime::from_timestamp(claims.exp, 0)?;
    (expires_at > app.clock.now()).then_some((claims.sub.parse().ok()?, expires_at))
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
