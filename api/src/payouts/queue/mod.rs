//! Who is due, how much, and why not yet: one queue for all rails, a currency at a time.
//!
//! Invariants: what the queue says is what a batch would do at that moment, for both ask `rules.rs`; a partner is paid when nothing
//! stands in the way, and every reason that does is named, not only the first.

pub mod rules;
pub mod service;
pub mod types;
