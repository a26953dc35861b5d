//! What was posted is not replaced either, and commissions are not in payouts that ended.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Commissions were left behind by a payout that paid less of them than they had become meanwhile, and by one that came back while
/// another one paid something of them. What came back whole of them is reversed, as it would have been.
const LET_GO: &str = "UPDATE commissions
    SET state = CASE WHEN reversed_minor = amount_minor THEN 'REVERSED' ELSE 'APPROVED' END
    WHERE state = 'IN_PAYOUT' AND NOT EXISTS (
        SELECT 1 FROM payout_items JOIN payouts ON payouts.id = payout_items.payout_id
        WHERE payout_items.commission_id = commissions.id AND payout_items.amount_minor > 0
            AND payouts.state IN ('DRAFT', 'APPROVED', 'SUBMITTED', 'UNKNOWN'))";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            refuse_replacement(manager).await?;
        }
        manager.get_connection().execute_unprepared(LET_GO).await?;
        Ok(())
    }
}

/// `INSERT OR REPLACE` of SQLite deletes the row that is in its way, without the triggers that refuse to delete it.
async fn refuse_replacement(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for (table, same) in [
        ("ledger_transfers", "id = NEW.id OR transfer_key = NEW.transfer_key"),
        ("ledger_entries", "id = NEW.id"),
    ] {
        manager
            .get_connection()
            .execute_unprepared(&format!(
                "CREATE TRIGGER {table}_no_REPLACE BEFORE INSERT ON {table}
                 WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
                 BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            ))
            .await?;
    }
    Ok(())
}
