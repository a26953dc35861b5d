//! The money: double entry, append only, integers in minor units. Every balance shown anywhere is derived from here.
//!
//! Invariants, checked by [`verify`]: a transfer sums to zero in one currency; entries are never changed (the database
//! refuses it); a cached balance equals the sum of its entries; a cause posts once, by its key; only `AVAILABLE` may go
//! below zero. Accounts with a cached balance are touched in the order of their keys, so that two use cases never wait
//! for each other in a circle; a brand's own accounts are never locked, they are summed when asked.
//!
//! Deliberately absent today: fees.

pub mod balances;
pub mod entries;
pub mod post;
pub mod types;
pub mod verify;
