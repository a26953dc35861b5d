//! Recording a refused event after all: its body, corrected or not, goes the way of any event that comes in.

use entity::{
    commission_rule::ConversionEvent,
    ids::{BrandId, RefusedEventId},
    refused_event::{Column, Entity, EventKind, Model, RefusedEventState},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde_json::Value;

use super::{
    Result, check_open,
    close::{End, close_in_tx},
    get, is_of_content,
    list::Filter,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    conversions::{
        body::{
            AmendBody, CaptureBody, ChargebackBody, EventBody, PurchaseBody, RefundBody, ResolutionBody, malformed,
            parse, read_row,
        },
        error::ConversionErrorCode as Code,
        service::{
            amend::{AmendOrder, amend_order},
            bulk::BulkEvent,
            capture::{RecordCapture, record_capture},
            chargeback::{RecordChargeback, ResolveChargeback, record_chargeback, resolve_chargeback},
            record::{RecordEvent, record_conversion},
            refund::{RecordRefund, record_refund},
        },
    },
    error::{ApiError, Failure, Fault},
    idempotency::{Key, Outcome},
};

/// Refused events that one request replays.
pub const MAX_REPLAYS: usize = 100;

/// A refused event to record after all.
#[derive(Clone, Debug)]
pub struct Replay {
    pub id: RefusedEventId,
    /// In place of the body it came with.
    pub body: Option<String>,
    /// In place of the key it came with.
    pub key: Option<Key>,
}

/// Records a refused event. The outcome is a replay when the event had been recorded before under the same key. Whoever dies
/// between recording it and closing it does no harm: the next replay finds what was recorded.
pub async fn replay_refused_event(app: &App, actor: &Actor, replay: Replay) -> Result<Outcome<Model>> {
    let row = get(app.db.read(), actor, Operation::ReplayRefusedEvent, replay.id).await?;
    replay_row(app, actor, row, replay.body, replay.key).await
}

async fn replay_row(
    app: &App,
    actor: &Actor,
    row: Model,
    body: Option<String>,
    key: Option<Key>,
) -> Result<Outcome<Model>> {
    check_open(&row, RefusedEventState::Replayed)?;
    if body.is_none() && row.body_cut {
        return Err(Failure::refused_field(
            Code::BodyIncomplete,
            "body",
            "only the beginning of this event was kept: replay it with its whole body",
        ));
    }
    let key = match (key, &row.idempotency_key) {
        (Some(key), _) => key,
        (None, Some(key)) => Key::parse(key)?,
        // It came without a usable one. Its own id makes the replay happen once.
        (None, None) => Key::parse(&row.id.to_string())?,
    };
    let recorded = match read(&row, body.as_deref().unwrap_or(&row.body), key) {
        Ok(event) => event.record(app, &actor.in_mode(row.mode)).await,
        Err(error) => Err(error.into()),
    };
    let made = match recorded {
        Ok(made) => made,
        Err(failure) => {
            if is_of_content(&failure) {
                count_attempt(app, row.id).await?;
            }
            return Err(failure);
        }
    };
    let tx = app.db.begin().await?;
    let end = End {
        state: RefusedEventState::Replayed,
        became: Some(made.value),
        reason: None,
    };
    let row = close_in_tx(&tx, app, actor, row, end).await?;
    tx.commit().await?;
    Ok(Outcome {
        value: row,
        replayed: made.replayed,
    })
}

async fn count_attempt(app: &App, id: RefusedEventId) -> std::result::Result<(), Fault> {
    let tx = app.db.begin().await?;
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::LastSeenAt, Expr::value(app.clock.now()))
        .filter(Column::Id.eq(id))
        .exec(&tx)
        .await?;
    Ok(tx.commit().await?)
}

/// Which refused events to replay.
pub enum Which {
    These(Vec<RefusedEventId>),
    /// The oldest open ones that a filter finds.
    Oldest(Filter),
}

/// What became of one of many.
pub struct Row {
    /// As it stands now.
    pub event: Model,
    /// Why it was refused again.
    pub refusal: Option<Failure<Code>>,
}

