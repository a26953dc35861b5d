//! What a conversion earns, at level 0 and up the referral tree, and what becomes of it.
//!
//! Invariants: a commission keeps a frozen copy of its rule, its base and its arithmetic; it is in its sale's currency;
//! overrides approve, reject and reverse with their source; cumulative reversals are round-half-even(C × r / B) and so do
//! not depend on the order of refunds; a paid commission is never edited, what comes back is a clawback beside it.
//!
//! What is kept in reserve of an approved commission is released once, when its brand's days are over or by hand.
//!
//! Deliberately absent today: conditions, tiers, caps.

pub mod loaders;
pub mod rules;
pub mod service;
pub mod subscriptions;
pub mod types;
