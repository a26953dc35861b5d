//! Matching: programs that are like another one, programs for a partner, and creators for a program.
//!
//! Each match has points for what is alike, at most 100, and says for each in words what they are for. Everything is computed
//! from stored rows when it is asked for: at most 200 candidates, whatever there is, in a number of statements that does not
//! grow with them. The same question over the same rows has the same answer.
//!
//! Invariants: what the reader may not see is no candidate; what a partner is in, has asked for or has hidden is not
//! recommended to it, nor is a creator to a program that it is in, has asked or was asked into, or whose brand has hidden it;
//! no reason names another partner or program.

pub mod creators;
pub mod queries;
pub mod rules;
pub mod service;
pub mod types;
