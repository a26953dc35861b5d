//! A link sent to somebody's mailbox: whoever opens it has the mailbox.

use sea_orm::entity::prelude::*;

use crate::ids::UserId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_links")]
pub struct Model {
    /// SHA-256 of the token, hex.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub token_hash: String,
    pub user_id: UserId,
    pub purpose: LinkPurpose,
    /// The address it was sent to.
    #[sea_orm(column_type = "Text")]
    pub email: String,
    /// The same, normalised.
    #[sea_orm(column_type = "Text")]
    pub email_key: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkPurpose {
    /// Proves the address, which becomes the user's when it is not yet.
    VerifyEmail,
    ResetPassword,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
