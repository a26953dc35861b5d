//! Whom a commission rule is for, and when it counts.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            // Absent: for everybody in the program.
            uuid_null("partnership_id"),
            timestamp_with_time_zone_null("valid_from"),
            timestamp_with_time_zone_null("valid_until"),
        ] {
            manager
                .alter_table(Table::alter().table("commission_rules").add_column(column).to_owned())
                .await?;
        }
        index(manager, "commission_rules", &["program_id", "partnership_id"]).await
    }
}
