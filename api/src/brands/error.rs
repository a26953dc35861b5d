//! Why a brand operation is refused.

crate::error_codes! {
    /// Why an operation on brands was refused.
    pub enum BrandErrorCode shown as BrandError {
        /// The name is empty or longer than 100 characters.
        NameInvalid,
        /// A slug has 3 to 30 lower-case letters, digits or hyphens, and begins with a letter.
        SlugInvalid,
        /// The slug belongs to another brand.
        SlugTaken,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// The reserve is not between 0 and 50 %.
        ReserveOutOfRange,
        /// The payout minimum is negative, too large or finer than its currency.
        PayoutMinimumInvalid,
        /// A user may own at most 10 brands.
        TooManyBrands,
        /// A brand may have at most 50 keys in use.
        TooManyApiKeys,
        /// The key was revoked before, or has expired.
        ApiKeyRevoked,
        /// The key was rotated before.
        ApiKeyReplaced,
        /// The end lies in the past, or more than 3,650 days ahead.
        ApiKeyExpiryInvalid,
        /// A rotated key works on for 0 to 168 hours.
        OverlapOutOfRange,
        /// No key of this kind may have the scope.
        ScopeNotAllowed,
    }
}
