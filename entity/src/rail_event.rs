//! An event that a provider of payouts sent, remembered so that its repetitions are known.

use sea_orm::entity::prelude::*;

use crate::payout_rail_connection::RailProvider;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rail_events")]
pub struct Model {
    /// At whose door it came: a brand's id, or `installation`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub holder: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub rail: RailProvider,
    /// The provider's, the same in every repetition.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub event_id: String,
    /// In the provider's own words.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    pub received_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
