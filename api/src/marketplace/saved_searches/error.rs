//! Why an operation on saved searches is refused.

crate::error_codes! {
    /// Why an operation on saved searches was refused.
    pub enum SavedSearchErrorCode shown as SavedSearchError {
        /// A name has 1 to 80 characters on one line.
        NameInvalid,
        /// The conditions take more than 10,000 bytes.
        SearchTooLarge,
        /// A partner keeps at most 20 searches.
        TooManySearches,
    }
}
