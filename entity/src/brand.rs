//! An advertiser's organisation.

use sea_orm::entity::prelude::*;

use crate::ids::BrandId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "brands")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BrandId,
    /// Unique; lower case.
    #[sea_orm(column_type = "Text")]
    pub slug: String,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub website_url: String,
    /// ISO 4217 code the brand reports in.
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// Share of an approved commission kept in reserve, parts per million.
    pub reserve_ppm: i64,
    /// Days from the approval of a commission to the release of its reserve.
    pub reserve_days: i32,
    /// Smallest payout in the brand's currency, minor units.
    pub payout_minimum_minor: i64,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
