//! Drafting batches when a brand's schedule comes round. A person approves them.

use std::collections::BTreeSet;

use entity::{
    brand,
    ids::BrandId,
    ledger_account::{self, LedgerAccountKind},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::LockType,
};

use super::{draft_batch_in_tx, notice};
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    money::Currency,
    payouts::{batches::rules, queue::service::Scope},
};

/// Brands looked at in one go.
const BATCH: u64 = 100;

/// Drafts the batches of every brand whose day has come; returns how many. A brand that cannot be drafted for keeps no other
/// waiting.
pub async fn draft_scheduled(app: &App) -> Result<usize, Fault> {
    let mut drafted = 0;
    let mut failed = None;
    let mut last = None;
    loop {
        let due = list_due(app, last).await?;
        let Some(end) = due.last() else { break };
        last = Some(*end);
        for brand in due {
            match draft_for(app, brand).await {
                Ok(batches) => drafted += batches,
                Err(fault) => {
                    tracing::error!(%brand, %fault, "scheduled payouts could not be drafted");
                    failed = Some(fault);
                }
            }
        }
    }
    failed.map_or(Ok(drafted), Err)
}

async fn list_due(app: &App, after: Option<BrandId>) -> Result<Vec<BrandId>, DbErr> {
    let select = brand::Entity::find()
        .select_only()
        .column(brand::Column::Id)
        .filter(brand::Column::NextPayoutsAt.lte(app.clock.now()));
    let select = match after {
        Some(after) => select.filter(brand::Column::Id.gt(after)),
        None => select,
    };
    select
        .order_by_asc(brand::Column::Id)
        .limit(BATCH)
        .into_tuple()
        .all(app.db.read())
        .await
}

/// Everybody who is due in any currency, in as many batches as it takes, and then the next day noted. Each batch stands for itself:
/// what interrupts this leaves the day as it is, and whoever goes on finds those drafted already not due any more.
async fn draft_for(app: &App, id: BrandId) -> Result<usize, Fault> {
    let mut drafted = 0;
    for currency in currencies(app.db.read(), id).await? {
        while draft_one(app, id, currency).await? {
            drafted += 1;
        }
    }
    let tx = app.db.begin().await?;
    if let Some(row) = lock_due_brand_in_tx(&tx, app, id).await? {
        notice::tell_in_tx(&tx, app, &row).await?;
        let next = rules::next(row.payout_schedule, row.payout_day, app.clock.now());
        brand::Entity::update(brand::ActiveModel {
            id: Set(id),
            next_payouts_at: Set(next),
            ..Default::default()
        })
        .exec_without_returning(&tx)
        .await?;
    }
    app.commit(tx).await?;
    Ok(drafted)
}

/// Drafts the next batch, in a transaction of its own: balances of two currencies in one would be locked out of order.
async fn draft_one(app: &App, id: BrandId, currency: Currency) -> Result<bool, Fault> {
    let tx = app.db.begin().await?;
    let Some(row) = lock_due_brand_in_tx(&tx, app, id).await? else {
        return Ok(false);
    };
    let scope = Scope::all_of(currency, None);
    let batch = draft_batch_in_tx(&tx, app, &Actor::system(), &row, &scope, true).await?;
    app.commit(tx).await?;
    Ok(batch.is_some())
}

/// The brand, as long as its day has come and nobody else has noted the next one.
async fn lock_due_brand_in_tx(tx: &DatabaseTransaction, app: &App, id: BrandId) -> Result<Option<brand::Model>, DbErr> {
    // Whoever posts holds a balance and names the brand: a lock that shut that out would wait for the balance, and be waited for.
    let row = brand::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(row.filter(|row| row.next_payouts_at.is_some_and(|at| at <= app.clock.now())))
}

/// Currencies that a brand owes something in.
async fn currencies(db: &impl ConnectionTrait, brand: BrandId) -> Result<BTreeSet<Currency>, DbErr> {
    let codes: Vec<String> = ledger_account::Entity::find()
        .select_only()
        .column(ledger_account::Column::Currency)
        .distinct()
        .filter(ledger_account::Column::BrandId.eq(brand))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::Available))
        .into_tuple()
        .all(db)
        .await?;
    Ok(codes.iter().filter_map(|code| code.parse().ok()).collect())
}
