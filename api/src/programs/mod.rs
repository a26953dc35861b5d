//! Programs: a brand's offers with their terms, commission rules and referral levels.
//!
//! Invariants: terms are never edited, a new text is a new version; every fixed amount is in a currency the program
//! accepts; referral levels are 1 to n without gaps; only a sale has a base that a percentage can be taken of; the state is
//! written in `service/state.rs` only; nothing of an archived program changes.
//!
//! Deliberately absent today: tiers, caps and conditions of rules.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod queries;
pub mod rules;
pub mod service;
pub mod types;
