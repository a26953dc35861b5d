//! A PayPal of our own.

mod check;
mod routes;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use url::Url;

use super::{Book, Events, Faults, Happened, Movement, Server, locked};
use crate::{
    infra::{
        clock::Clock,
        rails::{
            paypal::{Credentials, wire},
            webhook::paypal::{
                ALGORITHM, ALGORITHM_HEADER, CERTIFICATE_HEADER, Certificates, ID_HEADER, SIGNATURE_HEADER, TIME_HEADER,
            },
        },
    },
    money::{Money, proportion},
};

/// Made for this file and good for nothing else: the verifier believes it only when it is told to ask the fake.
const KEY: &[u8] = include_bytes!("paypal-key.pem");
const CERTIFICATE: &[u8] = include_bytes!("paypal-cert.pem");
/// Where the fake says that its certificate is; nobody goes there.
const CERTIFICATE_URL: &str = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-fake";
const CLIENT_ID: &str = "fake-client";
const SECRET: &str = "fake-secret";
pub const WEBHOOK_ID: &str = "8PT597110X687430LKGECATA";
const TOKEN_SECONDS: i64 = 32_400;

pub struct FakePayPal {
    server: Server,
    state: Arc<State>,
}

struct State {
    clock: Arc<dyn Clock>,
    faults: Faults,
    events: Events,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    book: Book,
    batches: Vec<Batch>,
    /// With when each ends.
    tokens: Vec<(String, DateTime<Utc>)>,
    tokens_given: usize,
    /// Requests that asked for a batch to be made, whatever came of them.
    creations: usize,
    count: usize,
    /// What is said of batches in place of what is so.
    said: VecDeque<Value>,
    /// Receivers for which it refuses the whole batch.
    disliked: BTreeSet<String>,
}

struct Batch {
    id: String,
    sender_batch_id: String,
    created_at: DateTime<Utc>,
    state: &'static str,
    items: Vec<Item>,
}

#[derive(Clone)]
struct Item {
    id: String,
    batch: String,
    key: String,
    receiver: String,
    amount: Money,
    state: String,
    transaction: Option<String>,
    error: Option<(String, String)>,
}

impl FakePayPal {
    pub async fn start(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(KEY).map_err(io::Error::other)?;
        let key =
            RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|error| io::Error::other(error.to_string()))?;
        let signing_clock = Arc::clone(&clock);
        let events = Events::signed_by(move |happened| headers(&key, signing_clock.now(), happened));
        let state = Arc::new(State {
            clock,
            faults: Faults::with(json!({
                "name": "RATE_LIMIT_REACHED",
                "message": "Too many requests. Blocked due to rate limiting.",
                "debug_id": "f4ke",
            })),
            events,
            inside: Mutex::default(),
        });
        let server = Server::start(routes::router(Arc::clone(&state))).await?;
        Ok(Self { server, state })
    }

    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials {
            client_id: CLIENT_ID.to_owned(),
            secret: SECRET.to_owned(),
        }
    }

    /// What a verifier asks in PayPal's place.
    #[must_use]
    pub fn certificates(&self) -> Arc<dyn Certificates> {
        Arc::new(FakeCertificates)
    }

    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    #[must_use]
    pub fn events(&self) -> &Events {
        &self.state.events
    }

    /// What was paid, in order.
    #[must_use]
    pub fn book(&self) -> Vec<Movement> {
        locked(&self.state.inside).book.movements.clone()
    }

    /// From now on there is so much of a currency.
    pub fn set_balance(&self, currency: &str, amount_minor: i64) {
        let balances = &mut locked(&self.state.inside).book.balances;
        balances.insert(currency.to_owned(), amount_minor);
    }

    /// No token that was given holds any more.
    pub fn forget_tokens(&self) {
        locked(&self.state.inside).tokens.clear();
    }

    #[must_use]
    pub fn tokens_given(&self) -> usize {
        locked(&self.state.inside).tokens_given
    }

    /// From now on a batch with this receiver in it is refused, as PayPal does where it does not like an address.
    pub fn dislike(&self, receiver: &str) {
        locked(&self.state.inside).disliked.insert(receiver.to_owned());
    }

    /// The next look at a batch is answered with this, whatever is so; several are said one after another.
    pub fn say_next(&self, answer: Value) {
        locked(&self.state.inside).said.push_back(answer);
    }

    /// How often somebody asked for a batch.
    #[must_use]
    pub fn creations(&self) -> usize {
        locked(&self.state.inside).creations
    }

    /// One step: new batches are worked on, and what is worked on is paid.
    pub fn tick(&self) {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        let Inside {
            book, batches, count, ..
        } = &mut *inside;
        for batch in batches {
            match batch.state {
                "PENDING" => batch.state = "PROCESSING",
                "PROCESSING" => {
                    for item in batch.items.iter_mut().filter(|item| item.state == "PENDING") {
                        *count += 1;
                        item.go(book, *count, "SUCCESS", None);
                        self.state.tell_item(item, now, "SUCCEEDED");
                    }
                    batch.state = "SUCCESS";
                }
                _ => continue,
            }
            self.state.tell_batch(batch, now);
        }
    }

    /// Brings an item into a state, with PayPal's reason where there is one; false when there is no such item.
    pub fn settle(&self, key: &str, state: &str, error: Option<(&str, &str)>) -> bool {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        let Inside {
            book, batches, count, ..
        } = &mut *inside;
        let mut items = batches.iter_mut().flat_map(|batch| &mut batch.items);
        let Some(item) = items.find(|item| item.key == key) else {
            return false;
        };
        *count += 1;
        item.go(book, *count, state, error);
        let happened = match state {
            "SUCCESS" => "SUCCEEDED",
            "ONHOLD" => "HELD",
            // No event is of these.
            "PENDING" | "REVERSED" => return true,
            other => other,
        };
        self.state.tell_item(item, now, happened);
        true
    }
}

