//! Partner groups: terms between those of a program and those of one partnership.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "partner_groups";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(TABLE)
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(text("name"))
                    .col(text("name_key"))
                    // Absent: as the program has it.
                    .col(integer_null("hold_days"))
                    .col(boolean_null("auto_approve_commissions"))
                    .col(boolean("auto_approve_applications"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("archived_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, TABLE, &["program_id", "id"]).await?;
        index(manager, TABLE, &["brand_id", "id"]).await?;
        // A partial index: the name of an archived group is free again.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE UNIQUE INDEX partner_groups_one_name ON partner_groups (program_id, name_key)
                 WHERE archived_at IS NULL",
            )
            .await?;
        for (table, column) in [
            ("programs", "default_group_id"),
            ("partnerships", "group_id"),
            ("commission_rules", "group_id"),
        ] {
            manager
                .alter_table(Table::alter().table(table).add_column(uuid_null(column)).to_owned())
                .await?;
        }
        index(manager, "partnerships", &["group_id", "id"]).await?;
        index(manager, "commission_rules", &["program_id", "group_id"]).await
    }
}
