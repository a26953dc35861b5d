//! What a key may do and until when: its mode, its scopes, its end, and which key took its place.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            // Keys made before there was a choice count for real.
            text("mode").default("LIVE").to_owned(),
            // Names with spaces between; absent: everything its kind allows.
            text_null("scopes"),
            timestamp_with_time_zone_null("expires_at"),
            timestamp_with_time_zone_null("last_used_at"),
            uuid_null("replaces_id"),
            uuid_null("replaced_by_id"),
        ] {
            manager
                .alter_table(Table::alter().table("api_keys").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
