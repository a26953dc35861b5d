//! Conversations between a brand and a partner about a program.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_threads(manager).await?;
        create_messages(manager).await?;
        create_reads(manager).await
    }
}

async fn create_threads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    const TABLE: &str = "message_threads";
    manager
        .create_table(
            Table::create()
                .table(TABLE)
                .col(uuid("id").primary_key())
                .col(uuid("program_id"))
                .col(uuid("brand_id"))
                .col(uuid("partner_id"))
                .col(uuid("last_message_id"))
                .col(timestamp_with_time_zone("last_message_at"))
                .col(integer("message_count"))
                .col(timestamp_with_time_zone("created_at"))
                .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                .foreign_key(ForeignKey::create().from(TABLE, "partner_id").to("partners", "id"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, TABLE, &["program_id", "partner_id"]).await?;
    index(manager, TABLE, &["brand_id", "last_message_id"]).await?;
    index(manager, TABLE, &["partner_id", "last_message_id"]).await
}

async fn create_messages(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    const TABLE: &str = "messages";
    manager
        .create_table(
            Table::create()
                .table(TABLE)
                .col(uuid("id").primary_key())
                .col(uuid("thread_id"))
                .col(uuid("brand_id"))
                .col(uuid("partner_id"))
                .col(text("side"))
                .col(uuid("user_id"))
                .col(text("body"))
                .col(timestamp_with_time_zone("created_at"))
                .foreign_key(
                    ForeignKey::create()
                        .from(TABLE, "thread_id")
                        .to("message_threads", "id"),
                )
                .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                .foreign_key(ForeignKey::create().from(TABLE, "partner_id").to("partners", "id"))
                .foreign_key(ForeignKey::create().from(TABLE, "user_id").to("users", "id"))
                .to_owned(),
        )
        .await?;
    index(manager, TABLE, &["thread_id", "id"]).await
}

async fn create_reads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    const TABLE: &str = "thread_reads";
    manager
        .create_table(
            Table::create()
                .table(TABLE)
                .col(uuid("thread_id"))
                .col(uuid("user_id"))
                .col(uuid("message_id"))
                .col(timestamp_with_time_zone("read_at"))
                .primary_key(Index::create().col("thread_id").col("user_id"))
                .foreign_key(
                    ForeignKey::create()
                        .from(TABLE, "thread_id")
                        .to("message_threads", "id"),
                )
                .foreign_key(ForeignKey::create().from(TABLE, "user_id").to("users", "id"))
                .foreign_key(ForeignKey::create().from(TABLE, "message_id").to("messages", "id"))
                .to_owned(),
        )
        .await?;
    index(manager, TABLE, &["user_id"]).await
}