impl Item {
    fn go(&mut self, book: &mut Book, count: usize, state: &str, error: Option<(&str, &str)>) {
        let has_left = |state: &str| matches!(state, "SUCCESS" | "UNCLAIMED" | "ONHOLD");
        if has_left(state) && !has_left(&self.state) {
            self.transaction = Some(format!("{count:017}"));
            book.movements.push(Movement {
                key: self.key.clone(),
                to: self.receiver.clone(),
                amount_minor: self.amount.amount_minor,
                currency: self.amount.currency.code().to_owned(),
            });
        }
        state.clone_into(&mut self.state);
        self.error = error.map(|(name, message)| (name.to_owned(), message.to_owned()));
    }

    /// A fiftieth of what is paid.
    fn fee(&self) -> Money {
        let kept = matches!(self.state.as_str(), "SUCCESS" | "REVERSED");
        let minor = if kept {
            proportion(self.amount.amount_minor, 1, 50)
        } else {
            0
        };
        Money::new(minor, self.amount.currency)
    }

    fn json(&self) -> Value {
        let fee = self.fee();
        let mut json = json!({
            "payout_item_id": self.id,
            "payout_batch_id": self.batch,
            "transaction_status": self.state,
            "payout_item_fee": {
                "currency": fee.currency.code(),
                "value": wire::decimal(fee).unwrap_or_default(),
            },
            "payout_item": {
                "sender_item_id": self.key,
                "receiver": self.receiver,
                "amount": {
                    "currency": self.amount.currency.code(),
                    "value": wire::decimal(self.amount).unwrap_or_default(),
                },
            },
        });
        if let Some(transaction) = &self.transaction {
            json["transaction_id"] = transaction.as_str().into();
        }
        if let Some((name, message)) = &self.error {
            json["errors"] = json!({"name": name, "message": message, "details": []});
        }
        json
    }
}

impl Batch {
    fn header(&self) -> Value {
        json!({
            "payout_batch_id": self.id,
            "batch_status": self.state,
            "time_created": self.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "sender_batch_header": {"sender_batch_id": self.sender_batch_id},
        })
    }
}

impl State {
    fn tell_item(&self, item: &Item, now: DateTime<Utc>, happened: &str) {
        self.tell(
            &format!("PAYMENT.PAYOUTS-ITEM.{happened}"),
            "payouts_item",
            &item.json(),
            now,
        );
    }

    fn tell_batch(&self, batch: &Batch, now: DateTime<Utc>) {
        let kind = format!("PAYMENT.PAYOUTSBATCH.{}", batch.state);
        self.tell(&kind, "payouts", &json!({"batch_header": batch.header()}), now);
    }

    fn tell(&self, kind: &str, resource_type: &str, resource: &Value, now: DateTime<Utc>) {
        let id = self.events.next_id("WH-");
        let body = json!({
            "id": id,
            "event_version": "1.0",
            "create_time": now.to_rfc3339_opts(SecondsFormat::Secs, true),
            "resource_type": resource_type,
            "event_type": kind,
            "resource": resource,
        });
        self.events.add(id, body.to_string());
    }
}

/// As PayPal signs: over ids, time and the body's checksum.
fn headers(key: &RsaKeyPair, now: DateTime<Utc>, happened: &Happened) -> HeaderMap {
    let id = format!("transmission-{}", happened.event_id);
    let time = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let checksum = crc32fast::hash(happened.body.as_bytes());
    let signed = format!("{id}|{time}|{WEBHOOK_ID}|{checksum}");
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    if key
        .sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
        .is_err()
    {
        tracing::error!("the fake's key signs nothing");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (ID_HEADER, id),
        (TIME_HEADER, time),
        (SIGNATURE_HEADER, STANDARD.encode(signature)),
        (CERTIFICATE_HEADER, CERTIFICATE_URL.to_owned()),
        (ALGORITHM_HEADER, ALGORITHM.to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

struct FakeCertificates;

#[async_trait]
impl Certificates for FakeCertificates {
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, String> {
        if url.as_str() == CERTIFICATE_URL {
            Ok(CERTIFICATE.to_vec())
        } else {
            Err("status 404".to_owned())
        }
    }
}
