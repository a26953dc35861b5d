//! Bringing released payouts to providers, and finding out what became of them.
//!
//! Invariants:
//! - What is sent is in the database, to the byte, before it is sent; that it is being sent is, too. Whoever dies in between leaves a
//!   request that is unclear, and never one that looks as if it had not been sent.
//! - What is unclear is sent again as it is, for as long as the provider remembers its key, or looked up; a payout is given up only when
//!   the provider refused it for good, or has nothing of it and never will.
//! - What a provider says of a payout may come by answer, by look-up and by webhook, twice and in any order; it is booked once.
//!
//! `prepare.rs` writes requests down, `follow.rs` sends and looks up what is due, `news.rs` books what is heard of a payout,
//! `recall.rs` asks for one back, `take_back.rs` closes what was never sent.

mod follow;
mod news;
mod prepare;
mod recall;
mod take_back;

use entity::payout::PayoutRail;
use serde_json::json;

pub use self::{
    follow::follow,
    news::{Heard, take_event_in_tx},
    prepare::{Handed, prepare_in_tx, reseal_payout_requests},
    recall::recall_payout,
    take_back::take_back_in_tx,
};
use crate::{infra::rails::RailKind, queue::Job};

/// The job that sends what was just handed over.
pub const SEND_PAYOUTS: &str = "send-payouts";

/// Sends what is due. One that waits already does it for all.
#[must_use]
pub fn job() -> Job {
    Job {
        unique_key: Some(SEND_PAYOUTS.to_owned()),
        ..Job::new(SEND_PAYOUTS, json!({}))
    }
}

/// The provider of a rail; a person is none.
#[must_use]
pub fn provider(rail: PayoutRail) -> Option<RailKind> {
    match rail {
        PayoutRail::Manual | PayoutRail::BankFile => None,
        PayoutRail::Razorpayx => Some(RailKind::Razorpayx),
        PayoutRail::Paypal => Some(RailKind::Paypal),
        PayoutRail::Stripe => Some(RailKind::Stripe),
    }
}

/// The rail of a provider.
#[must_use]
pub fn rail_of(kind: RailKind) -> PayoutRail {
    match kind {
        RailKind::Razorpayx => PayoutRail::Razorpayx,
        RailKind::Paypal => PayoutRail::Paypal,
        RailKind::Stripe => PayoutRail::Stripe,
    }
}
