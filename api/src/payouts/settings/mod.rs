//! How a brand pays: what it keeps in reserve and how long, and the smallest payout.

pub mod error;
pub mod mutations;
pub mod service;
pub mod types;
