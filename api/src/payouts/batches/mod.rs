//! Payouts that are drafted, released and sent together.
//!
//! Invariants: a batch is of one brand and one currency, and of all rails; drafting it sets the money of all its payouts aside in one
//! transaction; whoever drafted it does not release it where the brand demands two; what is sent is written down before it is sent
//! (`sending`). What became of the money is said by the payouts, never by the batch.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod types;
