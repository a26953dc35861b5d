//! Addresses that were proved, the links that prove them, and where sessions are.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("users")
                    .add_column(timestamp_with_time_zone_null("email_verified_at"))
                    .to_owned(),
            )
            .await?;
        // One column a statement: SQLite takes no more.
        for column in ["user_agent", "client_address"] {
            manager
                .alter_table(
                    Table::alter()
                        .table("sessions")
                        .add_column(text_null(column))
                        .to_owned(),
                )
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("account_links")
                    .col(text("token_hash").primary_key())
                    .col(uuid("user_id"))
                    .col(text("purpose"))
                    .col(text("email"))
                    .col(text("email_key"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .foreign_key(ForeignKey::create().from("account_links", "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "account_links", &["user_id"]).await?;
        index(manager, "account_links", &["expires_at"]).await
    }
}
