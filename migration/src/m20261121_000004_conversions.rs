//! Orders, conversions, who is credited and what they earn.

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
                    .table("customers")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(text("external_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(ForeignKey::create().from("customers", "brand_id").to("brands", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "customers", &["brand_id", "external_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("customer_bindings")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("customer_id"))
                    .col(uuid("program_id"))
                    .col(uuid("partnership_id"))
                    .col(timestamp_with_time_zone("bound_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("customer_bindings", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("customer_bindings", "customer_id")
                            .to("customers", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("customer_bindings", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("customer_bindings", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "customer_bindings", &["customer_id", "program_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("orders")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid_null("customer_id"))
                    .col(text("external_id"))
                    .col(text("currency"))
                    .col(big_integer("amount_minor"))
                    .col(big_integer("refunded_minor"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(ForeignKey::create().from("orders", "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from("orders", "customer_id").to("customers", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "orders", &["brand_id", "external_id"]).await?;
        index(manager, "orders", &["customer_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("refunds")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("order_id"))
                    .col(big_integer("amount_minor"))
                    .col(text("currency"))
                    .col(text_null("reason"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(ForeignKey::create().from("refunds", "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from("refunds", "order_id").to("orders", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "refunds", &["order_id", "id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("conversions")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid_null("program_id"))
                    .col(uuid_null("partnership_id"))
                    .col(uuid_null("partner_id"))
                    .col(uuid_null("customer_id"))
                    .col(uuid_null("order_id"))
                    .col(text("event"))
                    .col(text("state"))
                    .col(text_null("currency"))
                    .col(big_integer("amount_minor"))
                    .col(big_integer("refunded_minor"))
                    .col(text_null("attribution_method"))
                    .col(text("attribution_explanation"))
                    .col(text("earning_explanation"))
                    .col(text_null("rejection_reason"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("hold_until"))
                    .foreign_key(ForeignKey::create().from("conversions", "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversions", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversions", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversions", "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversions", "customer_id")
                            .to("customers", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("conversions", "order_id").to("orders", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "conversions", &["brand_id", "id"]).await?;
        index(manager, "conversions", &["partner_id", "id"]).await?;
        index(manager, "conversions", &["partnership_id", "id"]).await?;
        index(manager, "conversions", &["order_id"]).await?;
        index(manager, "conversions", &["state", "hold_until"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("conversion_touches")
                    .col(uuid("id").primary_key())
                    .col(uuid("conversion_id"))
                    .col(uuid("brand_id"))
                    .col(integer("position"))
                    .col(text("kind"))
                    .col(text("evidence"))
                    .col(uuid_null("partnership_id"))
                    .col(timestamp_with_time_zone_null("touched_at"))
                    .col(text("outcome"))
                    .col(text_null("rejection"))
                    .col(text("explanation"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversion_touches", "conversion_id")
                            .to("conversions", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversion_touches", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("conversion_touches", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "conversion_touches", &["conversion_id", "position"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("commissions")
                    .col(uuid("id").primary_key())
                    .col(uuid("conversion_id"))
                    .col(uuid("brand_id"))
                    .col(uuid("program_id"))
                    .col(uuid("partnership_id"))
                    .col(uuid("partner_id"))
                    .col(integer("level"))
                    .col(uuid_null("source_id"))
                    .col(text("state"))
                    .col(text("currency"))
                    .col(big_integer("base_minor"))
                    .col(big_integer("amount_minor"))
                    .col(big_integer("reversed_minor"))
                    .col(big_integer("reserve_minor"))
                    .col(big_integer("reserve_left_minor"))
                    .col(big_integer("paid_minor"))
                    .col(text("rule_snapshot"))
                    .col(text("arithmetic"))
                    .col(timestamp_with_time_zone("hold_until"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("commissions", "conversion_id")
                            .to("conversions", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("commissions", "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("commissions", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("commissions", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("commissions", "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("commissions", "source_id")
                            .to("commissions", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "commissions", &["conversion_id", "level"]).await?;
        index(manager, "commissions", &["brand_id", "id"]).await?;
        index(manager, "commissions", &["partner_id", "id"]).await?;
        index(manager, "commissions", &["partnership_id", "id"]).await?;
        Ok(())
    }
}
