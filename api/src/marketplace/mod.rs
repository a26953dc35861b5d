//! The marketplace: listings, the face of programs, and how partners find them; and creators, whom brands find.
//!
//! Invariants: a program has at most one listing that is not archived; a published one had an active program with something to earn when it
//! was published; search answers ids only, rows are read again through what everyone may see.

pub mod creators;
pub mod documents;
pub mod error;
pub mod find;
pub mod indexing;
pub mod loaders;
pub mod matching;
pub mod mutations;
pub mod quality;
pub mod queries;
pub mod rules;
pub mod saved_searches;
pub mod service;
pub mod shortlists;
pub mod trust;
pub mod types;
