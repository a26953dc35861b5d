//! What partners give to customers of what they have earned, and what customers spend of it.
//!
//! Invariants: a request goes from REQUESTED to APPROVED, REFUSED or WITHDRAWN once, and holds no money meanwhile: what counts is
//! what is available when it is approved; an approved one is one adjustment of the partner's balance and one transfer to the
//! customer's account; a redemption takes no more than is there, and is made once under its key; a customer's account is never
//! below zero. Partners name customers as the brand's systems do, and see nothing of them.
//!
//! Deliberately absent: taking store credit back from a customer, and an end of it.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod types;
