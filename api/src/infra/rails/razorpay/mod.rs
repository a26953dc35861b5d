//! RazorpayX: one payment a request, in the composite form, which names contact, account and payment at once. So there is one
//! call, one key and one body; a contact and an account that are there already are found again by Razorpay itself.
//!
//! After an unclear answer the same request goes out again after 1, 2 and 5 minutes and is answered with the latest state; then
//! it is looked up by `reference_id`. It is absent for good when it is still absent an hour after it was last sent.

mod prepare;
pub mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use uuid::Uuid;

pub use self::wire::MAX_NARRATION_CHARS;
use super::{
    Cancelled, Doubt, Instruction, Looked, Prepared, Problem, Question, Rail, RailKind, Sending, Sent,
    instruction::minutes,
    transport::{Answer, Http, Surroundings},
};
use crate::money::Money;

pub const LIVE: &str = "https://api.razorpay.com/v1";
const PAYOUTS: &str = "payouts";
pub const IDEMPOTENCY_HEADER: &str = "X-Payout-Idempotency";
/// How long what was sent may still arrive.
const ON_ITS_WAY: TimeDelta = TimeDelta::hours(1);

#[derive(Clone)]
pub struct Credentials {
    pub key_id: String,
    pub key_secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// How bank accounts are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankMode {
    /// At once: IMPS as far as it goes, above it RTGS.
    Immediate,
    /// By NEFT, whatever the amount.
    Neft,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub base_url: String,
    pub credentials: Credentials,
    /// Ours, from which is paid.
    pub account_number: String,
    pub bank_mode: BankMode,
    /// Whether a payment waits for money, or is refused when there is none.
    pub low_balance: LowBalance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LowBalance {
    Queue,
    Refuse,
}

pub struct RazorpayRail {
    http: Http,
    settings: Settings,
}

impl RazorpayRail {
    /// An error says what is wrong with a setting.
    pub fn new(settings: Settings, around: Surroundings) -> Result<Self, String> {
        if settings.account_number.is_empty() {
            return Err("the account to pay from is missing".to_owned());
        }
        Ok(Self {
            http: Http::new(&settings.base_url, around)?,
            settings,
        })
    }

    fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let Credentials { key_id, key_secret } = &self.settings.credentials;
        let request = self.http.request(method, PAYOUTS, segments);
        let request = request.basic_auth(key_id, Some(key_secret));
        request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    async fn find(&self, reference: &str) -> Result<Answer, Doubt> {
        let query = [
            ("account_number", self.settings.account_number.as_str()),
            ("reference_id", reference),
            ("count", "10"),
        ];
        self.http.read(|| self.request(Method::GET, &[]).query(&query)).await
    }
}

/// What RazorpayX does not carry of an amount, to a bank account or to a UPI address.
#[must_use]
pub fn refuses(amount: Money, is_upi: bool) -> Option<Problem> {
    let mut problems = Vec::new();
    prepare::check_amount(amount, is_upi, &mut problems);
    problems.pop()
}

#[async_trait]
impl Rail for RazorpayRail {
    fn kind(&self) -> RailKind {
        RailKind::Razorpayx
    }

    /// `batch` names nothing here: a payment stands for itself.
    fn prepare(&self, _batch: Uuid, instructions: &[Instruction]) -> Prepared {
        prepare::prepare(&self.settings, instructions)
    }

    fn key_life(&self) -> TimeDelta {
        TimeDelta::days(7)
    }

    fn resend_after(&self, sends: u32) -> Option<Duration> {
        match sends {
            0 | 1 => Some(minutes(1)),
            2 => Some(minutes(2)),
            3 => Some(minutes(5)),
            _ => None,
        }
    }

    async fn send(&self, sending: &Sending<'_>) -> Sent {
        let now = self.http.around.clock.now();
        if sending
            .first_sent_at
            .is_some_and(|first| now - first >= self.key_life())
        {
            return Sent::Unclear(Doubt::expired());
        }
        let in_doubt = sending.first_sent_at.is_some();
        let mut tries = 0;
        loop {
            tries += 1;
            let request = self.request(Method::POST, &[]);
            let request = request.header(IDEMPOTENCY_HEADER, &sending.request.key);
            let answer = match self.http.ask(request.body(sending.request.body.clone())).await {
                Ok(answer) => answer,
                Err(doubt) => return Sent::Unclear(doubt),
            };
            if answer.status == 429 && self.http.pause(tries, Some(&answer)).await {
                continue;
            }
            return wire::sent(&answer, in_doubt);
        }
    }

    async fn look_up(&self, question: &Question<'_>) -> Looked {
        let answer = match question.provider_id {
            Some(id) => self.http.read(|| self.request(Method::GET, &[id])).await,
            None => self.find(&question.request.key).await,
        };
        let answer = match answer {
            Ok(answer) if answer.is_success() => answer.json(),
            Ok(answer) => return Looked::Unclear(wire::refusal(&answer).map_or_else(|doubt| doubt, Doubt::from)),
            Err(doubt) => return Looked::Unclear(doubt),
        };
        let found: Vec<&Value> = if question.provider_id.is_some() {
            vec![&answer]
        } else {
            let Some(items) = answer.get("items").and_then(Value::as_array) else {
                return Looked::Unclear(Doubt::unreadable("items"));
            };
            // Whatever else the filter may let through.
            let is_ours =
                |item: &&Value| item.get("reference_id").and_then(Value::as_str) == Some(&question.request.key);
            items.iter().filter(is_ours).collect()
        };
        match found[..] {
            [] => Looked::Absent {
                is_final: self.http.around.clock.now() - question.last_sent_at >= ON_ITS_WAY,
            },
            [one] => match wire::item(one) {
                Some(item) => Looked::Found {
                    provider_id: item.provider_id.clone(),
                    items: vec![item],
                    absent: Vec::new(),
                },
                None => Looked::Unclear(Doubt::unreadable("id and status")),
            },
            _ => Looked::Unclear(Doubt::new("SEVERAL_FOUND", "several payments have this reference")),
        }
    }

    /// Only what waits for money can be taken back.
    async fn cancel(&self, provider_id: &str) -> Cancelled {
        let request = self.request(Method::POST, &[provider_id, "cancel"]).body("{}");
        match self.http.ask(request).await {
            Ok(answer) if answer.is_success() => match wire::item(&answer.json()) {
                Some(item) => Cancelled::Done(item),
                None => Cancelled::Unclear(Doubt::unreadable("id and status")),
            },
            Ok(answer) => wire::refusal(&answer).map_or_else(Cancelled::Unclear, Cancelled::Refused),
            Err(doubt) => Cancelled::Unclear(doubt),
        }
    }
}
