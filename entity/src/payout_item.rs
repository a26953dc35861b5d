//! The portion of a commission that a payout pays; negative where a clawback is made good.

use sea_orm::entity::prelude::*;

use crate::ids::{CommissionId, PayoutId, PayoutItemId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutItemId,
    pub payout_id: PayoutId,
    pub commission_id: CommissionId,
    pub amount_minor: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
