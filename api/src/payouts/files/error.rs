//! Why a file is refused.

crate::error_codes! {
    /// Why a file for a bank, or a bank's answer, was refused.
    pub enum PayoutFileErrorCode shown as PayoutFileError {
        /// The batch is not handed over.
        BatchNotSubmitted,
        /// Nothing is left for a file of this format: its payouts stand in one, or go elsewhere.
        NothingToExport,
        /// This format needs to know who pays.
        DebtorMissing,
        /// The format does not carry some of the payouts; the message names them and what is wrong.
        LinesInvalid,
        /// Where a partner is paid cannot be read: the key that it was sealed with is missing.
        MethodUnreadable,
        /// Something is wrong in the bank's answer; the message names rows and what is wrong. Nothing of it was taken in.
        ResultsInvalid,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// Not an amount of its currency, or zero.
        AmountInvalid,
        /// A reference has 1 to 100 characters.
        ReferenceInvalid,
    }
}
