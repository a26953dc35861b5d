//! What a bank said of payouts, taken in once.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PayoutImportId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_imports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutImportId,
    pub brand_id: BrandId,
    /// Of what was given, hex; unique a brand.
    #[sea_orm(column_type = "Text")]
    pub sha256: String,
    /// What became of each line, as JSON.
    #[sea_orm(column_type = "Text")]
    pub outcomes: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
