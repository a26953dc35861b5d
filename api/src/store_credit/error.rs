//! Why an operation on store credit is refused.

crate::error_codes! {
    /// Why an operation on store credit was refused.
    pub enum StoreCreditErrorCode shown as StoreCreditError {
        /// Not an amount of the currency, zero or below, or too large.
        AmountInvalid,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// The partnership has never held anything in this currency.
        CurrencyNotHeld,
        /// A customer id has 1 to 200 characters and no spaces around it.
        CustomerIdInvalid,
        /// The brand has recorded no such customer.
        CustomerNotFound,
        /// An order id has 1 to 200 characters and no spaces around it.
        OrderIdInvalid,
        /// A note has 1 to 500 characters.
        NoteInvalid,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// The partner was banned from the program.
        PartnershipBanned,
        /// The partner has less available than that.
        InsufficientBalance,
        /// The customer has less store credit in this currency than that.
        InsufficientStoreCredit,
        /// A partnership has at most 100 requests that are open.
        TooManyRequests,
        /// The request is not open any more; the message names both states.
        InvalidTransition,
    }
}
