//! Recording signups, leads and sales: who is credited, what it earns, all in one transaction.
//!
//! The use case takes a batch, and one event is a batch of one. An event is checked alone (`check.rs`); the batch is read,
//! then decided in memory in the order of its events (`batch.rs`, `attribute.rs`), then written (`write.rs`). Nothing that is
//! refused was written, so a bad event does not harm its neighbours.

mod attribute;
mod batch;
mod check;
mod write;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{
    api_key::ApiKeyMode,
    commission_rule::ConversionEvent,
    conversion,
    ids::{BrandId, ConversionId, ProgramId},
    order::CaptureState,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveEnum, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use serde_json::json;

pub(super) use self::check::{MAX_PROMO_CODES, is_kept_click, is_kept_code};
use self::{
    batch::Batch,
    check::{Checked, check},
    write::Written,
};
use super::{Result, book::Book, lines::NewLine};
use crate::{
    accounts::actor::Actor,
    app::App,
    error::{ApiError, Fault},
    idempotency::{self, Key, Outcome, Wanted},
    outbox::{self, Fact, Topic},
};

/// How often a batch is decided again because others took the ids of its customers or orders meanwhile. Each time they
/// have them for good.
const MAX_ATTEMPTS: usize = 10;

/// An event as it came in.
#[derive(Clone, Debug)]
pub struct RecordEvent {
    pub brand: BrandId,
    pub event: ConversionEvent,
    pub program: Option<ProgramId>,
    pub customer_id: Option<String>,
    pub order_id: Option<String>,
    /// What was paid; of a sale with lines, their sum when absent.
    pub amount: Option<(Decimal, String)>,
    /// What a sale's amount is made up of; none: it is not said.
    pub lines: Vec<NewLine>,
    /// Whether a sale's money was taken with it.
    pub capture: CaptureState,
    pub promo_codes: Vec<String>,
    pub click_id: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

/// What became of one event of a batch.
pub type Recording = Result<Outcome<conversion::Model>>;

/// What a refused event means for the others of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefusal {
    /// They are recorded.
    LeaveItOut,
    /// Nothing is recorded.
    RefuseAll,
}

/// Records an event. The same idempotency key with the same content gives the first result again.
pub async fn record_conversion(app: &App, actor: &Actor, command: RecordEvent) -> Recording {
    let brand = command.brand;
    let mut recordings = record_conversions(app, actor, brand, vec![command], OnRefusal::LeaveItOut).await?;
    recordings
        .pop()
        .unwrap_or_else(|| Err(Fault::new("an event without an answer").into()))
}

/// Records events of one brand in their order, in one transaction, and says what became of each.
pub async fn record_conversions(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    commands: Vec<RecordEvent>,
    on_refusal: OnRefusal,
) -> std::result::Result<Vec<Recording>, ApiError> {
    let checked = commands.into_iter().map(|command| check(app, actor, command));
    let checked: Vec<Result<Checked>> = checked.collect();
    let refused = checked.iter().any(Result::is_err);
    if refused && on_refusal == OnRefusal::RefuseAll {
        return Ok(checked
            .into_iter()
            .map(|event| event.and_then(refuse_neighbour))
            .collect());
    }
    let events: Vec<&Checked> = checked.iter().filter_map(|event| event.as_ref().ok()).collect();
    let recordings = if events.is_empty() {
        Vec::new()
    } else {
        record_checked(app, Book::of(actor, brand), &events, on_refusal).await?
    };
    let mut recordings = recordings.into_iter();
    let recordings = checked.into_iter().map(|event| {
        event.and_then(|_| {
            recordings
                .next()
                .unwrap_or_else(|| Err(Fault::new("an event without an answer").into()))
        })
    });
    Ok(recordings.collect())
}

/// What an event in order is told when another one's refusal refused it too.
pub(super) fn neighbour_refused() -> ApiError {
    ApiError::Conflict("another event of the request was refused, and then none is recorded".to_owned())
}

fn refuse_neighbour<T, U>(_: T) -> Result<U> {
    Err(neighbour_refused().into())
}

async fn record_checked(
    app: &App,
    book: Book,
    events: &[&Checked],
    on_refusal: OnRefusal,
) -> std::result::Result<Vec<Recording>, ApiError> {
    for _ in 0..MAX_ATTEMPTS {
        let tx = app.db.begin().await.map_err(ApiError::internal)?;
        if let Some(recordings) = attempt_in_tx(&tx, app, book, events, on_refusal).await? {
            app.commit(tx).await.map_err(ApiError::internal)?;
            for recorded in recordings
                .iter()
                .flatten()
                .filter(|outcome| !outcome.replayed && book.mode == ApiKeyMode::Live)
            {
                app.metrics.recorded(recorded.value.event.to_value());
            }
            return Ok(recordings);
        }
        tx.rollback().await.map_err(ApiError::internal)?;
    }
    Err(ApiError::Conflict(
        "others record the same customers and orders right now: try again".to_owned(),
    ))
}

/// `None` when others were faster, and the batch is to be decided again.
async fn attempt_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    book: Book,
    events: &[&Checked],
    on_refusal: OnRefusal,
) -> std::result::Result<Option<Vec<Recording>>, ApiError> {
    let wanted: Vec<Wanted> = events.iter().map(|event| event.wanted.clone()).collect();
    let claims = idempotency::claim_all_in_tx(tx, app, book.keys(), &wanted).await?;
    let mut batch = Batch::load_in_tx(tx, app, book, claims, events).await?;
    let mut fates: Vec<Result<Outcome<ConversionId>>> = events.iter().map(|event| batch.decide(event)).collect();
    if on_refusal == OnRefusal::RefuseAll && fates.iter().any(Result::is_err) {
        let forgotten: HashSet<ConversionId> = batch.forget().into_iter().map(|event| event.row.id).collect();
        let fates_left = fates.into_iter().map(|fate| match fate {
            Ok(outcome) if forgotten.contains(&outcome.value) => refuse_neighbour(outcome),
            fate => fate,
        });
        fates = fates_left.collect();
    }
    let recorded = batch.recorded.iter().map(|event| event.row.clone());
    let mut rows: HashMap<ConversionId, conversion::Model> = recorded.map(|row| (row.id, row)).collect();
    if batch.write_in_tx(tx).await? == Written::Outrun {
        return Ok(None);
    }
    read_replayed_in_tx(tx, &fates, &mut rows).await?;
    let recordings = fates.into_iter().map(|fate| {
        let Outcome { value, replayed } = fate?;
        let row = rows.get(&value).cloned();
        let value = row.ok_or_else(|| Fault::new("a replayed conversion is gone"))?;
        Ok(Outcome { value, replayed })
    });
    Ok(Some(recordings.collect()))
}

