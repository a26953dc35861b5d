//! What each side keeps in mind about the other: a partner saves and hides listings, a brand saves and hides creators, and
//! both keep a note on each.
//!
//! Invariants: a mark is seen by the people of its owner and by nobody else, the platform included; an owner has one mark for
//! a listing or creator, and none that says nothing; marking what is so marked changes nothing, the time neither; what the
//! reader may no longer see stands in no list, and is there again when it can be seen.
//!
//! Deliberately absent: audit rows and announcements. A mark changes nothing for anybody else, and a note is nobody else's.

pub mod error;
pub mod loaders;
pub mod mutations;
mod rules;
pub mod service;
pub mod types;
