//! A program's face in the marketplace.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ListingId, ProgramId};
use crate::scope::tenant_scoped;

/// DRAFT → PUBLISHED ⇄ PAUSED → ARCHIVED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ListingState {
    Draft,
    Published,
    Paused,
    Archived,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "listings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ListingId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub state: ListingState,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub pitch: String,
    /// Lower-case slug.
    #[sea_orm(column_type = "Text")]
    pub category: String,
    /// ISO 3166-1 alpha-2 codes, comma-separated, sorted; empty means everywhere.
    #[sea_orm(column_type = "Text")]
    pub countries: String,
    /// Title, pitch, category and brand, folded for the database search.
    #[sea_orm(column_type = "Text")]
    pub search_text: String,
    pub created_at: DateTimeUtc,
    pub published_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
