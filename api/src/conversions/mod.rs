//! Events worth something: signups, leads, sales and refunds, however they arrive.
//!
//! Invariants: one use case per event kind, the same behind `/track` and the mutations; an event has one effect per
//! idempotency key; a sale is never refused for the state of its partner, code, click or program — such touches are
//! rejected and kept, and an event nobody wins is stored uncredited; order, conversion, touches, commissions, ledger and
//! outbox commit together or not at all.
//!
//! Deliberately absent today: line items, renewals, attaching by hand.

pub mod body;
pub mod error;
pub mod inbox;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod subscriptions;
pub mod types;
