//! A partner asks that some of what it has available becomes store credit of a customer.

use sea_orm::entity::prelude::*;

use crate::ids::{AdjustmentId, BrandId, CustomerId, PartnerId, PartnershipId, ProgramId, StoreCreditTransferId};
use crate::scope::tenant_scoped;

/// REQUESTED → APPROVED | REFUSED | WITHDRAWN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StoreCreditTransferState {
    Requested,
    Approved,
    Refused,
    Withdrawn,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "store_credit_transfers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StoreCreditTransferId,
    pub brand_id: BrandId,
    pub program_id: ProgramId,
    pub partnership_id: PartnershipId,
    pub partner_id: PartnerId,
    pub customer_id: CustomerId,
    /// As the partner wrote it, which does not see customers.
    #[sea_orm(column_type = "Text")]
    pub customer_external_id: String,
    pub state: StoreCreditTransferState,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// Above zero.
    pub amount_minor: i64,
    /// The partner's, for the brand.
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    /// Of a refusal, for the partner.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// What took it from the partner; of an approved one. Unique.
    pub adjustment_id: Option<AdjustmentId>,
    pub created_at: DateTimeUtc,
    /// When it was approved, refused or withdrawn.
    pub decided_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
