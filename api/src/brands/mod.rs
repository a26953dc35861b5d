//! Brands, their API keys and what their audit log shows.
//!
//! Invariants: a brand always has an owner; a key is shown once and kept as a hash.
//!
//! Deliberately absent today: plans.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod queries;
pub mod service;
pub mod types;
