//! What refunds took of the lines they named.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("refund_lines")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("refund_id"))
                    .col(uuid("order_line_id"))
                    .col(big_integer("amount_minor"))
                    .col(integer("quantity"))
                    .foreign_key(ForeignKey::create().from("refund_lines", "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("refund_lines", "refund_id")
                            .to("refunds", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("refund_lines", "order_line_id")
                            .to("order_lines", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "refund_lines", &["refund_id", "order_line_id"]).await?;
        index(manager, "refund_lines", &["order_line_id"]).await?;
        index(manager, "refund_lines", &["brand_id"]).await
    }
}
