//! Why an operation on payout methods is refused.

crate::error_codes! {
    /// Why an operation on payout methods was refused.
    pub enum PayoutMethodErrorCode shown as PayoutMethodError {
        /// The password is not the caller's.
        CredentialsInvalid,
        /// The name of an account's holder has 1 to 140 characters on one line; 3 to 120 for an Indian account, at most 70 with an IBAN.
        HolderNameInvalid,
        /// Not an account number: 5 to 35 letters or digits.
        AccountNumberInvalid,
        /// Not an IFSC: four letters, a zero, six letters or digits.
        IfscInvalid,
        /// Not a UPI address of 3 to 100 characters, such as `maya@okbank`.
        UpiAddressInvalid,
        /// Not an e-mail address of at most 127 characters.
        EmailInvalid,
        /// Not the id of a Stripe account: `acct_` and 14 to 64 letters or digits.
        StripeAccountInvalid,
        /// Not an IBAN: the country, its length or the check digits are wrong.
        IbanInvalid,
        /// Not a BIC: 8 or 11 letters and digits.
        BicInvalid,
        /// Not a routing code: 3 to 20 letters, digits or hyphens.
        RoutingCodeInvalid,
        /// Neither a BIC nor a routing code says which bank it is.
        BankNotIdentified,
        /// The name of a bank has 1 to 100 characters on one line.
        BankNameInvalid,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// The method cannot receive this currency.
        CurrencyNotReceived,
        /// The partner has this account already.
        AlreadyAdded,
        /// A partner has at most 10 payout methods.
        TooManyMethods,
    }
}
