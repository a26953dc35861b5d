//! Which rail a brand pays through, and by whose credentials: the brand's own, else the installation's.
//!
//! Invariants: credentials of a brand are sealed and never answered, only masked; they are never changed, only replaced and taken
//! away, each by whoever may release money, confirmed by their password; a brand has at most one standing connection a rail. What
//! was sent is followed by its holder's newest credentials, also when nothing new is sent with them any more. Addresses of providers
//! are the installation's configuration and nobody else's. What a provider sends is believed when it is proved by the credentials of
//! the door it came to, and a repetition is known as one. `docs/decisions/0031`.
//!
//! `registry.rs` holds the rails that are open, `rules.rs` what credentials are, `service/events.rs` takes in what providers send.
//!
//! Deliberately absent: asking a provider whether it takes what it is said to have given, for that would let anybody try keys here;
//! and forgetting credentials of brands, which what is on its way may still need.

pub mod error;
pub mod mutations;
pub mod registry;
pub mod rules;
pub mod service;
pub mod types;

pub use self::{
    registry::{Outside, Rails},
    service::{Connection, Holder, WebhookRefused, connected, open, read_webhook},
};
