//! A file that a person hands to a bank.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, PayoutBatchId, PayoutFileId, UserId};
use crate::scope::tenant_scoped;

/// What it is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutFileFormat {
    NeutralCsv,
    SepaXml,
    WiseCsv,
    PaypalCsv,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutFileId,
    pub brand_id: BrandId,
    pub batch_id: PayoutBatchId,
    pub format: PayoutFileFormat,
    /// Sealed: it names accounts.
    #[sea_orm(column_type = "Text")]
    pub content: String,
    /// Of the content, hex.
    #[sea_orm(column_type = "Text")]
    pub sha256: String,
    pub line_count: i32,
    pub total_minor: i64,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
