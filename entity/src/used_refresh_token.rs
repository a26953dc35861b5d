//! A refresh token that was exchanged. Whoever presents it again, it was stolen.

use sea_orm::entity::prelude::*;

use crate::ids::SessionId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "used_refresh_tokens")]
pub struct Model {
    /// SHA-256 of the token, hex.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub refresh_hash: String,
    pub session_id: SessionId,
    pub used_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
