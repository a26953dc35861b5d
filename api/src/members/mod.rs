//! The people of brands and partners: asked in, given roles, removed.
//!
//! Invariants: a brand always has an owner, a partner always a member; nobody gives or takes a role above their own; who is
//! removed has no rights from then on, nor have the invitations they sent. All changes of an organisation's people lock
//! its row and read the caller's role again behind the lock, so that two at once are one after the other.
//!
//! Deliberately absent today: mailing invitations; the link is shown to who invites.

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod types;
