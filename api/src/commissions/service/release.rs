//! Releasing reserves: what was kept back of approved commissions becomes available.

use chrono::TimeDelta;
use entity::{
    brand, commission, conversion,
    ids::{BrandId, CommissionId, PartnershipId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    partnership::{self, PartnershipState},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, JoinType, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, sea_query::Expr,
};

use super::{post_and_announce_in_tx, posting};
use crate::{app::App, error::Fault, ledger::balances};

/// Commissions of one transaction.
const BATCH: u64 = 500;

/// Releases every reserve whose time has come; of how many commissions.
pub async fn release_due(app: &App) -> Result<usize, Fault> {
    let mut released = 0;
    for (brand, days) in brands_with_reserves(app).await? {
        loop {
            let due = list_due(app, brand, days).await?;
            if due.is_empty() {
                break;
            }
            let tx = app.db.begin().await?;
            let partnerships = due.iter().map(|(_, partnership)| *partnership);
            balances::lock_all_available_in_tx(&tx, partnerships).await?;
            let ids = due.iter().map(|(id, _)| *id);
            let only = Condition::all().add(commission::Column::Id.is_in(ids));
            released += release_in_tx(&tx, app, only).await?;
            app.commit(tx).await?;
        }
    }
    Ok(released)
}

/// Releases what is kept in reserve of a partnership in a currency now, whose available balances are locked; of how many
/// commissions.
pub async fn release_all_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    partnership: PartnershipId,
    currency: &str,
) -> Result<usize, Fault> {
    let only = Condition::all()
        .add(commission::Column::PartnershipId.eq(partnership))
        .add(commission::Column::Currency.eq(currency));
    release_in_tx(tx, app, only).await
}

async fn release_in_tx(tx: &DatabaseTransaction, app: &App, only: Condition) -> Result<usize, Fault> {
    let now = app.clock.now();
    let rows = commission::Entity::find()
        .filter(only)
        .filter(in_reserve())
        .order_by_asc(commission::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    let mut postings = Vec::new();
    for row in &rows {
        postings.extend(posting(
            row,
            "released",
            TransferKind::ReserveReleased,
            now,
            [
                (LedgerAccountKind::Reserve, -row.reserve_left_minor),
                (LedgerAccountKind::Available, row.reserve_left_minor),
            ],
        )?);
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            reserve_left_minor: Set(0),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    post_and_announce_in_tx(tx, app, postings).await?;
    Ok(rows.len())
}

/// As the index of reserves says it: with a bound value, SQLite could not tell that the index is meant.
fn in_reserve() -> Expr {
    Expr::cust("commissions.reserve_left_minor > 0")
}

async fn brands_with_reserves(app: &App) -> Result<Vec<(BrandId, i32)>, DbErr> {
    let reserved = commission::Entity::find()
        .select_only()
        .column(commission::Column::BrandId)
        .filter(in_reserve())
        .into_query();
    brand::Entity::find()
        .select_only()
        .column(brand::Column::Id)
        .column(brand::Column::ReserveDays)
        .filter(brand::Column::Id.in_subquery(reserved))
        .order_by_asc(brand::Column::Id)
        .into_tuple()
        .all(app.db.read())
        .await
}

/// The next commissions of a brand that were approved so many days ago. What a banned partner is owed waits for a person.
async fn list_due(app: &App, brand: BrandId, days: i32) -> Result<Vec<(CommissionId, PartnershipId)>, DbErr> {
    commission::Entity::find()
        .select_only()
        .column(commission::Column::Id)
        .column(commission::Column::PartnershipId)
        .join(
            JoinType::InnerJoin,
            commission::Entity::belongs_to(conversion::Entity)
                .from(commission::Column::ConversionId)
                .to(conversion::Column::Id)
                .into(),
        )
        .join(
            JoinType::InnerJoin,
            commission::Entity::belongs_to(partnership::Entity)
                .from(commission::Column::PartnershipId)
                .to(partnership::Column::Id)
                .into(),
        )
        .filter(commission::Column::BrandId.eq(brand))
        .filter(in_reserve())
        .filter(conversion::Column::ApprovedAt.lte(app.clock.now() - TimeDelta::days(days.into())))
        .filter(partnership::Column::State.ne(PartnershipState::Banned))
        .order_by_asc(commission::Column::Id)
        .limit(BATCH)
        .into_tuple()
        .all(app.db.read())
        .await
}
