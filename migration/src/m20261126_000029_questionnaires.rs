//! What a program, or one of its groups, asks those who apply; and what they answered.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "questionnaires";

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
                    .col(uuid_null("group_id"))
                    .col(integer("version"))
                    // Absent: nothing of its own. A group then asks what the program asks.
                    .col(text_null("questions"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "group_id").to("partner_groups", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, TABLE, &["program_id", "version"]).await?;
        index(manager, TABLE, &["group_id", "version"]).await?;
        // SQLite adds one column a statement.
        for column in [uuid_null("questionnaire_id"), text_null("answers")] {
            manager
                .alter_table(Table::alter().table("applications").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
