//! Creators: what a partner tells brands about itself, and how brands find it.
//!
//! Invariants: a profile is private until its partner publishes it; a private one is found by nobody, and seen by the partner's
//! people, the platform, and brands it has applied to or works with. What a creator says of itself (followers, audience,
//! engagement) is its word; a verified channel says whose the channel is, and vetting is the platform's word. Name, text and
//! country stand on the partner, in one place.
//!
//! Deliberately absent: numbers read from platforms.

pub mod documents;
pub mod error;
pub mod loaders;
pub mod mutations;
pub mod queries;
pub mod rules;
pub mod service;
pub mod types;
pub mod verification;
