//! The world outside: database, clock, search, bus, mail, payout rails, pages elsewhere; `sealing`, for what leaves into the
//! database and must not be read there; and `sheets`, for what is opened in spreadsheets. Each is one trait or type, its real forms and what tests put in its place. Nothing outside
//! this folder reads the wall clock or opens a connection.

pub mod bus;
pub mod clock;
pub mod db;
pub mod mail;
pub mod rails;
pub mod sealing;
pub mod search;
pub mod sheets;
pub mod web;
