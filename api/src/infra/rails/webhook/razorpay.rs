//! Razorpay's events: a MAC over the body. None says that a payout was cancelled.

use std::fmt;

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{About, Event, WebhookError, header, unhex};
use crate::infra::rails::razorpay::wire;

pub const SIGNATURE_HEADER: &str = "x-razorpay-signature";
pub const EVENT_ID_HEADER: &str = "x-razorpay-event-id";

pub struct RazorpayWebhooks {
    secret: String,
}

impl fmt::Debug for RazorpayWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RazorpayWebhooks(…)")
    }
}

impl RazorpayWebhooks {
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
        }
    }

    pub fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Event, WebhookError> {
        let signature = header(headers, SIGNATURE_HEADER)?;
        let id = header(headers, EVENT_ID_HEADER)?;
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_err(|_| WebhookError::BadSignature)?;
        let given = unhex(signature).ok_or(WebhookError::BadSignature)?;
        // In constant time.
        mac.chain_update(body)
            .verify_slice(&given)
            .map_err(|_| WebhookError::BadSignature)?;
        let json: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("JSON"))?;
        let kind = json.get("event").and_then(Value::as_str);
        let kind = kind.ok_or(WebhookError::Unreadable("event"))?;
        let payout = json.pointer("/payload/payout/entity");
        let about = match payout {
            Some(payout) if kind.starts_with("payout.") => {
                About::Item(wire::item(payout).ok_or(WebhookError::Unreadable("id and status"))?)
            }
            _ => About::Nothing,
        };
        Ok(Event {
            id: id.to_owned(),
            kind: kind.to_owned(),
            about,
        })
    }
}
