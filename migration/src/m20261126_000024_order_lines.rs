//! Lines of orders, rules that look at them, and commissions a line.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DatabaseBackend};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_lines(manager).await?;
        // JSON lists; absent: any product, any category.
        for column in ["product_ids", "categories"] {
            let column = text_null(column);
            manager
                .alter_table(Table::alter().table("commission_rules").add_column(column).to_owned())
                .await?;
        }
        let connection = manager.get_connection();
        // SQLite takes a reference only together with its column, and has another name for the type.
        let uuid = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => "uuid_text",
            _ => "uuid",
        };
        connection
            .execute_unprepared(&format!(
                "ALTER TABLE commissions ADD COLUMN order_line_id {uuid} REFERENCES order_lines (id)"
            ))
            .await?;
        // One commission a level of an order's line, or of an event without lines, as all before were.
        for statement in [
            "DROP INDEX commissions_conversion_id_level",
            "CREATE UNIQUE INDEX commissions_conversion_id_level ON commissions (conversion_id, level)
             WHERE order_line_id IS NULL",
            "CREATE UNIQUE INDEX commissions_conversion_id_level_order_line_id
             ON commissions (conversion_id, level, order_line_id) WHERE order_line_id IS NOT NULL",
        ] {
            connection.execute_unprepared(statement).await?;
        }
        index(manager, "commissions", &["conversion_id"]).await
    }
}

async fn create_lines(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("order_lines")
                .col(uuid("id").primary_key())
                .col(uuid("brand_id"))
                .col(uuid("order_id"))
                .col(integer("position"))
                .col(text("external_id"))
                .col(text_null("product_id"))
                .col(text_null("name"))
                .col(text_null("category"))
                .col(integer("quantity"))
                .col(big_integer("amount_minor"))
                .col(big_integer("discount_minor"))
                .col(big_integer("refunded_minor"))
                .col(integer("refunded_quantity"))
                .col(big_integer("shared_minor"))
                .foreign_key(ForeignKey::create().from("order_lines", "brand_id").to("brands", "id"))
                .foreign_key(ForeignKey::create().from("order_lines", "order_id").to("orders", "id"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, "order_lines", &["order_id", "position"]).await?;
    unique_index(manager, "order_lines", &["order_id", "external_id"]).await?;
    index(manager, "order_lines", &["brand_id"]).await
}
