//! The ledger and payouts.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DatabaseBackend};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("ledger_accounts")
                    .col(uuid("id").primary_key())
                    .col(text("account_key"))
                    .col(uuid("brand_id"))
                    .col(uuid_null("partnership_id"))
                    .col(uuid_null("partner_id"))
                    .col(text("kind"))
                    .col(text("currency"))
                    .col(big_integer_null("balance_minor"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_accounts", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_accounts", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_accounts", "partner_id")
                            .to("partners", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "ledger_accounts", &["account_key"]).await?;
        index(manager, "ledger_accounts", &["brand_id"]).await?;
        index(manager, "ledger_accounts", &["partnership_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("payouts")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("program_id"))
                    .col(uuid("partnership_id"))
                    .col(uuid("partner_id"))
                    .col(text("state"))
                    .col(text("rail"))
                    .col(text("currency"))
                    .col(big_integer("amount_minor"))
                    .col(text_null("reference"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("approved_at"))
                    .col(timestamp_with_time_zone_null("paid_at"))
                    .col(timestamp_with_time_zone_null("cancelled_at"))
                    .foreign_key(ForeignKey::create().from("payouts", "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from("payouts", "program_id").to("programs", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("payouts", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("payouts", "partner_id").to("partners", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "payouts", &["brand_id", "id"]).await?;
        index(manager, "payouts", &["partner_id", "id"]).await?;
        index(manager, "payouts", &["partnership_id", "id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("payout_items")
                    .col(uuid("id").primary_key())
                    .col(uuid("payout_id"))
                    .col(uuid("commission_id"))
                    .col(big_integer("amount_minor"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("payout_items", "payout_id")
                            .to("payouts", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("payout_items", "commission_id")
                            .to("commissions", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "payout_items", &["payout_id"]).await?;
        index(manager, "payout_items", &["commission_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("ledger_transfers")
                    .col(uuid("id").primary_key())
                    .col(text("transfer_key"))
                    .col(uuid("brand_id"))
                    .col(text("kind"))
                    .col(text("currency"))
                    .col(uuid_null("commission_id"))
                    .col(uuid_null("payout_id"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_transfers", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_transfers", "commission_id")
                            .to("commissions", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_transfers", "payout_id")
                            .to("payouts", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "ledger_transfers", &["transfer_key"]).await?;
        index(manager, "ledger_transfers", &["brand_id", "id"]).await?;
        index(manager, "ledger_transfers", &["commission_id"]).await?;
        index(manager, "ledger_transfers", &["payout_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("ledger_entries")
                    .col(uuid("id").primary_key())
                    .col(uuid("transfer_id"))
                    .col(uuid("account_id"))
                    .col(big_integer("amount_minor"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_entries", "transfer_id")
                            .to("ledger_transfers", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("ledger_entries", "account_id")
                            .to("ledger_accounts", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "ledger_entries", &["transfer_id"]).await?;
        index(manager, "ledger_entries", &["account_id", "id"]).await?;
        refuse_changes(manager).await
    }
}

/// Transfers and entries are facts: the database itself refuses to change or delete them.
async fn refuse_changes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    match manager.get_database_backend() {
        DatabaseBackend::Postgres => {
            connection
                .execute_unprepared(
                    "CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
                )
                .await?;
            for table in ["ledger_transfers", "ledger_entries"] {
                connection
                    .execute_unprepared(&format!(
                        "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                         FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
                    ))
                    .await?;
            }
        }
        DatabaseBackend::Sqlite => {
            for table in ["ledger_transfers", "ledger_entries"] {
                for change in ["UPDATE", "DELETE"] {
                    connection
                        .execute_unprepared(&format!(
                            "CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table}
                             BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
                        ))
                        .await?;
                }
            }
        }
        other => return Err(DbErr::Custom(format!("unsupported database {other:?}"))),
    }
    Ok(())
}
