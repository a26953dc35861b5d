//! Batches of payouts, what is sent to providers for them, files for banks, and what a brand says of when it pays.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const BATCHES: &str = "payout_batches";
const REQUESTS: &str = "payout_requests";
const FILES: &str = "payout_files";
const IMPORTS: &str = "payout_imports";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_batches(manager).await?;
        create_requests(manager).await?;
        create_files(manager).await?;
        create_imports(manager).await?;
        for (table, columns) in [
            (
                "payouts",
                vec![
                    uuid_null("batch_id"),
                    uuid_null("request_id"),
                    uuid_null("file_id"),
                    uuid_null("created_by"),
                    boolean("needs_second_person").default(false).to_owned(),
                    text_null("provider_id"),
                    text_null("provider_state"),
                    big_integer_null("fee_minor"),
                    text_null("fee_currency"),
                    text_null("failure_code"),
                    text_null("failure_reason"),
                    text_null("attention"),
                    timestamp_with_time_zone_null("submitted_at"),
                    timestamp_with_time_zone_null("failed_at"),
                    timestamp_with_time_zone_null("returned_at"),
                ],
            ),
            (
                "brands",
                vec![
                    boolean("payouts_need_two").default(false).to_owned(),
                    text("payout_schedule").default("NONE").to_owned(),
                    integer("payout_day").default(1).to_owned(),
                    timestamp_with_time_zone_null("next_payouts_at"),
                ],
            ),
            (
                "partnerships",
                vec![
                    timestamp_with_time_zone_null("payouts_held_at"),
                    text_null("payouts_held_for"),
                ],
            ),
        ] {
            // SQLite adds one column a statement.
            for column in columns {
                manager
                    .alter_table(Table::alter().table(table).add_column(column).to_owned())
                    .await?;
            }
        }
        index(manager, "payouts", &["batch_id"]).await?;
        index(manager, "payouts", &["request_id"]).await?;
        index(manager, "payouts", &["file_id"]).await?;
        index(manager, "brands", &["next_payouts_at"]).await?;
        index(manager, "ledger_accounts", &["brand_id", "kind", "currency", "id"]).await
    }
}

fn to_brands(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "brand_id")
        .to("brands", "id")
        .to_owned()
}

fn to_batches(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "batch_id")
        .to(BATCHES, "id")
        .to_owned()
}

async fn create_batches(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table(BATCHES)
                .col(uuid("id").primary_key())
                .col(uuid("brand_id"))
                .col(text("state"))
                .col(text("currency"))
                .col(timestamp_with_time_zone_null("cutoff_at"))
                .col(boolean("is_scheduled"))
                .col(boolean("needs_second_person"))
                .col(uuid_null("created_by"))
                .col(timestamp_with_time_zone("created_at"))
                .col(uuid_null("approved_by"))
                .col(timestamp_with_time_zone_null("approved_at"))
                .col(timestamp_with_time_zone_null("submitted_at"))
                .col(timestamp_with_time_zone_null("cancelled_at"))
                .foreign_key(&mut to_brands(BATCHES))
                .to_owned(),
        )
        .await?;
    index(manager, BATCHES, &["brand_id", "id"]).await
}

async fn create_requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table(REQUESTS)
                .col(uuid("id").primary_key())
                .col(uuid("brand_id"))
                .col(uuid("batch_id"))
                .col(text("rail"))
                .col(uuid_null("holder_id"))
                .col(text_null("account"))
                .col(text("request_key"))
                .col(text("body"))
                .col(text("items"))
                .col(text("state"))
                .col(text_null("provider_id"))
                .col(integer("sends"))
                .col(timestamp_with_time_zone_null("first_sent_at"))
                .col(timestamp_with_time_zone_null("last_sent_at"))
                .col(timestamp_with_time_zone_null("next_at"))
                .col(timestamp_with_time_zone_null("held_until"))
                .col(text_null("last_code"))
                .col(text_null("last_message"))
                .col(timestamp_with_time_zone("created_at"))
                .foreign_key(&mut to_brands(REQUESTS))
                .foreign_key(&mut to_batches(REQUESTS))
                .to_owned(),
        )
        .await?;
    unique_index(manager, REQUESTS, &["rail", "request_key"]).await?;
    index(manager, REQUESTS, &["provider_id"]).await?;
    index(manager, REQUESTS, &["batch_id"]).await?;
    index(manager, REQUESTS, &["next_at"]).await
}

async fn create_files(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table(FILES)
                .col(uuid("id").primary_key())
                .col(uuid("brand_id"))
                .col(uuid("batch_id"))
                .col(text("format"))
                .col(text("content"))
                .col(text("sha256"))
                .col(integer("line_count"))
                .col(big_integer("total_minor"))
                .col(text("currency"))
                .col(uuid_null("created_by"))
                .col(timestamp_with_time_zone("created_at"))
                .foreign_key(&mut to_brands(FILES))
                .foreign_key(&mut to_batches(FILES))
                .to_owned(),
        )
        .await?;
    index(manager, FILES, &["batch_id", "id"]).await
}

async fn create_imports(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table(IMPORTS)
                .col(uuid("id").primary_key())
                .col(uuid("brand_id"))
                .col(text("sha256"))
                .col(text("outcomes"))
                .col(uuid_null("created_by"))
                .col(timestamp_with_time_zone("created_at"))
                .foreign_key(&mut to_brands(IMPORTS))
                .to_owned(),
        )
        .await?;
    unique_index(manager, IMPORTS, &["brand_id", "sha256"]).await
}
