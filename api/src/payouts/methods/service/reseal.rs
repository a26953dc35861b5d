//! Sealing methods anew under the key that seals now.

use entity::{
    ids::PayoutMethodId,
    payout_method::{self, Column, Entity, Model},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::ExprTrait,
};

use super::{FINGERPRINT, place_of};
use crate::{app::App, error::Fault, payouts::methods::rules::Details};

/// Rows of one transaction: few, for whoever else wants to change them waits.
const BATCH: u64 = 100;
/// Rows that did not open and are named.
const MAX_NAMED: usize = 20;

/// What became of the methods.
#[derive(Debug, Default)]
pub struct Resealed {
    /// Sealed anew.
    pub resealed: u64,
    /// Were under that key already.
    pub kept: u64,
    /// Did not open.
    pub failed: u64,
    /// Those of them that are named, with why.
    pub reasons: Vec<String>,
}

/// Seals anew every method that another key than the first one of the ring sealed, removed ones too. What does not open stays
/// as it is. Each batch is a transaction of its own: cut off and run again, it goes on where it was.
pub async fn reseal_payout_methods(app: &App) -> Result<Resealed, Fault> {
    let current = Column::Details.starts_with(app.key_ring.sealed_prefix());
    let mut report = Resealed {
        kept: Entity::find().filter(current.clone()).count(app.db.read()).await?,
        ..Resealed::default()
    };
    let mut behind = PayoutMethodId(uuid::Uuid::nil());
    loop {
        let tx = app.db.begin().await?;
        let rows = Entity::find()
            .filter(Column::Id.gt(behind))
            .filter(current.clone().not())
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .lock_exclusive()
            .all(&tx)
            .await?;
        let Some(last) = rows.last() else {
            break;
        };
        behind = last.id;
        for row in &rows {
            match reseal(app, row) {
                Ok(model) => {
                    Entity::update(model).exec_without_returning(&tx).await?;
                    report.resealed += 1;
                }
                Err(reason) => {
                    report.failed += 1;
                    if report.reasons.len() < MAX_NAMED {
                        report.reasons.push(format!("{}: {reason}", row.id));
                    }
                }
            }
        }
        tx.commit().await?;
    }
    Ok(report)
}

fn reseal(app: &App, row: &Model) -> Result<payout_method::ActiveModel, Fault> {
    let place = place_of(row.id);
    let text = app.key_ring.open(place, &row.details)?;
    let details: Details = serde_json::from_str(&text).map_err(Fault::new)?;
    Ok(payout_method::ActiveModel {
        id: Set(row.id),
        details: Set(app.key_ring.seal(&app.ids, place, &text)?),
        fingerprint: Set(app.key_ring.fingerprint(FINGERPRINT, &details.identity())?),
        ..Default::default()
    })
}
