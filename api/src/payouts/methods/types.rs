//! Payout methods as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{PartnerId, PayoutMethodId},
    payout, payout_method,
};

use super::{
    error::{PayoutMethodError, PayoutMethodErrorCode},
    loaders::PreferredFor,
    rules::{self, BankAccount, Details, IbanAccount, IndianAccount},
    service,
};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::Partner,
        scalars::{CountryCode, CurrencyCode},
    },
    page, payload,
};

/// What a partner is paid through.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "payout_method::PayoutMethodKind")]
pub enum PayoutMethodKind {
    /// An account of a bank in India. Receives INR.
    IndianBankAccount,
    /// A UPI address. Receives INR.
    Upi,
    /// A PayPal account. Receives the 24 currencies that PayPal keeps balances in.
    Paypal,
    /// A connected account of Stripe. Receives any currency.
    Stripe,
    /// An account with an IBAN. Receives its currency.
    Iban,
    /// An account of any other bank. Receives its currency.
    OtherBank,
}

/// Where a partner is paid. What it says is encrypted and only shown masked, to the partner's people alone; it is never
/// changed: add another one, and remove this.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PayoutMethod {
    /// Global id.
    pub id: ID,
    /// What it is.
    pub kind: PayoutMethodKind,
    /// What may be shown of it: the last signs of a number, or the first of an address, such as `DE***3000` or
    /// `m***@example.com`.
    pub masked: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    row: payout_method::Model,
}

impl From<payout_method::Model> for PayoutMethod {
    fn from(row: payout_method::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            kind: row.kind.into(),
            masked: row.masked.clone(),
            created_at: row.created_at,
            row,
        }
    }
}

#[ComplexObject]
impl PayoutMethod {
    /// The currencies it receives; absent when it receives any.
    async fn currencies(&self) -> Option<Vec<CurrencyCode>> {
        let all = rules::currencies(&self.row)?;
        Some(all.into_iter().map(|code| CurrencyCode(code.to_owned())).collect())
    }

    /// The currencies in which payouts go to it because it was preferred (`setPreferredPayoutMethod`). In others they go to the
    /// oldest method that receives them.
    async fn preferred_for(&self, ctx: &Context<'_>) -> Result<Option<Vec<CurrencyCode>>, ApiError> {
        let codes = ctx.load(PreferredFor(self.row.id)).await?.unwrap_or_default();
        Ok(Some(codes.into_iter().map(CurrencyCode).collect()))
    }

    /// No payout is drafted to it before then: it was added or preferred a short while ago, or what was before it was removed.
    /// Absent when that is over.
    async fn cooling_off_until(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        Some(self.row.cooling_off_until).filter(|until| *until > ctx.app().clock.now())
    }
}

connection! {
    /// Where a partner is paid.
    PayoutMethodConnection, PayoutMethodEdge of PayoutMethod
}

/// Where a payout goes, as that was when it was drafted.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PayoutDestination {
    /// What it is paid through.
    pub kind: PayoutMethodKind,
    /// What may be shown of it, such as `DE***3000`.
    pub masked: String,
    #[graphql(skip)]
    id: PayoutMethodId,
}

impl PayoutDestination {
    /// Of a payout that names one.
    #[must_use]
    pub fn of(row: &payout::Model) -> Option<Self> {
        Some(Self {
            kind: row.payout_method_kind?.into(),
            masked: row.payout_method_masked.clone()?,
            id: row.payout_method_id?,
        })
    }

    /// Of a payout that is not drafted yet.
    #[must_use]
    pub fn of_method(row: &payout_method::Model) -> Self {
        Self {
            kind: row.kind.into(),
            masked: row.masked.clone(),
            id: row.id,
        }
    }
}

#[ComplexObject]
impl PayoutDestination {
    /// The partner's payout method; absent when it was removed, and for whoever is not of the partner's people.
    async fn payout_method(&self, ctx: &Context<'_>) -> Result<Option<PayoutMethod>, ApiError> {
        Ok(ctx.load(self.id).await?.map(PayoutMethod::from))
    }
}

/// What payout methods add to `Partner`.
#[derive(Clone)]
pub struct MethodsOfPartner(pub PartnerId);

