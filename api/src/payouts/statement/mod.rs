//! Statements: every entry of a partner's accounts, with what it left there.

pub mod service;
pub mod types;
