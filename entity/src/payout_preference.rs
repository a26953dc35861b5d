//! The method a partner wants to be paid by in a currency.

use sea_orm::entity::prelude::*;

use crate::ids::{PartnerId, PayoutMethodId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_preferences")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: PartnerId,
    /// ISO 4217.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub currency: String,
    pub payout_method_id: PayoutMethodId,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
