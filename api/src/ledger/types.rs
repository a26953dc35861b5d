//! Balances as the schema shows them.

use std::collections::{BTreeMap, HashMap};

use async_graphql::{Context, Enum, Object, SimpleObject, dataloader::Loader};
use entity::{
    ids::{BrandId, PartnerId, PartnershipId},
    ledger_account,
};
use sea_orm::ActiveEnum;

use crate::{
    accounts::{actor::Place, permissions::Operation},
    error::ApiError,
    graphql::{
        context::{Batch, ContextExt, LoadError},
        scalars::{CurrencyCode, Money},
    },
    ledger::balances::{self, Balance},
};

/// Accounts of the double-entry ledger.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "ledger_account::LedgerAccountKind")]
pub enum LedgerAccountKind {
    /// Owed to partners once approved.
    Pending,
    /// Owed to partners and ready to be paid.
    Available,
    /// Kept back against refunds.
    Reserve,
    /// In payouts that are not finished.
    InTransit,
    /// What customers can spend.
    StoreCredit,
    /// What commissions cost the brand.
    CommissionExpense,
    /// What partners were charged for orders that were sent in vain.
    PenaltyIncome,
    /// Debts of partners that the brand gave up.
    BadDebt,
    /// What customers have spent of store credit.
    StoreCreditRedeemed,
    /// What providers took for paying out.
    PayoutFeeExpense,
    /// What was brought to banks and providers to pay out of.
    Funding,
    /// Paid out by hand and through the bank.
    CashBank,
    /// Paid out through RazorpayX.
    CashRazorpayx,
    /// Paid out through PayPal.
    CashPaypal,
    /// Paid out through Stripe.
    CashStripe,
}

/// What a partnership holds in one currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct PartnershipBalance {
    /// The currency; amounts of different currencies never mix.
    pub currency: CurrencyCode,
    /// Earned, waiting for the hold period and approval.
    pub pending: Money,
    /// Approved and not paid out. Below zero when more was clawed back than was left: carried forward.
    pub available: Money,
    /// Kept back against refunds.
    pub reserve: Money,
    /// In payouts that are not finished.
    pub in_transit: Money,
}

impl PartnershipBalance {
    fn stored(currency: &str, balance: &Balance) -> Result<Self, ApiError> {
        Ok(Self {
            currency: CurrencyCode(currency.to_owned()),
            pending: Money::stored(balance.pending_minor, currency)?,
            available: Money::stored(balance.available_minor, currency)?,
            reserve: Money::stored(balance.reserve_minor, currency)?,
            in_transit: Money::stored(balance.in_transit_minor, currency)?,
        })
    }
}

/// The sum of one kind of account of a brand in one currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct LedgerBalance {
    /// The kind of account.
    pub account: LedgerAccountKind,
    /// Credit-positive: liabilities are positive, expenses and cash spent from funds come out as the ledger has them.
    pub balance: Money,
}

/// Balances of a partnership, as a loader key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BalancesOf(pub PartnershipId);

impl Loader<BalancesOf> for Batch {
    type Value = BTreeMap<String, Balance>;
    type Error = LoadError;

    async fn load(&self, keys: &[BalancesOf]) -> Result<HashMap<BalancesOf, Self::Value>, LoadError> {
        let ids: Vec<PartnershipId> = keys.iter().map(|key| key.0).collect();
        let balances = balances::list_balances(&self.app, &ids).await?;
        Ok(balances
            .into_iter()
            .map(|(id, balances)| (BalancesOf(id), balances))
            .collect())
    }
}

/// The ledger's part of `Partnership`.
#[derive(Clone)]
pub struct BalancesOfPartnership {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl BalancesOfPartnership {
    /// What the partnership holds, one entry a currency. Empty until something was earned.
    async fn balances(&self, ctx: &Context<'_>) -> Result<Option<Vec<PartnershipBalance>>, ApiError> {
        ctx.actor()
            .authorise(Operation::SeeBalances, Place::shared(self.brand, self.partner))?;
        let balances = ctx.load(BalancesOf(self.partnership)).await?.unwrap_or_default();
        balances
            .iter()
            .map(|(currency, balance)| PartnershipBalance::stored(currency, balance))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// The ledger's part of `Brand`.
#[derive(Clone)]
pub struct LedgerOfBrand(pub BrandId);

#[Object]
impl LedgerOfBrand {
    /// The brand's ledger, summed by kind of account and currency. For those who see money.
    async fn ledger_balances(&self, ctx: &Context<'_>) -> Result<Option<Vec<LedgerBalance>>, ApiError> {
        ctx.actor().authorise(Operation::SeeLedger, Place::brand(self.0))?;
        let totals = balances::list_brand_totals(ctx.app(), self.0)
            .await
            .map_err(ApiError::internal)?;
        let mut shown = Vec::new();
        for total in totals {
            let kind = ledger_account::LedgerAccountKind::try_from_value(&total.kind).map_err(ApiError::internal)?;
            shown.push(LedgerBalance {
                account: kind.into(),
                balance: Money::stored(total.total_minor, &total.currency)?,
            });
        }
        Ok(Some(shown))
    }
}
