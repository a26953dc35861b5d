//! Mail to be sent, and what became of it.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("mails")
                    .col(uuid("id").primary_key())
                    .col(uuid_null("user_id"))
                    .col(text("kind"))
                    .col(text("recipient"))
                    .col(text("recipient_key"))
                    .col(text_null("subject"))
                    .col(text_null("body"))
                    .col(text("state"))
                    .col(text_null("last_error"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("closed_at"))
                    .foreign_key(ForeignKey::create().from("mails", "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "mails", &["recipient_key", "closed_at"]).await?;
        index(manager, "mails", &["user_id"]).await?;
        index(manager, "mails", &["created_at"]).await
    }
}
