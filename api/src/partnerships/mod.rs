//! Applications, the partnerships they become, and the referral tree between them.
//!
//! Invariants: a partner has at most one open application and one partnership per program, which comes back when the
//! partner does; the state of an application is written in `service/decide.rs` only, that of a partnership in
//! `service/standing.rs`; the tree has no cycle and is
//! at most ten deep; `partnership_ancestors` holds one row for each partnership above another, written in the transaction
//! that changes an edge, so that an upline is read in one statement.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod queries;
pub mod rules;
pub mod service;
pub mod subscriptions;
pub mod types;
