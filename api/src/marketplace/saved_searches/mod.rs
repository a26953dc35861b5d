//! Searches of listings that partners keep, and that tell them what is new.
//!
//! Invariants: a listing is new to a search once, however often it is paused, changed or found again; what was there when
//! the search was saved, or its conditions changed, is not new; what the reader may not see is in no list; a search that the
//! engine could not answer is looked at again, and nothing is missed or told twice; only the partner's people see them.
//!
//! Deliberately absent: saved searches of creators.

pub mod check;
pub mod error;
pub mod loaders;
pub mod mutations;
mod rules;
pub mod service;
pub mod types;
