//! Pure decisions: what a method says, and which one a payout goes to.

pub(in crate::payouts) mod details;

use std::collections::BTreeSet;

use entity::{
    ids::PayoutMethodId,
    payout_method::{Model, PayoutMethodKind as Kind},
    payout_preference,
};

pub use self::details::{BankAccount, Details, IbanAccount, IndianAccount};

/// Methods of a partner at a time.
pub const MAX_METHODS: u64 = 10;

const INDIAN: &[&str] = &["INR"];
/// What PayPal lets balances be kept in.
const PAYPAL: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK",
    "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
];
/// Stands for every currency that nothing here names.
const ANY_OTHER: &str = "";

/// What a method receives; `None` for any currency.
#[must_use]
pub fn currencies(method: &Model) -> Option<Vec<&str>> {
    match (method.kind, &method.currency) {
        (Kind::IndianBankAccount | Kind::Upi, _) => Some(INDIAN.to_vec()),
        (Kind::Paypal, _) => Some(PAYPAL.to_vec()),
        (Kind::Iban | Kind::OtherBank, Some(currency)) => Some(vec![currency]),
        (Kind::Iban | Kind::OtherBank, None) => Some(Vec::new()),
        (Kind::Stripe, _) => None,
    }
}

#[must_use]
pub fn receives(method: &Model, currency: &str) -> bool {
    currencies(method).is_none_or(|all| all.contains(&currency))
}

/// The methods of a partner, the oldest first, with what it prefers.
#[derive(Clone, Copy, Debug)]
pub struct Methods<'a> {
    pub all: &'a [Model],
    pub preferred: &'a [payout_preference::Model],
}

impl<'a> Methods<'a> {
    /// Where a payout in a currency goes: to the method that is preferred for it, else to the oldest that receives it.
    #[must_use]
    pub fn chosen(self, currency: &str) -> Option<&'a Model> {
        let preferred = self
            .preferred
            .iter()
            .find(|preference| preference.currency == currency)
            .and_then(|preference| self.all.iter().find(|method| method.id == preference.payout_method_id));
        preferred.or_else(|| self.all.iter().find(|method| receives(method, currency)))
    }

    /// The currencies that tell these methods apart.
    fn currencies(self) -> BTreeSet<&'a str> {
        let received = self.all.iter().filter_map(currencies).flatten();
        let preferred = self.preferred.iter().map(|preference| preference.currency.as_str());
        received.chain(preferred).chain([ANY_OTHER]).collect()
    }
}

/// The methods that money of some currency goes to after a change, and did not before: they begin to cool off.
#[must_use]
pub fn newly_chosen(before: Methods<'_>, after: Methods<'_>) -> BTreeSet<PayoutMethodId> {
    let id = |methods: Methods<'_>, currency: &str| methods.chosen(currency).map(|method| method.id);
    before
        .currencies()
        .union(&after.currencies())
        .filter(|currency| id(before, currency) != id(after, currency))
        .filter_map(|currency| id(after, currency))
        .collect()
}

/// What the partner's people are told.
pub struct Notice<'a> {
    /// Whom it is written to.
    pub person: &'a str,
    pub partner: &'a str,
    /// Who did it.
    pub by: &'a str,
    /// What was done, and to which method.
    pub what: &'a str,
}

impl Notice<'_> {
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            person,
            partner,
            by,
            what,
        } = self;
        format!(
            "Hello {person},\n\n{by} changed where {partner} is paid: {what}\n\nIf nobody of you meant to, sign in, undo it and \
             change the password of {by}'s account. Payouts that are drafted already go where they were to go.\n"
        )
    }
}

/// How people call a kind.
#[must_use]
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::IndianBankAccount => "Indian bank account",
        Kind::Upi => "UPI",
        Kind::Paypal => "PayPal",
        Kind::Stripe => "Stripe",
        Kind::Iban => "IBAN",
        Kind::OtherBank => "bank account",
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::ids::PartnerId;
    use uuid::Uuid;

    use super::*;

    fn method(id: u128, kind: Kind, currency: Option<&str>) -> Model {
        Model {
            id: PayoutMethodId(Uuid::from_u128(id)),
            partner_id: PartnerId(Uuid::nil()),
            kind,
            currency: currency.map(str::to_owned),
            masked: String::new(),
            details: String::new(),
            fingerprint: String::new(),
            cooling_off_until: DateTime::UNIX_EPOCH,
            created_at: DateTime::UNIX_EPOCH,
            removed_at: None,
        }
    }

    fn preference(id: u128, currency: &str) -> payout_preference::Model {
        payout_preference::Model {
            partner_id: PartnerId(Uuid::nil()),
            currency: currency.to_owned(),
            payout_method_id: PayoutMethodId(Uuid::from_u128(id)),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    fn ids(found: BTreeSet<PayoutMethodId>) -> Vec<u128> {
        found.into_iter().map(|id| id.0.as_u128()).collect()
    }

    #[test]
    fn a_payout_goes_to_what_is_preferred_else_to_the_oldest_that_receives_it() {
        let all = [
            method(1, Kind::Upi, None),
            method(2, Kind::Iban, Some("EUR")),
            method(3, Kind::Paypal, None),
        ];
        let preferred = [preference(3, "EUR")];
        let methods = Methods {
            all: &all,
            preferred: &preferred,
        };
        let chosen = |currency| methods.chosen(currency).map(|method| method.id.0.as_u128());
        assert_eq!(chosen("EUR"), Some(3));
        assert_eq!(chosen("INR"), Some(1));
        assert_eq!(chosen("USD"), Some(3));
        assert_eq!(chosen("KWD"), None, "nobody receives it");
        let without = Methods {
            all: &all,
            preferred: &[],
        };
        assert_eq!(without.chosen("EUR").unwrap().id.0.as_u128(), 2);
    }

    #[test]
    fn what_money_goes_to_anew_is_found_in_every_currency() {
        let (iban, paypal, stripe) = (
            method(1, Kind::Iban, Some("EUR")),
            method(2, Kind::Paypal, None),
            method(3, Kind::Stripe, None),
        );
        let of = |all, preferred| Methods { all, preferred };
        let all = [iban.clone(), paypal.clone(), stripe.clone()];
        let before = of(&all, &[]);
        // Another preference moves euros.
        let prefers = [preference(2, "EUR")];
        assert_eq!(ids(newly_chosen(before, of(&all, &prefers))), [2]);
        // Saying what holds already moves nothing.
        let same = [preference(1, "EUR")];
        assert_eq!(ids(newly_chosen(before, of(&all, &same))), [0_u128; 0]);
        // Without the bank account euros go to PayPal; without PayPal, dollars go to Stripe.
        let without_iban = [paypal, stripe.clone()];
        assert_eq!(ids(newly_chosen(before, of(&without_iban, &[]))), [2]);
        let without_paypal = [iban.clone(), stripe];
        assert_eq!(ids(newly_chosen(before, of(&without_paypal, &[]))), [3]);
        // What is added receives what nobody did.
        assert_eq!(ids(newly_chosen(of(&[iban], &[]), before)), [2, 3]);
    }
}
