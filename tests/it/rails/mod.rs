//! Each rail against a provider that is as strict as the real one, through everything that goes wrong on the way.

mod files;
mod paypal;
mod razorpay;
mod results;
mod stripe;
mod webhooks;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tributary::{
    infra::{
        clock::{Clock, ManualClock},
        rails::{
            Destination, Instruction, Item, Looked, Prepared, Problem, Question, Rail, Refused, Request, Sending, Sent,
            Status,
            fakes::Movement,
            pace::NoPace,
            transport::{Patience, Surroundings},
        },
    },
    money::Money,
};
use uuid::Uuid;

pub const BATCH: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0b00);

/// A clock and a pace that are looked at.
pub struct Stage {
    pub clock: Arc<ManualClock>,
    pub pace: Arc<NoPace>,
}

impl Stage {
    pub fn new() -> Self {
        Self {
            clock: Arc::new(ManualClock::at(at(1_700_000_000))),
            pace: Arc::new(NoPace::default()),
        }
    }

    /// Hardly any patience, so that what hangs is given up at once.
    pub fn around(&self) -> Surroundings {
        Surroundings {
            clock: self.clock(),
            pace: Arc::clone(&self.pace) as _,
            patience: Patience {
                connect: Duration::from_secs(5),
                request: Duration::from_millis(1_500),
            },
        }
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as _
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }
}

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub fn money(amount_minor: i64, currency: &str) -> Money {
    Money::new(amount_minor, currency.parse().unwrap())
}

/// The payout of that number, for the first time.
pub fn instruction(number: u128, amount: Money, destination: Destination) -> Instruction {
    Instruction {
        payout: Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number),
        attempt: 1,
        amount,
        destination,
        narration: String::new(),
    }
}

pub fn key(number: u128) -> String {
    format!("0192000000007000{:016x}-1", 0x8000_0000_0000_0000 + number)
}

/// The only request, of instructions without a problem.
pub fn only(prepared: Prepared) -> Request {
    assert_eq!(prepared.rejected, []);
    let [request] = <[Request; 1]>::try_from(prepared.requests).unwrap();
    request
}

/// What is wrong with one instruction.
pub fn problems(rail: &dyn Rail, instruction: Instruction) -> Vec<&'static str> {
    let prepared = rail.prepare(BATCH, &[instruction]);
    let codes = |problems: &[Problem]| problems.iter().map(|problem| problem.code.as_str()).collect();
    match &prepared.rejected[..] {
        [] => Vec::new(),
        [rejected] => {
            assert_eq!(prepared.requests, []);
            codes(&rejected.problems)
        }
        more => panic!("{more:?}"),
    }
}

pub async fn send(rail: &dyn Rail, request: &Request) -> Sent {
    let first_sent_at = None;
    rail.send(&Sending { request, first_sent_at }).await
}

pub async fn send_again(rail: &dyn Rail, request: &Request, first: DateTime<Utc>) -> Sent {
    let first_sent_at = Some(first);
    rail.send(&Sending { request, first_sent_at }).await
}

pub async fn look_up(rail: &dyn Rail, request: &Request, provider_id: Option<&str>, last: DateTime<Utc>) -> Looked {
    let last_sent_at = last;
    rail.look_up(&Question {
        request,
        provider_id,
        last_sent_at,
    })
    .await
}

/// What it is called, of what was taken, and whether it had been before.
pub fn accepted(sent: Sent) -> (String, bool) {
    match sent {
        Sent::Accepted {
            provider_id, is_replay, ..
        } => (provider_id, is_replay),
        other => panic!("{other:?}"),
    }
}

pub fn unclear(sent: &Sent) -> &str {
    match sent {
        Sent::Unclear(doubt) => &doubt.code,
        other => panic!("{other:?}"),
    }
}

/// The code, and whether it is final.
pub fn refused(sent: &Sent) -> (&str, bool) {
    match sent {
        Sent::Refused(Refused { code, is_final, .. }) => (code, *is_final),
        other => panic!("{other:?}"),
    }
}

pub fn found(looked: Looked) -> Vec<Item> {
    match looked {
        Looked::Found { items, .. } => items,
        other => panic!("{other:?}"),
    }
}

/// In a word.
pub fn word(status: &Status) -> &'static str {
    match status {
        Status::Waiting => "waiting",
        Status::Paid { .. } => "paid",
        Status::Failed { .. } => "failed",
        Status::Returned { .. } => "returned",
    }
}

pub fn moved(key: &str, to: &str, amount_minor: i64, currency: &str) -> Movement {
    Movement {
        key: key.to_owned(),
        to: to.to_owned(),
        amount_minor,
        currency: currency.to_owned(),
    }
}
