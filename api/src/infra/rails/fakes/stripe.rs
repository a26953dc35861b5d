//! A Stripe of our own.

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
        rails::{stripe::Credentials, webhook::stripe::SIGNATURE_HEADER},
    },
};

const SECRET_KEY: &str = "sk_test_fake";
pub const WEBHOOK_SECRET: &str = "whsec_fake";

pub struct FakeStripe {
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
    accounts: Vec<Account>,
    transfers: Vec<Transfer>,
    /// By key: the first outcome, whatever it was.
    keys: BTreeMap<String, Kept>,
    count: usize,
}

struct Kept {
    path: &'static str,
    body: String,
    status: u16,
    answer: String,
    at: DateTime<Utc>,
}

struct Account {
    id: String,
    country: String,
    email: Option<String>,
    reference: Option<String>,
    is_complete: bool,
}

struct Transfer {
    id: String,
    amount: i64,
    amount_reversed: i64,
    currency: String,
    destination: String,
    transfer_group: Option<String>,
    description: Option<String>,
    metadata: BTreeMap<String, String>,
    created_at: DateTime<Utc>,
}

impl FakeStripe {
    pub async fn start(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let signing_clock = Arc::clone(&clock);
        let state = Arc::new(State {
            clock,
            faults: Faults::with(json!({"error": {
                "type": "invalid_request_error",
                "code": "rate_limit",
                "message": "Request rate limit exceeded.",
            }})),
            events: Events::signed_by(move |happened| headers(signing_clock.now(), happened)),
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
            secret_key: SECRET_KEY.to_owned(),
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

    /// From now on there is so much of a currency, which is in small letters here.
    pub fn set_balance(&self, currency: &str, amount_minor: i64) {
        let balances = &mut locked(&self.state.inside).book.balances;
        balances.insert(currency.to_owned(), amount_minor);
    }

    /// One step: whoever owns an account has filled it in. Transfers are done when they are answered.
    pub fn tick(&self) {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        for account in inside.accounts.iter_mut().filter(|account| !account.is_complete) {
            account.is_complete = true;
            self.state.tell("account.updated", &account.json(), now);
        }
    }

    /// From now on there is an account of this id, filled in.
    pub fn know(&self, account: &str) {
        locked(&self.state.inside).accounts.push(Account {
            id: account.to_owned(),
            country: "DE".to_owned(),
            email: None,
            reference: None,
            is_complete: true,
        });
    }

    /// The owner of an account has filled it in; false when there is no such account.
    pub fn complete(&self, account: &str) -> bool {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        let Some(account) = inside.accounts.iter_mut().find(|known| known.id == account) else {
            return false;
        };
        account.is_complete = true;
        self.state.tell("account.updated", &account.json(), now);
        true
    }

    /// Takes some of a transfer back, of that group; false when there is not so much of it.
    pub fn reverse(&self, key: &str, amount: i64) -> bool {
        let now = self.state.clock.now();
        let mut inside = locked(&self.state.inside);
        let mut transfers = inside.transfers.iter_mut();
        let Some(transfer) = transfers.find(|transfer| transfer.transfer_group.as_deref() == Some(key)) else {
            return false;
        };
        if amount < 1 || transfer.amount_reversed + amount > transfer.amount {
            return false;
        }
        transfer.amount_reversed += amount;
        self.state.tell("transfer.reversed", &transfer.json(), now);
        true
    }
}

impl Account {
    fn json(&self) -> Value {
        let due: &[&str] = if self.is_complete {
            &[]
        } else {
            &["external_account", "tos_acceptance.date"]
        };
        json!({
            "id": self.id,
            "object": "account",
            "country": self.country,
            "email": self.email,
            "metadata": {"reference": self.reference},
            "payouts_enabled": self.is_complete,
            "capabilities": {"transfers": if self.is_complete { "active" } else { "inactive" }},
            "requirements": {"currently_due": due},
        })
    }
}

impl Transfer {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "transfer",
            "amount": self.amount,
            "amount_reversed": self.amount_reversed,
            "balance_transaction": format!("txn_{}", &self.id[3..]),
            "created": self.created_at.timestamp(),
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "livemode": false,
            "metadata": self.metadata,
            "reversed": self.amount_reversed == self.amount,
            "transfer_group": self.transfer_group,
        })
    }
}

impl State {
    fn tell(&self, kind: &str, object: &Value, now: DateTime<Utc>) {
        let id = self.events.next_id("evt_");
        let body = json!({
            "id": id,
            "object": "event",
            "created": now.timestamp(),
            "type": kind,
            "data": {"object": object},
            "livemode": false,
        });
        self.events.add(id, body.to_string());
    }
}

fn headers(now: DateTime<Utc>, happened: &Happened) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let time = now.timestamp();
    let mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes());
    let signed = format!("{time}.{}", happened.body);
    let signature = mac.map(|mac| hex(&mac.chain_update(signed.as_bytes()).finalize().into_bytes()));
    let value = HeaderValue::from_str(&format!("t={time},v1={}", signature.unwrap_or_default()));
    if let Ok(value) = value {
        headers.insert(SIGNATURE_HEADER, value);
    }
    headers
}
