//! How a partnership came to its state, and a second listing for a program whose first one is over.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            timestamp_with_time_zone_null("state_since"),
            text_null("ended_by"),
            text_null("ban_reason"),
            text_null("reapply_policy"),
        ] {
            manager
                .alter_table(Table::alter().table("partnerships").add_column(column).to_owned())
                .await?;
        }
        manager
            .drop_index(Index::drop().name("listings_program_id").table("listings").to_owned())
            .await?;
        // A partial index: one listing a program that is not over, any number of archived ones.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE UNIQUE INDEX listings_one_living ON listings (program_id) WHERE state <> 'ARCHIVED'",
            )
            .await?;
        index(manager, "listings", &["program_id"]).await?;
        // What the audit log is narrowed by.
        for columns in [
            ["brand_id", "subject", "id"],
            ["brand_id", "action", "id"],
            ["brand_id", "actor", "id"],
        ] {
            index(manager, "audit_entries", &columns).await?;
        }
        Ok(())
    }
}
