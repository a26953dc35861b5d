//! Matching: programs that are like another one, and programs for a partner.
//!
//! Each match has points for what is alike, at most 100, and says for each in words what they are for. Everything is computed
//! from stored rows when it is asked for: at most 200 candidates, whatever there is, in a number of statements that does not
//! grow with them. The same question over the same rows has the same answer.
//!
//! Invariants: what the reader may not see is no candidate; what a partner is in, has asked for or has hidden is not
//! recommended to it; no reason names another partner.

pub mod queries;
pub mod rules;
pub mod service;
pub mod types;
