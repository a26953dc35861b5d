//! Payout rails: providers and banks that bring money to partners, behind one trait.
//!
//! Invariants:
//! - A rail first *prepares*, without asking anybody: what comes of it is everything that will be sent, under keys that follow
//!   from the payout and its attempt alone. The caller stores it before it is sent, so a crash between the two loses nothing.
//! - Sending never fails with an error. It was taken, it was refused, or it is unclear; whoever reads "unclear" asks about the
//!   same key, or sends the same request again, and makes no new one.
//! - "Refused" and "absent for good" are the only answers after which a payout may get another attempt, and are given only where
//!   the provider's own rules prove that nothing moved and nothing will.
//! - States are of items, never of batches. A state that nobody knows is waiting, which is not final.
//!
//! `instruction.rs` is what is asked, `answer.rs` what comes back; a provider is one folder. `files` writes what a bank is given
//! by hand, `webhook` proves and reads what providers send, `fakes` are providers that are as strict as the real ones.
//!
//! Deliberately absent: a store of any kind. What was sent, and when, is the caller's to keep.

pub mod answer;
pub mod fakes;
pub mod files;
pub mod instruction;
pub mod pace;
pub mod paypal;
pub mod razorpay;
pub mod stripe;
pub mod transport;
pub mod webhook;

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use uuid::Uuid;

pub use self::{
    answer::{Cancelled, Doubt, Item, Looked, Refused, RefusedItem, Sent, Status},
    instruction::{
        Destination, Instruction, PayPalReceiver, PayPalWallet, Prepared, Problem, ProblemCode, Question, RailKind,
        Rejected, Request, Sending,
    },
};

/// One way to pay through a provider.
#[async_trait]
pub trait Rail: Send + Sync {
    fn kind(&self) -> RailKind;

    /// What will be sent, and what cannot be. Asks nobody; the same instructions give the same requests to the byte. `batch` names this
    /// set of instructions: another set, or another attempt of it, has another one.
    fn prepare(&self, batch: Uuid, instructions: &[Instruction]) -> Prepared;

    /// What is left of a request that was refused because of these items of it, under a key of its own; absent when that is nothing, or
    /// where a request has one item. Only for a request of which it is certain that nothing was taken.
    fn without(&self, _request: &Request, _keys: &BTreeSet<String>) -> Option<Request> {
        None
    }

    /// As long as a key is remembered by the provider after it was first sent; later the same request could pay again, and is
    /// not sent by [`Rail::send`] any more.
    fn key_life(&self) -> TimeDelta;

    /// When an unclear request may be sent again, after `sends` of them; absent when it is time to look it up instead.
    fn resend_after(&self, sends: u32) -> Option<Duration>;

    /// Sends what was prepared and stored; again, when it is not known what came of it.
    async fn send(&self, sending: &Sending<'_>) -> Sent;

    /// What became of a request.
    async fn look_up(&self, question: &Question<'_>) -> Looked;

    /// Takes one item back that has not been paid, where the provider lets one.
    async fn cancel(&self, provider_id: &str) -> Cancelled;
}
