//! Files that a person hands to a bank, and what the bank says of them.
//!
//! Invariants: a payout stands in at most one file, so that nobody hands it over twice; a file is written once and kept, sealed, for it
//! names accounts; what a bank says is taken in whole or not at all, and once.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod service;
pub mod types;
