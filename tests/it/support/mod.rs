//! What every test stands on: databases made afresh, the application over them, clients, and builders that go through
//! public operations. Whatever goes past the API is named `db_*`.

pub mod answer;
pub mod app;
pub mod builders;
pub mod database;
pub mod dice;
pub mod digest;
pub mod mail;
pub mod marketplace;
pub mod meilisearch;
pub mod postgres;
pub mod program;
pub mod schema;
pub mod smtp;
pub mod socket;
pub mod sqlite;
pub mod web;
