//! Drafting batches when a brand's schedule comes round. A person approves them.

use std::collections::BTreeSet;

use entity::{
    brand,
    ids::BrandId,
    ledger_account::{self, LedgerAccountKind},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::draft_batch_in_tx;
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    money::Currency,
    payouts::{batches::rules, queue::service::Scope},
};

/// Brands looked at in one go.
const BATCH: u64 = 100;

/// Drafts the batches of every brand whose day has come; returns how many.
pub async fn draft_scheduled(app: &App) -> Result<usize, Fault> {
    let mut drafted = 0;
    loop {
        let due: Vec<BrandId> = brand::Entity::find()
            .select_only()
            .column(brand::Column::Id)
            .filter(brand::Column::NextPayoutsAt.lte(app.clock.now()))
            .order_by_asc(brand::Column::NextPayoutsAt)
            .limit(BATCH)
            .into_tuple()
            .all(app.db.read())
            .await?;
        if due.is_empty() {
            return Ok(drafted);
        }
        for brand in due {
            drafted += draft_for(app, brand).await?;
        }
    }
}

/// One batch a currency, and the next day noted with them: neither twice nor not at all.
async fn draft_for(app: &App, id: BrandId) -> Result<usize, Fault> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let row = brand::Entity::find_by_id(id).lock_exclusive().one(&tx).await?;
    let Some(row) = row.filter(|row| row.next_payouts_at.is_some_and(|at| at <= now)) else {
        return Ok(0);
    };
    let mut drafted = 0;
    for currency in currencies(&tx, id).await? {
        let scope = Scope::all_of(currency, None);
        let batch = draft_batch_in_tx(&tx, app, &Actor::system(), &row, &scope, true).await?;
        drafted += usize::from(batch.is_some());
    }
    brand::Entity::update(brand::ActiveModel {
        id: Set(id),
        next_payouts_at: Set(rules::next(row.payout_schedule, row.payout_day, now)),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    app.commit(tx).await?;
    Ok(drafted)
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
