//! How programs and partners do: what is counted of a partnership's days, and what that comes to.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        days(manager).await?;
        earnings(manager).await?;
        waits(manager).await?;
        sums(manager).await?;
        bookkeeping(manager).await?;
        // A day of a partnership, of a program's approvals and payouts.
        index(manager, "conversions", &["partnership_id", "occurred_at"]).await?;
        index(manager, "conversions", &["program_id", "approved_at"]).await?;
        index(manager, "commissions", &["partnership_id", "occurred_at"]).await?;
        index(manager, "payouts", &["program_id", "paid_at"]).await?;
        clicks_so_far(manager).await
    }
}

/// Clicks are counted once they are named; what else there is, the log names.
async fn clicks_so_far(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let day = match manager.get_database_backend() {
        DbBackend::Postgres => "CAST(floor(extract(epoch FROM occurred_at) / 86400) AS integer)",
        _ => "CAST(strftime('%s', occurred_at) AS integer) / 86400",
    };
    manager
        .get_connection()
        .execute_unprepared(&format!(
            "INSERT INTO trust_stale_days (partnership_id, day) SELECT DISTINCT partnership_id, {day} FROM clicks"
        ))
        .await
        .map(drop)
}

async fn days(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("trust_days")
                .col(uuid("partnership_id"))
                .col(integer("day"))
                .col(uuid("program_id"))
                .col(uuid("partner_id"))
                .col(big_integer("clicks"))
                .col(big_integer("clicked"))
                .col(big_integer("sales"))
                .col(big_integer("kept"))
                .col(big_integer("reversed"))
                .col(big_integer("approved"))
                .col(big_integer("rejected"))
                .primary_key(Index::create().col("partnership_id").col("day"))
                .foreign_key(
                    ForeignKey::create()
                        .from("trust_days", "partnership_id")
                        .to("partnerships", "id"),
                )
                .to_owned(),
        )
        .await?;
    index(manager, "trust_days", &["program_id", "day"]).await?;
    index(manager, "trust_days", &["partner_id", "day"]).await?;
    index(manager, "trust_days", &["day"]).await
}

async fn earnings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("trust_earnings")
                .col(uuid("partnership_id"))
                .col(integer("day"))
                .col(text("currency"))
                .col(uuid("program_id"))
                .col(big_integer("commissions"))
                .col(big_integer("earned_minor"))
                .primary_key(Index::create().col("partnership_id").col("day").col("currency"))
                .foreign_key(
                    ForeignKey::create()
                        .from("trust_earnings", "partnership_id")
                        .to("partnerships", "id"),
                )
                .to_owned(),
        )
        .await?;
    index(manager, "trust_earnings", &["program_id", "day"]).await
}

async fn waits(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("trust_waits")
                .col(uuid("program_id"))
                .col(integer("day"))
                .col(text("step"))
                .col(integer("days"))
                .col(big_integer("count"))
                .primary_key(Index::create().col("program_id").col("day").col("step").col("days"))
                .foreign_key(
                    ForeignKey::create()
                        .from("trust_waits", "program_id")
                        .to("programs", "id"),
                )
                .to_owned(),
        )
        .await?;
    index(manager, "trust_waits", &["day"]).await
}

async fn sums(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("program_trust")
                .col(uuid("program_id").primary_key())
                .col(big_integer("clicks"))
                .col(big_integer("clicked"))
                .col(big_integer("kept"))
                .col(big_integer("reversed"))
                .col(big_integer("approved"))
                .col(big_integer("rejected"))
                .col(text_null("currency"))
                .col(big_integer("earned_minor"))
                .col(integer_null("approve_days"))
                .col(big_integer("approvals"))
                .col(integer_null("pay_days"))
                .col(big_integer("payments"))
                .col(timestamp_with_time_zone("measured_at"))
                .foreign_key(
                    ForeignKey::create()
                        .from("program_trust", "program_id")
                        .to("programs", "id"),
                )
                .to_owned(),
        )
        .await?;
    index(manager, "program_trust", &["measured_at"]).await?;
    manager
        .create_table(
            Table::create()
                .table("partner_trust")
                .col(uuid("partner_id").primary_key())
                .col(big_integer("clicks"))
                .col(big_integer("clicked"))
                .col(big_integer("sales"))
                .col(big_integer("kept"))
                .col(big_integer("reversed"))
                .col(timestamp_with_time_zone("measured_at"))
                .foreign_key(
                    ForeignKey::create()
                        .from("partner_trust", "partner_id")
                        .to("partners", "id"),
                )
                .to_owned(),
        )
        .await?;
    index(manager, "partner_trust", &["measured_at"]).await
}

async fn bookkeeping(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("trust_stale_days")
                .col(uuid("partnership_id"))
                .col(integer("day"))
                .primary_key(Index::create().col("partnership_id").col("day"))
                .foreign_key(
                    ForeignKey::create()
                        .from("trust_stale_days", "partnership_id")
                        .to("partnerships", "id"),
                )
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("trust_progress")
                .col(text("name").primary_key())
                .col(big_integer("position"))
                .col(integer("day"))
                .to_owned(),
        )
        .await
}
