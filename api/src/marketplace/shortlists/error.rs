//! Why a mark is refused.

crate::error_codes! {
    /// Why a mark was refused.
    pub enum MarkErrorCode shown as MarkError {
        /// A note has 1 to 2,000 characters, and no control characters but tabs and line breaks.
        NoteInvalid,
        /// A partner hides at most 1,000 listings, a brand 1,000 creators.
        TooManyHidden,
        /// A partner marks at most 5,000 listings, a brand 5,000 creators.
        TooManyMarks,
    }
}
