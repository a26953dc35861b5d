//! What a partner tells brands about itself as a creator, beside what stands on the partner: its name, text and country.

use sea_orm::entity::prelude::*;

use crate::ids::{CreatorProfileId, PartnerId};

/// Whether a creator takes work now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Availability {
    Open,
    Limited,
    Closed,
}

/// PRIVATE ⇄ PUBLIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visibility {
    Private,
    Public,
}

/// What the platform makes of a creator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Vetting {
    Unvetted,
    Verified,
    Trusted,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "creator_profiles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CreatorProfileId,
    /// Unique.
    pub partner_id: PartnerId,
    #[sea_orm(column_type = "Text", nullable)]
    pub headline: Option<String>,
    /// Millionths of a degree, rounded to hundredths of one: a town, never a house. Both or neither.
    pub latitude_micro: Option<i32>,
    pub longitude_micro: Option<i32>,
    /// Primary tags of BCP 47, comma-separated, sorted.
    #[sea_orm(column_type = "Text")]
    pub languages: String,
    /// Lower-case slugs like those of listings, comma-separated, sorted.
    #[sea_orm(column_type = "Text")]
    pub niches: String,
    /// One a line, in the order given.
    #[sea_orm(column_type = "Text")]
    pub media_kit_urls: String,
    /// `DE:400000,FR:250000`: parts per million of the audience, the greatest first.
    #[sea_orm(column_type = "Text")]
    pub audience: String,
    /// `POST:EUR:25000,STORY:EUR:9900`: in minor units, in the order given.
    #[sea_orm(column_type = "Text")]
    pub rates: String,
    pub availability: Availability,
    pub visibility: Visibility,
    pub vetting: Vetting,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
