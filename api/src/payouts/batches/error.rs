//! Why an operation on a batch is refused.

crate::error_codes! {
    /// Why an operation on a batch of payouts was refused.
    pub enum PayoutBatchErrorCode shown as PayoutBatchError {
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// A cut-off lies in the past.
        CutoffInFuture,
        /// More partnerships are named than a batch has payouts, or one of them both ways.
        PartnershipsInvalid,
        /// Nobody is due; the preview says why.
        NothingDue,
        /// The batch is not in a state from which this is possible; the message names both states.
        InvalidTransition,
        /// Whoever made it may not approve it.
        SecondPersonRequired,
        /// The batch has no payout left.
        BatchEmpty,
        /// A provider that its payouts go through is not connected any more; the message names it.
        RailNotConnected,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
    }
}
