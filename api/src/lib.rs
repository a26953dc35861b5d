//! Tributary: one GraphQL API over a two-sided marketplace for affiliate, referral and creator programs.
//!
//! `ARCHITECTURE.md` at the root is the map. The slices, each of which may call services only of those before it:
//! accounts, brands, members, programs, marketplace, partnerships, messages, tracking, commissions, conversions, payouts. `ledger`,
//! `outbox`, `queue` and `mail` lie below them all.

pub mod accounts;
pub mod adjustments;
pub mod app;
pub mod audit;
pub mod bench;
pub mod brands;
pub mod cli;
pub mod commissions;
pub mod config;
pub mod conversions;
pub mod demo;
pub mod error;
pub mod fake_rails;
pub mod feed;
pub mod graphql;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod import;
pub mod infra;
pub mod jobs;
pub mod keys;
pub mod lease;
pub mod ledger;
pub mod mail;
pub mod marketplace;
pub mod members;
pub mod messages;
pub mod metrics;
pub mod money;
pub mod outbox;
pub mod page;
pub mod partnerships;
pub mod payouts;
pub mod programs;
pub mod queue;
pub mod seeding;
pub mod serve;
pub mod store_credit;
pub mod tracking;
