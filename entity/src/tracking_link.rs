//! A short link of a partnership to a destination.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerId, PartnershipId, ProgramId, TrackingLinkId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tracking_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TrackingLinkId,
    pub partnership_id: PartnershipId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    /// Unique in the installation.
    #[sea_orm(column_type = "Text")]
    pub slug: String,
    #[sea_orm(column_type = "Text")]
    pub destination_url: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub name: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
