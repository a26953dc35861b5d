//! Trust metrics: how programs treat their partners and how partners do, from rows of the last 90 days.
//!
//! Counted is by days of partnerships (`count.rs`): an event of the log and a written click only say which day of which
//! partnership to count again, never by how much, so that they may come twice or late. `sum.rs` adds the days of a window up
//! when one of them changed, or when a day leaves the window. `measure.rs` does both, one process at a time
//! (`jobs/periodic.rs`).
//!
//! Invariants: what is shown comes from live rows only; a number is shown with its sample, and not at all below the least
//! sample of its kind (`rules.rs`).
//!
//! Deliberately absent: amounts of several currencies in one number.

mod count;
pub mod loaders;
pub mod measure;
pub mod rules;
mod sum;
pub mod types;

pub use count::stale_in_tx;
