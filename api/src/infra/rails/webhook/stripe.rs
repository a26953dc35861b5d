//! Stripe's events: a MAC over time and body, perhaps by several secrets while one takes another's place.

use std::{fmt, sync::Arc};

use axum::http::HeaderMap;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{About, Event, WebhookError, header, unhex};
use crate::infra::{
    clock::Clock,
    rails::stripe::{onboarding, wire},
};

pub const SIGNATURE_HEADER: &str = "stripe-signature";
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(300);
/// Signatures of one event that are looked at.
const MAX_SIGNATURES: usize = 16;

pub struct StripeWebhooks {
    /// The whole text, `whsec_` included.
    secret: String,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for StripeWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StripeWebhooks(…)")
    }
}

impl StripeWebhooks {
    #[must_use]
    pub fn new(secret: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            secret: secret.to_owned(),
            clock,
        }
    }

    pub fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Event, WebhookError> {
        self.prove(header(headers, SIGNATURE_HEADER)?, body)?;
        let json: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("JSON"))?;
        let text = |name: &'static str| {
            let text = json.get(name).and_then(Value::as_str);
            text.ok_or(WebhookError::Unreadable(name))
        };
        let (id, kind) = (text("id")?, text("type")?);
        let object = json.pointer("/data/object");
        let object = object.ok_or(WebhookError::Unreadable("data.object"))?;
        let about = if kind.starts_with("transfer.") {
            About::Item(wire::item(object).ok_or(WebhookError::Unreadable("transfer"))?)
        } else if kind == "account.updated" {
            About::Account(onboarding::account(object).ok_or(WebhookError::Unreadable("account"))?)
        } else {
            About::Nothing
        };
        Ok(Event {
            id: id.to_owned(),
            kind: kind.to_owned(),
            about,
        })
    }

    fn prove(&self, signature: &str, body: &[u8]) -> Result<(), WebhookError> {
        let parts = || signature.split(',').filter_map(|part| part.trim().split_once('='));
        let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time);
        let time = time.ok_or(WebhookError::BadSignature)?;
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_err(|_| WebhookError::BadSignature)?;
        let mac = mac.chain_update(time.as_bytes()).chain_update(b".").chain_update(body);
        let given = parts().filter(|(name, _)| *name == "v1").take(MAX_SIGNATURES);
        // Each in constant time; any of them will do.
        let is_proved = given
            .filter_map(|(_, given)| unhex(given))
            .any(|given| mac.clone().verify_slice(&given).is_ok());
        if !is_proved {
            return Err(WebhookError::BadSignature);
        }
        let signed_at: i64 = time.parse().map_err(|_| WebhookError::BadSignature)?;
        let off = self.clock.now().timestamp().saturating_sub(signed_at).saturating_abs();
        if off > TOLERANCE.num_seconds() {
            return Err(WebhookError::Stale);
        }
        Ok(())
    }
}
