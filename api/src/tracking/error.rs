//! Why an operation on links and codes is refused.

crate::error_codes! {
    /// Why an operation on tracking links or promo codes was refused.
    pub enum TrackingErrorCode shown as TrackingError {
        /// The partnership is not active.
        PartnershipNotActive,
        /// The destination is not a page of the program's site.
        DestinationNotAllowed,
        /// A slug has 4 to 40 letters, digits or hyphens.
        SlugInvalid,
        /// The slug is in use.
        SlugTaken,
        /// The name is empty or longer than 100 characters.
        NameInvalid,
        /// A code has 3 to 40 letters, digits, hyphens or underscores.
        CodeInvalid,
        /// The brand has this code already.
        CodeTaken,
        /// The expiry lies in the past.
        ExpiryInPast,
        /// A usage limit is between 1 and a billion.
        UsageLimitInvalid,
        /// A partnership may have at most 1,000 links and 200 codes.
        TooMany,
    }
}
