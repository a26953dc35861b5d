//! The partnership a customer belongs to in a program: the first one credited.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, CustomerBindingId, CustomerId, PartnershipId, ProgramId};
use crate::scope::tenant_scoped;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_bindings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerBindingId,
    pub brand_id: BrandId,
    pub customer_id: CustomerId,
    pub program_id: ProgramId,
    pub partnership_id: PartnershipId,
    pub bound_at: DateTimeUtc,
    pub expires_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
