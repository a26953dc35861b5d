//! An account of the double-entry ledger. Accounts of partners and customers cache their balance; brand accounts are summed when
//! asked.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, CustomerId, LedgerAccountId, PartnerId, PartnershipId};
use crate::scope::tenant_scoped;

/// The chart of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LedgerAccountKind {
    Pending,
    Available,
    Reserve,
    InTransit,
    StoreCredit,
    CommissionExpense,
    PenaltyIncome,
    BadDebt,
    StoreCreditRedeemed,
    PayoutFeeExpense,
    Funding,
    CashBank,
    CashRazorpayx,
    CashPaypal,
    CashStripe,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerAccountId,
    /// Owner, kind and currency in one text; unique.
    #[sea_orm(column_type = "Text")]
    pub account_key: String,
    pub brand_id: BrandId,
    pub partnership_id: Option<PartnershipId>,
    pub partner_id: Option<PartnerId>,
    pub customer_id: Option<CustomerId>,
    pub kind: LedgerAccountKind,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// Credit-positive; absent on brand accounts.
    pub balance_minor: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
