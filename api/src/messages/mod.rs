//! What a brand and a partner write to each other.
//!
//! Invariants: a partner and a program have one thread, from the invitation or application on through the partnership, however
//! often the partner leaves and comes back; it begins with its first message; message ids grow within a thread, whatever the
//! clocks of two processes say, so that "read up to" is one id, which only moves on; what is over can be read and not written.
//!
//! Deliberately absent: changing and deleting messages, attachments, mail about them, audit rows (a message is its own record).

pub mod error;
pub mod loaders;
pub mod mutations;
pub mod rules;
pub mod service;
pub mod subscriptions;
pub mod types;
