//! Data from files, replayed through the same services that requests use.

pub mod invoice_file;
pub mod invoice_replay;
pub mod invoice_report;
pub mod program_file;
pub mod program_import;
pub mod program_report;
mod source;
