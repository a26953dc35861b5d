//! One visit through a link. Written in batches behind the redirect; attribution never depends on it.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ClickId, PartnerId, PartnershipId, ProgramId, TrackingLinkId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "clicks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClickId,
    pub link_id: TrackingLinkId,
    pub partnership_id: PartnershipId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    pub occurred_at: DateTimeUtc,
    #[sea_orm(column_type = "Text", nullable)]
    pub referer: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub user_agent: Option<String>,
    /// The page a tag told of; absent for the redirect.
    #[sea_orm(column_type = "Text", nullable)]
    pub page_url: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