/// Reads the conversions that earlier requests made.
async fn read_replayed_in_tx(
    tx: &DatabaseTransaction,
    fates: &[Result<Outcome<ConversionId>>],
    rows: &mut HashMap<ConversionId, conversion::Model>,
) -> std::result::Result<(), Fault> {
    let replayed = fates.iter().flatten().map(|outcome| outcome.value);
    let missing: Vec<ConversionId> = replayed.filter(|id| !rows.contains_key(id)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let found = conversion::Entity::find()
        .filter(conversion::Column::Id.is_in(missing))
        .all(tx)
        .await?;
    rows.extend(found.into_iter().map(|row| (row.id, row)));
    Ok(())
}

/// What is announced of a conversion: of one that only tries things out, nothing.
fn announcement(topic: Topic, row: &conversion::Model) -> Option<Fact> {
    (row.mode == ApiKeyMode::Live).then(|| Fact {
        topic,
        brand: Some(row.brand_id),
        partner: row.partner_id,
        subject: row.id.0,
        payload: json!({ "refundedMinor": row.refunded_minor }),
    })
}

/// Announces what happened to a conversion.
pub(super) async fn announce_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    topic: Topic,
    row: &conversion::Model,
) -> std::result::Result<(), Fault> {
    if let Some(fact) = announcement(topic, row) {
        outbox::enqueue_in_tx(tx, app, fact).await?;
    }
    Ok(())
}
