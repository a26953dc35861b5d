//! A person who signs in. Rights come from memberships, never from the row itself, but for the platform administrator.

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// As its holder wrote it.
    #[sea_orm(column_type = "Text")]
    pub email: String,
    /// Normalised; unique.
    #[sea_orm(column_type = "Text")]
    pub email_key: String,
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// Argon2id, PHC string.
    #[sea_orm(column_type = "Text")]
    pub password_hash: String,
    pub platform_admin: bool,
    /// When the address was proved to be this person's; absent until then.
    pub email_verified_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