#[Object]
impl MethodsOfPartner {
    /// Where it is paid, the newest first: at most 10. For the partner's people only.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn payout_methods(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PayoutMethodConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_payout_methods(ctx.app(), ctx.actor(), self.0, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// An account of a bank in India.
#[derive(InputObject)]
pub struct IndianBankAccountInput {
    /// Whose it is: 3 to 120 characters.
    pub holder_name: String,
    /// 5 to 35 letters or digits; blanks and hyphens do not count.
    pub account_number: String,
    /// The branch: four letters, a zero, six letters or digits.
    pub ifsc: String,
}

/// A UPI address.
#[derive(InputObject)]
pub struct UpiInput {
    /// 3 to 100 characters, such as `maya@okbank`.
    pub address: String,
}

/// A PayPal account.
#[derive(InputObject)]
pub struct PaypalInput {
    /// Its e-mail address: at most 127 characters.
    pub email: String,
}

/// A connected account of Stripe.
#[derive(InputObject)]
pub struct StripeInput {
    /// `acct_…`
    pub account_id: String,
}

/// An account with an IBAN.
#[derive(InputObject)]
pub struct IbanInput {
    /// Whose it is: 1 to 70 characters.
    pub holder_name: String,
    /// Country, length and check digits must be right; blanks do not count.
    pub iban: String,
    /// 8 or 11 letters and digits. SEPA needs none.
    pub bic: Option<String>,
    /// What it is kept in, and receives.
    #[graphql(default_with = "CurrencyCode(\"EUR\".to_owned())")]
    pub currency: CurrencyCode,
}

/// An account of any other bank. Says by `bic`, `routingCode` or both which bank that is.
#[derive(InputObject)]
pub struct OtherBankInput {
    /// Whose it is: 1 to 140 characters.
    pub holder_name: String,
    /// Where the bank is.
    pub country: CountryCode,
    /// 5 to 35 letters or digits; blanks and hyphens do not count.
    pub account_number: String,
    /// How the country calls the bank (ABA, sort code, BSB, …): 3 to 20 letters, digits or hyphens.
    pub routing_code: Option<String>,
    /// 8 or 11 letters and digits.
    pub bic: Option<String>,
    /// 1 to 100 characters. Shown with the last signs of the number.
    pub bank_name: String,
    /// What it is kept in, and receives.
    pub currency: CurrencyCode,
}

/// What a payout method says: exactly one of these.
#[derive(OneofObject)]
pub enum PayoutMethodDetailsInput {
    /// An account of a bank in India.
    IndianBankAccount(IndianBankAccountInput),
    /// A UPI address.
    Upi(UpiInput),
    /// A PayPal account.
    Paypal(PaypalInput),
    /// A connected account of Stripe.
    Stripe(StripeInput),
    /// An account with an IBAN.
    Iban(IbanInput),
    /// An account of any other bank.
    OtherBank(OtherBankInput),
}

impl From<PayoutMethodDetailsInput> for Details {
    fn from(input: PayoutMethodDetailsInput) -> Self {
        use PayoutMethodDetailsInput as Input;
        match input {
            Input::IndianBankAccount(account) => Self::IndianBankAccount(IndianAccount {
                holder_name: account.holder_name,
                account_number: account.account_number,
                ifsc: account.ifsc,
            }),
            Input::Upi(upi) => Self::Upi { address: upi.address },
            Input::Paypal(paypal) => Self::Paypal { email: paypal.email },
            Input::Stripe(stripe) => Self::Stripe {
                account: stripe.account_id,
            },
            Input::Iban(account) => Self::Iban(IbanAccount {
                holder_name: account.holder_name,
                iban: account.iban,
                bic: account.bic,
                currency: account.currency.0,
            }),
            Input::OtherBank(account) => Self::OtherBank(BankAccount {
                holder_name: account.holder_name,
                country: account.country.0,
                account_number: account.account_number,
                routing_code: account.routing_code,
                bic: account.bic,
                bank_name: account.bank_name,
                currency: account.currency.0,
            }),
        }
    }
}

/// An account to be paid to.
#[derive(InputObject)]
pub struct AddPayoutMethodInput {
    /// Whose.
    pub partner_id: ID,
    /// Which account.
    pub details: PayoutMethodDetailsInput,
    /// The caller's password.
    pub current_password: String,
}

/// A method to prefer.
#[derive(InputObject)]
pub struct SetPreferredPayoutMethodInput {
    /// The method.
    pub id: ID,
    /// Which payouts: those in this currency, which the method must receive.
    pub currency: CurrencyCode,
    /// The caller's password.
    pub current_password: String,
}

/// A method to take away.
#[derive(InputObject)]
pub struct RemovePayoutMethodInput {
    /// The method.
    pub id: ID,
    /// The caller's password.
    pub current_password: String,
}

payload! {
    /// What `addPayoutMethod` answers.
    AddPayoutMethodPayload {
        /// The method, masked.
        payout_method: PayoutMethod
    } refused by PayoutMethodError, PayoutMethodErrorCode
}

payload! {
    /// What `setPreferredPayoutMethod` answers.
    SetPreferredPayoutMethodPayload {
        /// The method as it is now.
        payout_method: PayoutMethod
    } refused by PayoutMethodError, PayoutMethodErrorCode
}

payload! {
    /// What `removePayoutMethod` answers.
    RemovePayoutMethodPayload {
        /// Whose method it was.
        partner: Partner
    } refused by PayoutMethodError, PayoutMethodErrorCode
}
