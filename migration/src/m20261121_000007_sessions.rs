//! What a session remembers: when it last got new tokens, and the refresh tokens it used up.

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
                    .table("sessions")
                    .add_column(timestamp_with_time_zone_null("last_used_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("used_refresh_tokens")
                    .col(text("refresh_hash").primary_key())
                    .col(uuid("session_id"))
                    .col(timestamp_with_time_zone("used_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("used_refresh_tokens", "session_id")
                            .to("sessions", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "used_refresh_tokens", &["session_id"]).await
    }
}
