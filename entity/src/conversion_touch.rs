//! A candidate for the credit of a conversion, with what became of it.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, ConversionId, PartnershipId, TouchId};
use crate::scope::tenant_scoped;

/// What led to the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TouchKind {
    PromoCode,
    Click,
    CustomerBinding,
}

/// What became of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TouchOutcome {
    Won,
    Outranked,
    Rejected,
}

/// Why a touch could not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TouchRejection {
    CodeUnknown,
    CodeExpired,
    CodeExhausted,
    ClickForged,
    ClickUnknownLink,
    OutsideWindow,
    BindingExpired,
    PartnershipNotActive,
    ProgramNotActive,
    OtherProgram,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversion_touches")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TouchId,
    pub conversion_id: ConversionId,
    pub brand_id: BrandId,
    pub position: i32,
    pub kind: TouchKind,
    /// The code or click id as sent, or the binding.
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    pub partnership_id: Option<PartnershipId>,
    pub touched_at: Option<DateTimeUtc>,
    pub outcome: TouchOutcome,
    pub rejection: Option<TouchRejection>,
    #[sea_orm(column_type = "Text")]
    pub explanation: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
