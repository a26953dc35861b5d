//! A brand's own credentials with a provider of payouts. They are sealed; what may be shown of them stands beside.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PayoutRailConnectionId, UserId};

/// A provider of payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RailProvider {
    Paypal,
    Razorpayx,
    Stripe,
}

/// Whether money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RailEnvironment {
    Live,
    Sandbox,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_rail_connections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutRailConnectionId,
    pub brand_id: BrandId,
    pub rail: RailProvider,
    pub environment: RailEnvironment,
    /// What may be shown of them.
    #[sea_orm(column_type = "Text")]
    pub masked: String,
    /// All of them, sealed: names its key.
    #[sea_orm(column_type = "Text")]
    pub credentials: String,
    pub created_at: DateTimeUtc,
    pub created_by: UserId,
    /// Nothing new is sent with them since; what was sent is followed with the brand's newest.
    pub disconnected_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
