//! What the days of a partner come to, over the window that ends with the day they were summed.

use sea_orm::entity::prelude::*;

use crate::ids::PartnerId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partner_trust")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: PartnerId,
    pub clicks: i64,
    pub clicked: i64,
    pub sales: i64,
    pub kept: i64,
    pub reversed: i64,
    /// When a number of it last changed.
    pub measured_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
