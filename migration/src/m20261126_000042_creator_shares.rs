//! Shares of creators in parts per million, as all the others are; they were kept in basis points.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

const CHANNELS: &str = "creator_channels";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(CHANNELS)
                    .add_column(big_integer_null("engagement_ppm"))
                    .to_owned(),
            )
            .await?;
        for change in [
            "UPDATE creator_channels SET engagement_ppm = engagement_bps * 100",
            // `DE:4000,FR:2500` becomes `DE:400000,FR:250000`.
            "UPDATE creator_profiles SET audience = replace(audience, ',', '00,') || '00' WHERE audience <> ''",
        ] {
            manager.get_connection().execute_unprepared(change).await?;
        }
        manager
            .alter_table(Table::alter().table(CHANNELS).drop_column("engagement_bps").to_owned())
            .await
    }
}
