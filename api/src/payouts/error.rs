//! Why a payout operation is refused.

crate::error_codes! {
    /// Why an operation on payouts was refused.
    pub enum PayoutErrorCode shown as PayoutError {
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// Nothing is available in this currency.
        NothingAvailable,
        /// Less is available than the brand's smallest payout.
        BelowMinimum,
        /// The partner was banned, and commissions of it are pending: approve or reject them first.
        PartnershipNotPayable,
        /// Where the partner is paid in this currency was changed a short while ago; the message says until when to wait.
        PayoutMethodCoolingOff,
        /// The payout is not in a state from which this is possible; the message names both states.
        InvalidTransition,
        /// A reference has 1 to 100 characters.
        ReferenceInvalid,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// Payouts to this partner are held; the message says why.
        PayoutsHeld,
        /// Payouts to this partner are not held.
        PayoutsNotHeld,
        /// The payout is part of a batch, and is released with it.
        PayoutInBatch,
        /// Whoever drafted it may not release it.
        SecondPersonRequired,
        /// A provider pays it: what became of it is not said by hand.
        PaidByProvider,
        /// Nobody can be asked to take it back; the message says why.
        RecallNotPossible,
        /// The provider does not take it back; the message says it in its words.
        RecallRefused,
        /// It is not known whether the provider took it back; it is being looked up.
        RecallUnclear,
    }
}
