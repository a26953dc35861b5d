//! Why a change of a balance is refused.

crate::error_codes! {
    /// Why a change of a partner's balance was refused.
    pub enum AdjustmentErrorCode shown as AdjustmentError {
        /// Not an amount of the currency, zero or below, too large, or in another currency than the order.
        AmountInvalid,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// Nobody was credited with the order, or only a test of it.
        OrderNotCredited,
        /// The penalties of an order come to no more than the order did.
        PenaltyTooLarge,
        /// The balance is not below zero by so much.
        NoSuchDebt,
        /// Nothing is kept in reserve in this currency.
        NothingReserved,
    }
}
