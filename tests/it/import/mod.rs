mod files;
mod invoices;
mod programs;

use std::path::{Path, PathBuf};

/// A file by its path from the tests' folder.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}