/// Replays up to [`MAX_REPLAYS`], oldest first: refunds come after their sales.
pub async fn replay_refused_events(app: &App, actor: &Actor, brand: BrandId, which: Which) -> Result<Vec<Row>> {
    actor.authorise(Operation::ReplayRefusedEvents, Place::brand(brand))?;
    let select = match which {
        Which::These(ids) if ids.len() > MAX_REPLAYS => {
            return Err(Failure::refused_field(
                Code::TooManyEvents,
                "ids",
                format!("a request replays at most {MAX_REPLAYS} events"),
            ));
        }
        Which::These(ids) => Entity::find()
            .filter(Column::BrandId.eq(brand))
            .filter(Column::Id.is_in(ids)),
        Which::Oldest(filter) => filter.select(brand).filter(Column::State.eq(RefusedEventState::Open)),
    };
    let rows = select
        .order_by_asc(Column::Id)
        .limit(MAX_REPLAYS as u64)
        .all(app.db.read())
        .await?;
    let mut replayed = Vec::with_capacity(rows.len());
    for row in rows {
        let (mut event, refusal) = match replay_row(app, actor, row.clone(), None, None).await {
            Ok(outcome) => (outcome.value, None),
            Err(failure) => (row, Some(failure)),
        };
        if let Some(Failure::Api(error @ ApiError::Internal(_))) = &refusal {
            tracing::error!(cause = error.log_text(), "a refused event could not be replayed");
        }
        if refusal.as_ref().is_some_and(is_of_content) && event.state == RefusedEventState::Open {
            (event.attempts, event.last_seen_at) = (event.attempts + 1, app.clock.now());
        }
        replayed.push(Row { event, refusal });
    }
    Ok(replayed)
}

/// An event as its use case takes it.
enum Event {
    Conversion(RecordEvent),
    Refund(RecordRefund),
    Amendment(AmendOrder),
    Capture(RecordCapture),
    Chargeback(RecordChargeback),
    Resolution(ResolveChargeback),
}

/// Reads a body as the door of its kind does.
fn read(row: &Model, text: &str, key: Key) -> std::result::Result<Event, ApiError> {
    let (brand, body): (BrandId, Value) = (row.brand_id, serde_json::from_str(text).map_err(malformed)?);
    let conversion = |body, event, key| {
        let command = parse::<EventBody>(body)?.command(brand, event, key)?;
        Ok(Event::Conversion(command))
    };
    Ok(match row.kind {
        EventKind::Signup => return conversion(body, ConversionEvent::Signup, key),
        EventKind::Lead => return conversion(body, ConversionEvent::Lead, key),
        EventKind::Sale => Event::Conversion(parse::<PurchaseBody>(body)?.command(brand, key)?),
        EventKind::Refund => Event::Refund(parse::<RefundBody>(body)?.command(brand, key)?),
        EventKind::Amendment => Event::Amendment(parse::<AmendBody>(body)?.command(brand, key)?),
        EventKind::Capture => Event::Capture(parse::<CaptureBody>(body)?.command(brand, key)?),
        EventKind::Chargeback => Event::Chargeback(parse::<ChargebackBody>(body)?.command(brand, key)?),
        EventKind::ChargebackResolution => Event::Resolution(parse::<ResolutionBody>(body)?.command(brand, key)),
        // It says by itself what it is, as a row of many does.
        EventKind::Unreadable => {
            let mut body = body;
            if let Some(fields) = body.as_object_mut() {
                fields
                    .entry("idempotencyKey")
                    .or_insert_with(|| Value::String(key.as_str().to_owned()));
            }
            match read_row(brand, body)? {
                BulkEvent::Conversion(event) => Event::Conversion(event),
                BulkEvent::Refund(refund) => Event::Refund(refund),
            }
        }
    })
}

impl Event {
    /// The global id of what it made.
    async fn record(self, app: &App, actor: &Actor) -> Result<Outcome<String>> {
        Ok(match self {
            Self::Conversion(event) => record_conversion(app, actor, event)
                .await?
                .map(|row| row.id.to_string()),
            Self::Refund(refund) => record_refund(app, actor, refund).await?.map(|row| row.id.to_string()),
            Self::Amendment(amendment) => amend_order(app, actor, amendment).await?.map(|row| row.id.to_string()),
            Self::Capture(capture) => record_capture(app, actor, capture).await?.map(|row| row.id.to_string()),
            Self::Chargeback(chargeback) => record_chargeback(app, actor, chargeback)
                .await?
                .map(|row| row.id.to_string()),
            Self::Resolution(resolution) => resolve_chargeback(app, actor, resolution)
                .await?
                .map(|row| row.id.to_string()),
        })
    }
}
