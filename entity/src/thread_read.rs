//! How far a person has read a thread.

use sea_orm::entity::prelude::*;

use crate::ids::{MessageId, MessageThreadId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "thread_reads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub thread_id: MessageThreadId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The last message that was read; it only ever moves on.
    pub message_id: MessageId,
    pub read_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
