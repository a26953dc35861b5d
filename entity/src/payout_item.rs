//! The portion of a commission or of an adjustment that a payout pays; negative where something is made good.

use sea_orm::entity::prelude::*;

use crate::ids::{AdjustmentId, CommissionId, PayoutId, PayoutItemId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutItemId,
    pub payout_id: PayoutId,
    /// Either this or the other.
    pub commission_id: Option<CommissionId>,
    pub adjustment_id: Option<AdjustmentId>,
    pub amount_minor: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
