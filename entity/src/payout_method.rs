//! Where a partner is paid. What it says is sealed; what may be shown of it stands beside.

use sea_orm::entity::prelude::*;

use crate::ids::{PartnerId, PayoutMethodId};

/// What a partner is paid through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutMethodKind {
    IndianBankAccount,
    Upi,
    Paypal,
    Stripe,
    Iban,
    OtherBank,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_methods")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutMethodId,
    pub partner_id: PartnerId,
    pub kind: PayoutMethodKind,
    /// ISO 4217, for kinds whose accounts are kept in one currency that their holder names.
    #[sea_orm(column_type = "Text", nullable)]
    pub currency: Option<String>,
    /// What may be shown of it.
    #[sea_orm(column_type = "Text")]
    pub masked: String,
    /// All of it, sealed: names its key.
    #[sea_orm(column_type = "Text")]
    pub details: String,
    /// The same for the same account under the same key, hex.
    #[sea_orm(column_type = "Text")]
    pub fingerprint: String,
    /// No payout is drafted to it before.
    pub cooling_off_until: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub removed_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
