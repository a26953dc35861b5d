//! What providers send by themselves: proved over the very bytes that came, then read.
//!
//! An event may come twice, late and out of order: whoever takes it in remembers its id, and takes a state that is older than what
//! is known for what it is. An event that nobody here knows is proved like any other and is about nothing.

pub mod paypal;
pub mod razorpay;
pub mod stripe;

use axum::http::HeaderMap;

use super::{Item, stripe::onboarding::Account};

/// One event, proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The provider's, the same in every repetition.
    pub id: String,
    /// In the provider's own words.
    pub kind: String,
    pub about: About,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Item(Item),
    /// Says that items are worth a look, and nothing of any of them.
    Batch {
        provider_id: String,
        state: String,
    },
    Account(Account),
    Nothing,
}

/// Why an event is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("the header {0} is missing, or not of printable characters")]
    MissingHeader(&'static str),
    #[error("the signature is not the provider's")]
    BadSignature,
    /// Signed, but too long ago, or in the future.
    #[error("the signature is too old")]
    Stale,
    #[error("the signature is of a kind that is not known")]
    UnknownAlgorithm,
    #[error("the certificate is not from where the provider keeps its own")]
    CertificateNotAllowed,
    /// The only one that passes by itself.
    #[error("the certificate could not be had: {0}")]
    CertificateUnavailable(String),
    /// Proved, and yet not what an event looks like.
    #[error("the event has no {0}")]
    Unreadable(&'static str),
}

impl WebhookError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "WEBHOOK_HEADER_MISSING",
            Self::BadSignature => "WEBHOOK_SIGNATURE_INVALID",
            Self::Stale => "WEBHOOK_SIGNATURE_STALE",
            Self::UnknownAlgorithm => "WEBHOOK_ALGORITHM_UNKNOWN",
            Self::CertificateNotAllowed => "WEBHOOK_CERTIFICATE_NOT_ALLOWED",
            Self::CertificateUnavailable(_) => "WEBHOOK_CERTIFICATE_UNAVAILABLE",
            Self::Unreadable(_) => "WEBHOOK_UNREADABLE",
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, WebhookError> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value
        .filter(|value| !value.is_empty())
        .ok_or(WebhookError::MissingHeader(name))
}

/// A MAC as it is written; absent when it is no even number of hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}
