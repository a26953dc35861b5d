//! Where partners are paid: the accounts that a partner names, and which of them a payout goes to.
//!
//! Invariants: what a method says is sealed and never answered, only masked; a method is never changed, only added and removed;
//! every change takes the caller's password, is told by mail to the partner's people, and keeps the next payout to where money
//! did not go before waiting (`rules::newly_chosen`); a method is of one partner, and only its people see it or change it.
//! `docs/decisions/0028`.
//!
//! Deliberately absent: opening what is sealed for anything but sealing it anew; rails will.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod types;
