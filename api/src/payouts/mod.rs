//! Money leaving to partners.
//!
//! Invariants: the draft moves the whole amount to `in_transit`, cancelling moves it back; a payout's items are portions
//! of commissions, oldest first, and of adjustments, which add up to it, negative where a clawback is made good or something was
//! taken; a commission is PAID when what of it was not kept in reserve has been paid by items, and stays PAID unless the payout
//! itself comes back.
//!
//! Where a payout goes is decided when it is drafted, and written on it (`methods`). `queue` says who is due, `batches` drafts and
//! releases together, `sending` brings what is released to providers and `files` to banks; however a payout ends, `service/settle.rs`
//! books it. By whose credentials a provider can be asked to pay is said by `rails`.

pub mod batches;
pub mod error;
pub mod files;
pub mod loaders;
pub mod methods;
pub mod mutations;
pub mod queue;
pub mod rails;
pub mod reseal;
pub mod rules;
pub mod sending;
pub mod service;
pub mod settings;
pub mod statement;
pub mod subscriptions;
pub mod types;
