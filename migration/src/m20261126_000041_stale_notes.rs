//! Whoever has a day to be counted again writes a note of its own: one that was shared could be taken for done while somebody's
//! clicks behind it were not committed yet.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

const NOTES: &str = "trust_stale_days";
const OLD: &str = "trust_stale_days_old";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .rename_table(Table::rename().table(NOTES, OLD).to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(NOTES)
                    .col(big_integer("seq").auto_increment().primary_key())
                    .col(uuid("partnership_id"))
                    .col(integer("day"))
                    .foreign_key(
                        ForeignKey::create()
                            .from(NOTES, "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .get_connection()
            .execute_unprepared(
                "INSERT INTO trust_stale_days (partnership_id, day) SELECT partnership_id, day FROM trust_stale_days_old",
            )
            .await?;
        manager.drop_table(Table::drop().table(OLD).to_owned()).await
    }
}
