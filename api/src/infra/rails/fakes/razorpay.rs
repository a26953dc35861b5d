//! A RazorpayX of our own.

mod check;
mod routes;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Book, Events, Faults, Happened, Movement, Server, locked};
use crate::{
    idempotency::hex,
    infra::{
        clock::Clock,
        rails::{
            razorpay::Credentials,
            webhook::razorpay::{EVENT_ID_HEADER, SIGNATURE_HEADER},
        },
    },
};

const KEY_ID: &str = "rzp_test_fake";
const KEY_SECRET: &str = "fake-secret";
/// Of the account that everything is paid from.
pub const ACCOUNT_NUMBER: &str = "7878780080316316";
pub const WEBHOOK_SECRET: &str = "fake-webhook-secret";
/// What a payment costs, with the tax in it.
pub const FEES_PAISE: i64 = 590;
const TAX_PAISE: i64 = 90;

pub struct FakeRazorpay {
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
    payouts: Vec<Payout>,
    /// By key: the body it came with, and which payout it became.
    keys: BTreeMap<String, Kept>,
    count: usize,
}

struct Kept {
    body: String,
    payout: usize,
    at: DateTime<Utc>,
}

struct Payout {
    id: String,
    key: String,
    to: String,
    amount: i64,
    mode: String,
    narration: String,
    status: String,
    utr: Option<String>,
    /// Why it is in its state.
    details: Option<(String, String)>,
    created_at: DateTime<Utc>,
}

impl FakeRazorpay {
    pub async fn start(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let state = Arc::new(State {
            clock,
            faults: Faults::with(json!({"error": {
                "code": "BAD_REQUEST_ERROR",
                "description": "Request failed because too many requests were made",
                "source": "NA",
                "step": "NA",
                "reason": "NA",
            }})),
            events: Events::signed_by(headers),
            inside: Mutex::default(),
        });
        let server = Server::start(routes::router(Arc::clone(&state))).await?;
        Ok(Self { server, state })
    }

    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials {
            key_id: KEY_ID.to_owned(),
            key_secret: KEY_SECRET.to_owned(),
        }
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

    /// From now on there are so many paise.
    pub fn set_balance(&self, paise: i64) {
        let balances = &mut locked(&self.state.inside).book.balances;
        balances.insert("INR".to_owned(), paise);
    }

    /// One step: what waits for money and is covered is worked on, what is worked on is paid.
    pub fn tick(&self) {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        let Inside { book, payouts, .. } = &mut *inside;
        for payout in payouts {
            match payout.status.as_str() {
                "queued" if book.covers("INR", payout.amount) => {
                    book.take("INR", payout.amount);
                    payout.go(book, "processing", None);
                    self.state.tell(payout, "initiated", now);
                }
                "processing" => {
                    payout.go(book, "processed", None);
                    self.state.tell(payout, "processed", now);
                }
                _ => {}
            }
        }
    }

    /// Brings a payout into a state, with Razorpay's reason where there is one; false when there is none of that reference.
    pub fn settle(&self, key: &str, status: &str, details: Option<(&str, &str)>) -> bool {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        let Inside { book, payouts, .. } = &mut *inside;
        let Some(payout) = payouts.iter_mut().find(|payout| payout.key == key) else {
            return false;
        };
        payout.go(book, status, details);
        // Of the others nothing is told.
        if matches!(
            status,
            "pending" | "rejected" | "queued" | "processed" | "reversed" | "failed"
        ) {
            self.state.tell(payout, status, now);
        }
        true
    }
}

impl Payout {
    fn go(&mut self, book: &mut Book, status: &str, details: Option<(&str, &str)>) {
        if status == "processed" && self.utr.is_none() {
            self.utr = Some(format!("UTR{:013}", book.movements.len() + 1));
            book.movements.push(Movement {
                key: self.key.clone(),
                to: self.to.clone(),
                amount_minor: self.amount,
                currency: "INR".to_owned(),
            });
        }
        status.clone_into(&mut self.status);
        self.details = details.map(|(reason, description)| (reason.to_owned(), description.to_owned()));
    }

    fn json(&self) -> Value {
        let has_cost = matches!(self.status.as_str(), "processing" | "processed" | "reversed");
        let details = self.details.as_ref();
        json!({
            "id": self.id,
            "entity": "payout",
            "fund_account_id": format!("fa_{}", &self.id[5..]),
            "amount": self.amount,
            "currency": "INR",
            "notes": [],
            "fees": if has_cost { FEES_PAISE } else { 0 },
            "tax": if has_cost { TAX_PAISE } else { 0 },
            "status": self.status,
            "utr": self.utr,
            "mode": self.mode,
            "purpose": "payout",
            "reference_id": self.key,
            "narration": self.narration,
            "batch_id": null,
            "status_details": {
                "description": details.map(|(_, description)| description),
                "source": details.map(|_| "beneficiary_bank"),
                "reason": details.map(|(reason, _)| reason),
            },
            "created_at": self.created_at.timestamp(),
        })
    }
}

impl State {
    fn tell(&self, payout: &Payout, happened: &str, now: DateTime<Utc>) {
        let body = json!({
            "entity": "event",
            "account_id": "acc_fake",
            "event": format!("payout.{happened}"),
            "contains": ["payout"],
            "payload": {"payout": {"entity": payout.json()}},
            "created_at": now.timestamp(),
        });
        self.events.add(self.events.next_id("event_"), body.to_string());
    }
}

fn headers(happened: &Happened) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes());
    let signature = mac.map(|mac| hex(&mac.chain_update(happened.body.as_bytes()).finalize().into_bytes()));
    for (name, value) in [
        (SIGNATURE_HEADER, signature.unwrap_or_default()),
        (EVENT_ID_HEADER, happened.event_id.clone()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}
