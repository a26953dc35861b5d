//! A partner accepted one version of a program's terms. Never changed; accepting again adds nothing.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PartnerId, ProgramId, ProgramTermsId, TermsAcceptanceId, UserId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "terms_acceptances")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TermsAcceptanceId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub partner_id: PartnerId,
    pub terms_id: ProgramTermsId,
    /// That of the terms.
    pub version: i32,
    /// Who did it in the partner's name; absent where nobody wrote it down.
    pub user_id: Option<UserId>,
    /// The address the request came from.
    #[sea_orm(column_type = "Text", nullable)]
    pub client_address: Option<String>,
    pub accepted_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
