//! An advertiser's organisation.

use sea_orm::entity::prelude::*;

use crate::ids::BrandId;

/// When payouts are drafted without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutSchedule {
    None,
    Weekly,
    TwiceAMonth,
    Monthly,
}

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
    /// Whoever drafts payouts may not release them.
    pub payouts_need_two: bool,
    pub payout_schedule: PayoutSchedule,
    /// The day of the schedule: of the week (Monday is 1), or of the month.
    pub payout_day: i32,
    /// When payouts are drafted next.
    pub next_payouts_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
