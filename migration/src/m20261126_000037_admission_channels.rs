//! Programs may ask applicants for followers, and for a channel that is proved to be theirs.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column a statement.
        for column in [
            integer_null("minimum_followers"),
            boolean("requires_verified_channel").default(false).to_owned(),
        ] {
            manager
                .alter_table(Table::alter().table("admission_policies").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
