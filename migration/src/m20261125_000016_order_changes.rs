//! What becomes of an order after its sale: amendments, captures and chargebacks.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            big_integer("charged_back_minor").default(0).to_owned(),
            big_integer("released_minor").default(0).to_owned(),
            text("capture_state").default("CAPTURED").to_owned(),
            big_integer("captured_minor").default(0).to_owned(),
        ] {
            manager
                .alter_table(Table::alter().table("orders").add_column(column).to_owned())
                .await?;
        }
        manager
            .alter_table(
                Table::alter()
                    .table("conversions")
                    .add_column(timestamp_with_time_zone_null("approved_at"))
                    .to_owned(),
            )
            .await?;
        // The ledger knows when a commission was approved; a conversion without commissions says it by its state.
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "UPDATE conversions SET approved_at = (SELECT MIN(t.occurred_at) FROM ledger_transfers t
                 JOIN commissions c ON c.id = t.commission_id
                 WHERE c.conversion_id = conversions.id AND t.kind = 'COMMISSION_APPROVED')",
            )
            .await?;
        connection
            .execute_unprepared(
                "UPDATE conversions SET approved_at = created_at WHERE approved_at IS NULL AND state = 'APPROVED'",
            )
            .await?;
        create_chargebacks(manager).await?;
        create_amendments(manager).await?;
        create_captures(manager).await
    }
}

async fn create_chargebacks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = of_order("chargebacks")
        .col(text("reference"))
        .col(text("state"))
        .col(big_integer("amount_minor"))
        .col(text("currency"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone("occurred_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("resolved_at"))
        .to_owned();
    manager.create_table(table).await?;
    unique_index(manager, "chargebacks", &["order_id", "reference"]).await?;
    index(manager, "chargebacks", &["brand_id"]).await
}

async fn create_amendments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = of_order("order_amendments")
        .col(integer("number"))
        .col(big_integer("from_minor"))
        .col(big_integer("to_minor"))
        .col(text("currency"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone("occurred_at"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned();
    manager.create_table(table).await?;
    unique_index(manager, "order_amendments", &["order_id", "number"]).await?;
    index(manager, "order_amendments", &["brand_id"]).await
}

async fn create_captures(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = of_order("captures")
        .col(big_integer("amount_minor"))
        .col(text("currency"))
        .col(boolean("is_final"))
        .col(timestamp_with_time_zone("occurred_at"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "captures", &["order_id", "id"]).await?;
    index(manager, "captures", &["brand_id"]).await
}

/// A table of things that happen to an order, with its first columns.
fn of_order(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("id").primary_key())
        .col(uuid("brand_id"))
        .col(uuid("order_id"))
        .foreign_key(ForeignKey::create().from(name, "brand_id").to("brands", "id"))
        .foreign_key(ForeignKey::create().from(name, "order_id").to("orders", "id"))
        .to_owned()
}
