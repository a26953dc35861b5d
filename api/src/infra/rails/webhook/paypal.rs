//! PayPal's events: signed with a certificate that is fetched from PayPal itself, over https, and nowhere else.
//!
//! That the certificate is PayPal's is proved by the host it comes from, as PayPal's own instructions have it, and not by its
//! chain: `docs/decisions/0029`.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, redirect::Policy};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;
use url::Url;
use webpki::{EndEntityCert, ring::RSA_PKCS1_2048_8192_SHA256};

use super::{About, Event, WebhookError, header};
use crate::infra::{clock::Clock, rails::paypal::wire};

pub const ID_HEADER: &str = "paypal-transmission-id";
pub const TIME_HEADER: &str = "paypal-transmission-time";
pub const SIGNATURE_HEADER: &str = "paypal-transmission-sig";
pub const CERTIFICATE_HEADER: &str = "paypal-cert-url";
pub const ALGORITHM_HEADER: &str = "paypal-auth-algo";
pub const ALGORITHM: &str = "SHA256withRSA";
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_CERTIFICATE_BYTES: usize = 64 * 1024;
/// PayPal signs with one or two at a time.
const MAX_KEPT: usize = 16;
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// Which of PayPal's worlds: what the one signs says nothing in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    Live,
    Sandbox,
}

impl World {
    fn hosts(self) -> [&'static str; 2] {
        match self {
            Self::Live => ["api.paypal.com", "api-m.paypal.com"],
            Self::Sandbox => ["api.sandbox.paypal.com", "api-m.sandbox.paypal.com"],
        }
    }
}

/// Where certificates come from: PEM, the signing one first.
#[async_trait]
pub trait Certificates: Send + Sync {
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, String>;
}

/// From where they are, over https.
pub struct FromPayPal(Client);

impl FromPayPal {
    pub fn new() -> Result<Self, String> {
        let client = Client::builder()
            .redirect(Policy::none())
            .https_only(true)
            .timeout(PATIENCE);
        Ok(Self(client.build().map_err(|error| error.to_string())?))
    }
}

#[async_trait]
impl Certificates for FromPayPal {
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, String> {
        let plain = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = self.0.get(url.clone()).send().await.map_err(plain)?;
        if answer.status() != 200 {
            return Err(format!("status {}", answer.status().as_u16()));
        }
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(plain)? {
            if read.len() + part.len() > MAX_CERTIFICATE_BYTES {
                return Err("it is too long".to_owned());
            }
            read.extend_from_slice(&part);
        }
        Ok(read)
    }
}

/// A certificate and when it was fetched.
type Kept = (DateTime<Utc>, CertificateDer<'static>);

pub struct PayPalWebhooks {
    webhook_id: String,
    world: World,
    certificates: Arc<dyn Certificates>,
    clock: Arc<dyn Clock>,
    kept: Mutex<BTreeMap<Url, Kept>>,
}

impl fmt::Debug for PayPalWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayPalWebhooks")
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}

impl PayPalWebhooks {
    #[must_use]
    pub fn new(webhook_id: &str, world: World, certificates: Arc<dyn Certificates>, clock: Arc<dyn Clock>) -> Self {
        Self {
            webhook_id: webhook_id.to_owned(),
            world,
            certificates,
            clock,
            kept: Mutex::default(),
        }
    }

    pub async fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Event, WebhookError> {
        self.prove(headers, body).await?;
        let json: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable("JSON"))?;
        let text = |name: &'static str| {
            let text = json.get(name).and_then(Value::as_str);
            text.ok_or(WebhookError::Unreadable(name))
        };
        let (id, kind) = (text("id")?, text("event_type")?);
        Ok(Event {
            id: id.to_owned(),
            kind: kind.to_owned(),
            about: about(kind, json.get("resource").unwrap_or(&Value::Null))?,
        })
    }

    async fn prove(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
        let (id, time) = (header(headers, ID_HEADER)?, header(headers, TIME_HEADER)?);
        let signature = header(headers, SIGNATURE_HEADER)?;
        let place = header(headers, CERTIFICATE_HEADER)?;
        if header(headers, ALGORITHM_HEADER)? != ALGORITHM {
            return Err(WebhookError::UnknownAlgorithm);
        }
        let signature = STANDARD.decode(signature).map_err(|_| WebhookError::BadSignature)?;
        let signed = format!("{id}|{time}|{}|{}", self.webhook_id, crc32fast::hash(body));
        let certificate = self.certificate(self.allowed(place)?).await?;
        parse(&certificate)?
            .verify_signature(RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .map_err(|_| WebhookError::BadSignature)
    }

    /// The sender says where the certificate is; only PayPal's own places are asked.
    fn allowed(&self, place: &str) -> Result<Url, WebhookError> {
        let url = Url::parse(place).map_err(|_| WebhookError::CertificateNotAllowed)?;
        let is_there = url.host_str().is_some_and(|host| self.world.hosts().contains(&host));
        let is_plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let is_certificate = url.path().starts_with("/v1/notifications/certs/");
        if is_there && is_plain && is_certificate {
            Ok(url)
        } else {
            Err(WebhookError::CertificateNotAllowed)
        }
    }

    async fn certificate(&self, url: Url) -> Result<CertificateDer<'static>, WebhookError> {
        let now = self.clock.now();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((fetched_at, certificate)) = kept.get(&url)
                && now.signed_duration_since(fetched_at) < KEPT_FOR
            {
                return Ok(certificate.clone());
            }
        }
        let pem = self
            .certificates
            .fetch(&url)
            .await
            .map_err(WebhookError::CertificateUnavailable)?;
        let certificate = CertificateDer::from_pem_slice(&pem);
        let none = |_| WebhookError::CertificateUnavailable("it is no PEM".to_owned());
        let certificate = certificate.map_err(none)?;
        parse(&certificate)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(url, (now, certificate.clone()));
        Ok(certificate)
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<EndEntityCert<'a>, WebhookError> {
    let none = |_| WebhookError::CertificateUnavailable("it is none".to_owned());
    EndEntityCert::try_from(certificate).map_err(none)
}

fn about(kind: &str, resource: &Value) -> Result<About, WebhookError> {
    if kind.starts_with("PAYMENT.PAYOUTSBATCH.") {
        let header = resource.get("batch_header").unwrap_or(resource);
        let text = |name: &'static str| {
            let text = header.get(name).and_then(Value::as_str);
            text.map(str::to_owned).ok_or(WebhookError::Unreadable(name))
        };
        return Ok(About::Batch {
            provider_id: text("payout_batch_id")?,
            state: text("batch_status")?,
        });
    }
    let Some(happened) = kind.strip_prefix("PAYMENT.PAYOUTS-ITEM.") else {
        return Ok(About::Nothing);
    };
    // An event is named otherwise than the state it tells of; where the item says itself, it is believed. A state that nobody knows
    // must not hide what the event's name says.
    let named = state_of(happened);
    let mut resource = resource.clone();
    let is_told = match resource.get("transaction_status").and_then(Value::as_str) {
        Some(own) => wire::is_known(own) || !wire::is_known(named),
        None => false,
    };
    if !is_told && let Some(object) = resource.as_object_mut() {
        object.insert("transaction_status".to_owned(), named.into());
    }
    let item = wire::item(&resource).ok_or(WebhookError::Unreadable("payout_item_id"))?;
    Ok(About::Item(item))
}

fn state_of(happened: &str) -> &str {
    match happened {
        "SUCCEEDED" => "SUCCESS",
        "HELD" => "ONHOLD",
        // Only what was unclaimed is cancelled, and goes back.
        "CANCELED" => "RETURNED",
        other => other,
    }
}
