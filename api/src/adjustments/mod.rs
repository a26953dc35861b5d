//! What changes a partner's available balance beside commissions and payouts: corrections, penalties for orders that were sent in
//! vain, debts written off, store credit given to customers (asked for in `store_credit`), and reserves released by hand.
//!
//! Invariants: each has a reason, which the partner sees too, an audit row and one transfer under its id; it is posted once,
//! whatever is sent again; only a correction or a penalty may leave a balance below zero; a write-off ends at zero. Nothing is
//! edited or taken back: what was wrong is corrected by another one. The next payout pays or nets it, as an item of its own.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod service;
pub mod types;
