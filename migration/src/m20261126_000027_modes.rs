//! Events for trying things out beside those that count: each in its own book, under the same ids of the brand's own.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["customers", "orders", "conversions", "commissions"] {
            let mode = text("mode").default("LIVE").to_owned();
            manager
                .alter_table(Table::alter().table(table).add_column(mode).to_owned())
                .await?;
        }
        for table in ["customers", "orders"] {
            drop_index(manager, table, "brand_id_external_id").await?;
            unique_index(manager, table, &["brand_id", "mode", "external_id"]).await?;
        }
        // Lists are of one mode.
        for table in ["conversions", "commissions"] {
            for owner in ["brand_id", "partner_id"] {
                drop_index(manager, table, &format!("{owner}_id")).await?;
                index(manager, table, &[owner, "mode", "id"]).await?;
            }
        }
        Ok(())
    }
}

async fn drop_index(manager: &SchemaManager<'_>, table: &'static str, columns: &str) -> Result<(), DbErr> {
    let name = format!("{table}_{columns}");
    manager
        .drop_index(Index::drop().name(name).table(table).to_owned())
        .await
}
