//! Money leaving to partners.
//!
//! Invariants: the draft moves the whole amount to `in_transit`, cancelling moves it back; a payout's items are portions
//! of commissions, oldest first, and of adjustments, which add up to it, negative where a clawback is made good or something was
//! taken; a commission is PAID when what of it was not kept in reserve has been paid by items, and stays PAID.
//!
//! Where a payout goes is decided when it is drafted, and written on it (`methods`). By whose credentials a provider can be
//! asked to pay is said by `rails`.
//!
//! Deliberately absent today: batches, schedules, and every rail but the manual one, where a
//! person pays and gives the bank's reference.

pub mod error;
pub mod loaders;
pub mod methods;
pub mod mutations;
pub mod rails;
pub mod reseal;
pub mod rules;
pub mod service;
pub mod settings;
pub mod statement;
pub mod subscriptions;
pub mod types;
