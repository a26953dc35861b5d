//! The schema's assembly: merging the slices' roots, and what they share. Nothing here knows a business rule.

pub mod connection;
pub mod context;
pub mod cost;
pub mod executor;
pub mod feed;
pub mod guard;
pub mod node;
pub mod nullable;
pub mod objects;
pub mod payload;
pub mod scalars;
pub mod schema;
pub mod user_error;
