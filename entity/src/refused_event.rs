//! An event of a brand that was refused for what it said, kept until somebody has dealt with it.

use sea_orm::entity::prelude::*;

use crate::api_key::ApiKeyMode;
use crate::ids::{ApiKeyId, BrandId, RefusedEventId, UserId};
use crate::scope::tenant_scoped;

/// OPEN → REPLAYED | RECORDED_LATER | DISMISSED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusedEventState {
    Open,
    Replayed,
    RecordedLater,
    Dismissed,
}

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    Signup,
    Lead,
    Sale,
    Refund,
    Amendment,
    Capture,
    Chargeback,
    ChargebackResolution,
    /// It does not even say what it tells of.
    Unreadable,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refused_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefusedEventId,
    pub brand_id: BrandId,
    pub kind: EventKind,
    pub mode: ApiKeyMode,
    pub state: RefusedEventState,
    /// The path or the mutation it came through.
    #[sea_orm(column_type = "Text")]
    pub door: String,
    /// Who sent it: a key or a user.
    pub api_key_id: Option<ApiKeyId>,
    pub user_id: Option<UserId>,
    /// As its `/track` door takes it, without secrets, cut at a bound.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub body_cut: bool,
    /// SHA-256 of kind, mode, code and the whole body, hex; unique in the brand.
    #[sea_orm(column_type = "Text")]
    pub content_hash: String,
    #[sea_orm(column_type = "Text")]
    pub code: String,
    #[sea_orm(column_type = "Text")]
    pub message: String,
    /// A dotted path.
    #[sea_orm(column_type = "Text", nullable)]
    pub field: Option<String>,
    /// The brand's own ids, as far as they could be read.
    #[sea_orm(column_type = "Text", nullable)]
    pub order_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub customer_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub idempotency_key: Option<String>,
    /// How often it was refused.
    pub attempts: i32,
    /// The global id of what it became.
    #[sea_orm(column_type = "Text", nullable)]
    pub became: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub dismissal_reason: Option<String>,
    pub created_at: DateTimeUtc,
    pub last_seen_at: DateTimeUtc,
    pub closed_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
