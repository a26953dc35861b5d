//! Adjustments of balances, what a payout pays of them, and when reserves are released.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const ADJUSTMENTS: &str = "adjustments";
const ITEMS: &str = "payout_items";
const NEW_ITEMS: &str = "payout_items_new";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("brands")
                    .add_column(integer("reserve_days").default(30))
                    .to_owned(),
            )
            .await?;
        // What is kept in reserve is little beside all commissions.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX commissions_in_reserve ON commissions (brand_id, id) WHERE reserve_left_minor > 0",
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(ADJUSTMENTS)
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("program_id"))
                    .col(uuid("partnership_id"))
                    .col(uuid("partner_id"))
                    .col(uuid_null("order_id"))
                    .col(text("kind"))
                    .col(text("currency"))
                    .col(big_integer("amount_minor"))
                    .col(text("reason"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(ForeignKey::create().from(ADJUSTMENTS, "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from(ADJUSTMENTS, "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(ADJUSTMENTS, "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(ADJUSTMENTS, "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(ForeignKey::create().from(ADJUSTMENTS, "order_id").to("orders", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, ADJUSTMENTS, &["partnership_id", "id"]).await?;
        index(manager, ADJUSTMENTS, &["order_id"]).await?;
        manager
            .alter_table(
                Table::alter()
                    .table("ledger_transfers")
                    .add_column(uuid_null("adjustment_id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "ledger_transfers", &["adjustment_id"]).await?;
        items_of_either(manager).await
    }
}

/// An item pays a portion of a commission or of an adjustment. SQLite changes no column: the table is made anew, with what is in
/// it.
async fn items_of_either(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table(NEW_ITEMS)
                .col(uuid("id").primary_key())
                .col(uuid("payout_id"))
                .col(uuid_null("commission_id"))
                .col(uuid_null("adjustment_id"))
                .col(big_integer("amount_minor"))
                .foreign_key(ForeignKey::create().from(NEW_ITEMS, "payout_id").to("payouts", "id"))
                .foreign_key(
                    ForeignKey::create()
                        .from(NEW_ITEMS, "commission_id")
                        .to("commissions", "id"),
                )
                .foreign_key(
                    ForeignKey::create()
                        .from(NEW_ITEMS, "adjustment_id")
                        .to(ADJUSTMENTS, "id"),
                )
                .check(Expr::cust("(commission_id IS NULL) <> (adjustment_id IS NULL)"))
                .to_owned(),
        )
        .await?;
    manager
        .get_connection()
        .execute_unprepared(
            "INSERT INTO payout_items_new (id, payout_id, commission_id, amount_minor)
             SELECT id, payout_id, commission_id, amount_minor FROM payout_items",
        )
        .await?;
    manager.drop_table(Table::drop().table(ITEMS).to_owned()).await?;
    manager
        .rename_table(Table::rename().table(NEW_ITEMS, ITEMS).to_owned())
        .await?;
    index(manager, ITEMS, &["payout_id"]).await?;
    index(manager, ITEMS, &["commission_id"]).await?;
    index(manager, ITEMS, &["adjustment_id"]).await
}
