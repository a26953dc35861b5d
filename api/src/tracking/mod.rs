//! Links, clicks and promo codes: how a visit becomes a candidate for credit.
//!
//! Invariants: a click id proves itself (link, time, nonce, MAC), so attribution never waits for its row; the redirect
//! answers without a write; a touch that cannot win is kept with the reason, it never refuses an event.
//!
//! Deliberately absent today: devices, QR codes, editing and archiving of links and codes.

pub mod click_id;
pub mod clicks;
pub mod error;
pub mod links;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod types;
