//! Why an operation on payout rails is refused.

crate::error_codes! {
    /// Why an operation on payout rails was refused.
    pub enum PayoutRailErrorCode shown as PayoutRailError {
        /// The password is not the caller's.
        CredentialsInvalid,
        /// Not what the provider gives out: empty, too long, or of another form.
        ProviderCredentialsInvalid,
        /// A key for testing as a live one, or the other way round.
        EnvironmentMismatch,
        /// The brand has no credentials of its own for this rail.
        NotConnected,
    }
}
