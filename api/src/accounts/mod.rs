//! People: sign-up, sign-in, sessions, partner accounts, and who may do what.
//!
//! Invariants: passwords are kept as Argon2id hashes, refresh tokens and keys as SHA-256; an access token names its user
//! and session, and rights are read afresh for every request, while the session lives; a refresh token is good once, and
//! presented again it ends its session; an answer never tells whether an e-mail address has an account, but for the
//! sign-up that must refuse it; wrong passwords are counted (`throttle.rs`), and nobody's count locks out the owner; a link
//! that opens an account goes to its mailbox only, is good once and stands nowhere but as a hash (`service/links.rs`).

pub mod actor;
pub mod error;
pub mod in_use;
pub mod loaders;
pub mod mutations;
pub mod permissions;
pub mod queries;
pub mod rules;
pub mod service;
pub mod throttle;
pub mod tokens;
pub mod types;
