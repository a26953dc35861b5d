//! Statements: every entry of a partner's accounts, with what it left there, in pages or as a file.

pub mod export;
pub mod service;
pub mod types;
