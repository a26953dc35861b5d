//! A signed-in device: the refresh token behind its short access tokens.

use sea_orm::entity::prelude::*;

use crate::ids::{SessionId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub user_id: UserId,
    /// SHA-256 of the current refresh token, hex; unique.
    #[sea_orm(column_type = "Text")]
    pub refresh_hash: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
    /// When a request last came in it, to the minute; absent until one did.
    pub last_used_at: Option<DateTimeUtc>,
    /// What the client called itself when it last got tokens.
    #[sea_orm(column_type = "Text", nullable)]
    pub user_agent: Option<String>,
    /// Where it was then.
    #[sea_orm(column_type = "Text", nullable)]
    pub client_address: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
