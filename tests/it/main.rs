//! One binary of integration tests, mirroring the program's rooms by noun. Every test drives the real router through
//! [`support::app::TestApp`], on both databases.
//!
//! `TRIBUTARY_REQUIRE_POSTGRES=1` makes a machine without PostgreSQL's server binaries fail instead of skipping.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, what cannot be unwrapped has failed the test"
)]

mod accounts;
mod adjustments;
mod authorisation;
mod brands;
mod command_line;
mod conversions;
mod crash;
mod feeds;
mod graphql;
mod http;
mod import;
mod jobs;
mod ledger;
mod mail;
mod marketplace;
mod messages;
mod metrics;
mod migration;
mod partnerships;
mod payouts;
mod programs;
mod properties;
mod rails;
mod readme;
mod search;
mod seeding;
mod states;
mod store_credit;
mod support;
mod the_loop;
mod tidy;
mod tracking;
mod verifying;
