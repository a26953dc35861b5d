//! Store credit of customers: what partners ask to give them, and what they spend.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TRANSFERS: &str = "store_credit_transfers";
const REDEMPTIONS: &str = "store_credit_redemptions";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let key = |from: &'static str, column: &'static str, to| {
            ForeignKey::create().from(from, column).to(to, "id").to_owned()
        };
        manager
            .create_table(
                Table::create()
                    .table(TRANSFERS)
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("program_id"))
                    .col(uuid("partnership_id"))
                    .col(uuid("partner_id"))
                    .col(uuid("customer_id"))
                    .col(text("customer_external_id"))
                    .col(text("state"))
                    .col(text("currency"))
                    .col(big_integer("amount_minor"))
                    .col(text_null("note"))
                    .col(text_null("reason"))
                    .col(uuid_null("adjustment_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("decided_at"))
                    .foreign_key(&mut key(TRANSFERS, "brand_id", "brands"))
                    .foreign_key(&mut key(TRANSFERS, "program_id", "programs"))
                    .foreign_key(&mut key(TRANSFERS, "partnership_id", "partnerships"))
                    .foreign_key(&mut key(TRANSFERS, "partner_id", "partners"))
                    .foreign_key(&mut key(TRANSFERS, "customer_id", "customers"))
                    .foreign_key(&mut key(TRANSFERS, "adjustment_id", "adjustments"))
                    .check(Expr::cust("amount_minor > 0"))
                    .to_owned(),
            )
            .await?;
        index(manager, TRANSFERS, &["brand_id", "id"]).await?;
        index(manager, TRANSFERS, &["partnership_id", "id"]).await?;
        index(manager, TRANSFERS, &["customer_id"]).await?;
        unique_index(manager, TRANSFERS, &["adjustment_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table(REDEMPTIONS)
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("customer_id"))
                    .col(text_null("order_external_id"))
                    .col(text("currency"))
                    .col(big_integer("amount_minor"))
                    .col(big_integer("left_minor"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(&mut key(REDEMPTIONS, "brand_id", "brands"))
                    .foreign_key(&mut key(REDEMPTIONS, "customer_id", "customers"))
                    .check(Expr::cust("amount_minor > 0 AND left_minor >= 0"))
                    .to_owned(),
            )
            .await?;
        index(manager, REDEMPTIONS, &["customer_id", "id"]).await?;
        for (table, column) in [
            ("ledger_accounts", "customer_id"),
            ("ledger_transfers", "redemption_id"),
        ] {
            manager
                .alter_table(Table::alter().table(table).add_column(uuid_null(column)).to_owned())
                .await?;
            index(manager, table, &[column]).await?;
        }
        Ok(())
    }
}
