//! Why an account operation is refused.

crate::error_codes! {
    /// Why an operation on accounts was refused.
    pub enum AccountErrorCode shown as AccountError {
        /// Not an e-mail address.
        EmailInvalid,
        /// The address already has an account.
        EmailTaken,
        /// A password has 10 to 200 characters.
        PasswordLength,
        /// The name is empty or longer than 100 characters.
        NameInvalid,
        /// E-mail address and password do not belong together.
        CredentialsInvalid,
        /// The address is the account's already.
        EmailUnchanged,
        /// The link from a mail is unknown, was used or has run out.
        LinkInvalid,
        /// The refresh token is unknown, expired or was used before.
        RefreshTokenInvalid,
        /// The caller has no such session, or it is over.
        SessionNotFound,
        /// A handle has 3 to 30 lower-case letters, digits or hyphens, and begins with a letter.
        HandleInvalid,
        /// The handle belongs to somebody else.
        HandleTaken,
        /// Longer than 2,000 characters.
        BioTooLong,
        /// A user may have at most 10 partner accounts.
        TooManyPartners,
    }
}
