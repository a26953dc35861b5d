//! Money leaving to partners.
//!
//! Invariants: the draft moves the whole amount to `in_transit`, cancelling moves it back; a payout's items are portions
//! of commissions that add up to it, oldest first, negative where a clawback is made good; a commission is PAID when what
//! of it is payable has been paid by items, and stays PAID.
//!
//! Where a payout goes is decided when it is drafted, and written on it (`methods`).
//!
//! Deliberately absent today: batches, schedules, and every rail but the manual one, where a
//! person pays and gives the bank's reference.

pub mod error;
pub mod loaders;
pub mod methods;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod subscriptions;
pub mod types;
