//! How a refused event leaves the inbox: put aside by a person, found recorded after all, or forgotten with time.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::{
    idempotency_key,
    ids::{CaptureId, ChargebackId, ConversionId, OrderAmendmentId, RefundId, RefusedEventId, TypedId},
    refused_event::{ActiveModel, Column, Entity, EventKind, Model, RefusedEventState},
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{Result, check_open, get, rules};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    conversions::service::check_reason,
    error::Fault,
};

/// Days after which an event that was not refused again is forgotten, dealt with or not.
pub const KEPT_DAYS: i64 = 90;
/// Rows of one transaction of what is done periodically.
const BATCH: u64 = 500;

/// Puts a refused event aside, with a reason.
pub async fn dismiss_refused_event(app: &App, actor: &Actor, id: RefusedEventId, reason: &str) -> Result<Model> {
    let reason = check_reason(reason)?;
    let tx = app.db.begin().await?;
    let row = get(&tx, actor, Operation::DismissRefusedEvent, id).await?;
    check_open(&row, RefusedEventState::Dismissed)?;
    let end = End {
        state: RefusedEventState::Dismissed,
        became: None,
        reason: Some(reason),
    };
    let row = close_in_tx(&tx, app, actor, row, end).await?;
    check_closed(&row, RefusedEventState::Dismissed)?;
    tx.commit().await?;
    Ok(row)
}

fn check_closed(row: &Model, wanted: RefusedEventState) -> Result<()> {
    if row.state == wanted {
        Ok(())
    } else {
        check_open(row, wanted)
    }
}

/// How it ends.
pub(super) struct End {
    pub state: RefusedEventState,
    /// The global id of what it became.
    pub became: Option<String>,
    pub reason: Option<String>,
}

/// Closes a refused event that is open; the row as it stands then, which is another's doing when another was faster.
pub(super) async fn close_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: Model,
    end: End,
) -> std::result::Result<Model, Fault> {
    let now = app.clock.now();
    let closed = Entity::update_many()
        .set(ActiveModel {
            state: Set(end.state),
            became: Set(end.became.clone()),
            dismissal_reason: Set(end.reason.clone()),
            closed_at: Set(Some(now)),
            ..Default::default()
        })
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq(RefusedEventState::Open))
        .exec(tx)
        .await?;
    if closed.rows_affected == 0 {
        let row = Entity::find_by_id(row.id).one(tx).await?;
        return row.ok_or_else(|| Fault::new("a refused event was forgotten while it was closed"));
    }
    let action = match end.state {
        RefusedEventState::Dismissed => "refused_event.dismissed",
        RefusedEventState::RecordedLater => "refused_event.recorded_later",
        RefusedEventState::Open | RefusedEventState::Replayed => "refused_event.replayed",
    };
    let reason = end.reason.as_deref().or(end.became.as_deref());
    let change = Change::of_state(row.brand_id, action, row.id, &row.state, &end.state, reason);
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(Model {
        state: end.state,
        became: end.became,
        dismissal_reason: end.reason,
        closed_at: Some(now),
        ..row
    })
}

/// Events recorded since they were refused: under their own idempotency key, or a sale under its order's id. The sender sent
/// them again and got through, which is looked up now and then so that a good event pays nothing for it.
fn recorded_since() -> SimpleExpr {
    let operations: Vec<String> = EventKind::iter()
        .filter_map(|kind| {
            let operation = rules::keyed_operation(kind)?;
            Some(format!("WHEN '{}' THEN '{operation}'", kind.to_value()))
        })
        .collect();
    Expr::cust(format!(
        "((refused_events.code <> 'IDEMPOTENCY_KEY_REUSED' AND EXISTS (
            SELECT 1 FROM idempotency_keys k
            WHERE k.tenant_id = refused_events.brand_id AND k.key = refused_events.idempotency_key
              AND k.created_at >= refused_events.created_at
              AND k.operation = CASE refused_events.kind {} END))
        OR (refused_events.kind = 'SALE'
            AND refused_events.code NOT IN ('IDEMPOTENCY_KEY_REUSED', 'ORDER_ALREADY_RECORDED') AND EXISTS (
            SELECT 1 FROM orders o
            WHERE o.brand_id = refused_events.brand_id AND o.mode = refused_events.mode
              AND o.external_id = refused_events.order_id
              AND o.created_at >= refused_events.created_at)))",
        operations.join(" ")
    ))
}

/// Closes what has been recorded since.
pub async fn close_recorded(app: &App) -> std::result::Result<(), Fault> {
    loop {
        let tx = app.db.begin().await?;
        let rows = Entity::find()
            .filter(Column::State.eq(RefusedEventState::Open))
            .filter(recorded_since())
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .all(&tx)
            .await?;
        let full = rows.len() as u64 == BATCH;
        let made = made_under_in_tx(&tx, &rows).await?;
        for row in rows {
            let became = made.get(&name_of(&row)).map(|id| global_id(row.kind, *id));
            let end = End {
                state: RefusedEventState::RecordedLater,
                became,
                reason: None,
            };
            close_in_tx(&tx, app, &Actor::system(), row, end).await?;
        }
        tx.commit().await?;
        if !full {
            return Ok(());
        }
    }
}

type KeyName = (Uuid, String, String);

fn name_of(row: &Model) -> KeyName {
    let operation = rules::keyed_operation(row.kind).unwrap_or_default();
    let key = row.idempotency_key.clone().unwrap_or_default();
    (row.brand_id.0, operation.to_owned(), key)
}

/// What was made under the keys of these events.
async fn made_under_in_tx(
    tx: &DatabaseTransaction,
    rows: &[Model],
) -> std::result::Result<HashMap<KeyName, Uuid>, DbErr> {
    use idempotency_key::{Column, Entity};
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let brands: Vec<Uuid> = rows.iter().map(|row| row.brand_id.0).collect();
    let keys: Vec<&str> = rows.iter().filter_map(|row| row.idempotency_key.as_deref()).collect();
    let found = Entity::find()
        .filter(Column::TenantId.is_in(brands))
        .filter(Column::Key.is_in(keys))
        .all(tx)
        .await?;
    Ok(found
        .into_iter()
        .filter_map(|row| Some(((row.tenant_id, row.operation, row.key), row.outcome_id?)))
        .collect())
}

/// What an event of this kind makes, by its global id.
fn global_id(kind: EventKind, id: Uuid) -> String {
    match kind {
        EventKind::Signup | EventKind::Lead | EventKind::Sale | EventKind::Unreadable => {
            ConversionId::from_uuid(id).to_string()
        }
        EventKind::Refund => RefundId::from_uuid(id).to_string(),
        EventKind::Amendment => OrderAmendmentId::from_uuid(id).to_string(),
        EventKind::Capture => CaptureId::from_uuid(id).to_string(),
        EventKind::Chargeback | EventKind::ChargebackResolution => ChargebackId::from_uuid(id).to_string(),
    }
}

/// Forgets what has not been refused again for [`KEPT_DAYS`].
pub async fn forget(app: &App) -> std::result::Result<(), Fault> {
    loop {
        let tx = app.db.begin().await?;
        let old: Vec<RefusedEventId> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::LastSeenAt.lte(app.clock.now() - TimeDelta::days(KEPT_DAYS)))
            .order_by_asc(Column::LastSeenAt)
            .limit(BATCH)
            .into_tuple()
            .all(&tx)
            .await?;
        let full = old.len() as u64 == BATCH;
        if !old.is_empty() {
            Entity::delete_many().filter(Column::Id.is_in(old)).exec(&tx).await?;
        }
        tx.commit().await?;
        if !full {
            return Ok(());
        }
    }
}
