//! Recording a signup, lead or sale: who is credited, what it earns, all in one transaction.

use chrono::{DateTime, Months, Utc};
use entity::{
    commission_rule::ConversionEvent,
    conversion::{self, ConversionState},
    conversion_touch::{self, TouchKind, TouchOutcome, TouchRejection},
    customer,
    ids::{BrandId, ConversionId, CustomerId, OrderId, ProgramId},
    order, partnership,
    program::{self, AttributionOrder, CustomerBinding, ProgramState},
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};
use serde::Serialize;
use serde_json::json;

use super::{Code, Result, check_amount, check_external_id, check_occurred_at};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    commissions::service::{self as commissions, Assessed, Credited},
    error::{Failure, Fault},
    idempotency::{self, Claim, Key, Outcome},
    money::Money,
    outbox::{self, Fact, Topic},
    programs::service as programs,
    tracking::{
        click_id,
        rules::{self, Verdict},
        service::{self as tracking, Evidence, Found},
    },
};

/// Codes an event may carry.
const MAX_PROMO_CODES: usize = 10;
/// Longest code worth keeping as evidence, in characters.
const MAX_CODE_CHARS: usize = 64;

/// An event as it came in.
#[derive(Clone, Debug)]
pub struct RecordEvent {
    pub brand: BrandId,
    pub event: ConversionEvent,
    pub program: Option<ProgramId>,
    pub customer_id: Option<String>,
    pub order_id: Option<String>,
    pub amount: Option<(Decimal, String)>,
    pub promo_codes: Vec<String>,
    pub click_id: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

/// What "the same content" means for an event. `occurred_at` counts only when the sender said it.
#[derive(Serialize)]
struct Fingerprint<'a> {
    program: Option<String>,
    customer_id: Option<&'a str>,
    order_id: Option<&'a str>,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    promo_codes: &'a [String],
    click_id: Option<&'a str>,
    occurred_at: Option<i64>,
}

fn operation_of(event: ConversionEvent) -> (Operation, &'static str) {
    match event {
        ConversionEvent::Signup => (Operation::RecordSignup, "recordSignup"),
        ConversionEvent::Lead => (Operation::RecordLead, "recordLead"),
        ConversionEvent::Sale => (Operation::RecordSale, "recordSale"),
    }
}

/// Records an event. The same idempotency key with the same content gives the first result again.
pub async fn record_conversion(app: &App, actor: &Actor, command: RecordEvent) -> Result<Outcome<conversion::Model>> {
    let (operation, name) = operation_of(command.event);
    actor.authorise(operation, Place::brand(command.brand))?;
    let amount = check_event(&command)?;
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        program: command.program.map(|id| id.to_string()),
        customer_id: command.customer_id.as_deref(),
        order_id: command.order_id.as_deref(),
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
        promo_codes: &command.promo_codes,
        click_id: command.click_id.as_deref(),
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };

    let tx = app.db.begin().await?;
    let claim =
        idempotency::claim_in_tx(&tx, app, command.brand.0, name, &command.idempotency_key, &fingerprint).await?;
    let pending = match claim {
        Claim::Replay(id) => {
            let value = conversion::Entity::find_by_id(ConversionId(id))
                .one(&tx)
                .await?
                .ok_or_else(|| Fault::new("a replayed conversion is gone"))?;
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
        Claim::Fresh(pending) => pending,
    };
    let value = record_in_tx(&tx, app, &command, amount, occurred_at).await?;
    pending.settle(&tx, value.id.0).await?;
    app.commit(tx).await?;
    app.metrics.recorded(value.event.to_value());
    Ok(Outcome { value, replayed: false })
}

/// Everything that can be refused without the database.
fn check_event(command: &RecordEvent) -> Result<Option<Money>> {
    match &command.customer_id {
        Some(id) => check_external_id(id, Code::CustomerIdInvalid, "customerId", "a customer id")?,
        None if command.event != ConversionEvent::Sale => {
            return Err(Failure::refused_field(
                Code::CustomerIdRequired,
                "customerId",
                "a signup or lead needs the customer it is about",
            ));
        }
        None => {}
    }
    if command.event == ConversionEvent::Sale && (command.order_id.is_none() || command.amount.is_none()) {
        return Err(Failure::refused_field(
            Code::OrderIdInvalid,
            "orderId",
            "a sale needs its order id and amount",
        ));
    }
    if let Some(id) = &command.order_id {
        check_external_id(id, Code::OrderIdInvalid, "orderId", "an order id")?;
    }
    if command.promo_codes.len() > MAX_PROMO_CODES {
        return Err(Failure::refused_field(
            Code::TooManyPromoCodes,
            "promoCodes",
            "at most 10 promo codes come with an event",
        ));
    }
    let overlong = |text: &String, max: usize| text.chars().count() > max;
    if command.promo_codes.iter().any(|code| overlong(code, MAX_CODE_CHARS))
        || command
            .click_id
            .as_ref()
            .is_some_and(|id| overlong(id, click_id::MAX_LEN))
    {
        return Err(Failure::refused(
            Code::TouchTooLong,
            "a promo code or click id is overlong",
        ));
    }
    command
        .amount
        .as_ref()
        .map(|(amount, currency)| check_amount(*amount, currency))
        .transpose()
}

async fn record_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    command: &RecordEvent,
    amount: Option<Money>,
    occurred_at: DateTime<Utc>,
) -> Result<conversion::Model> {
    let customer = match &command.customer_id {
        Some(id) => Some(upsert_customer_in_tx(tx, app, command.brand, id).await?),
        None => None,
    };
    let order = match (&command.order_id, amount) {
        (Some(id), Some(amount)) if command.event == ConversionEvent::Sale => {
            Some(insert_order_in_tx(tx, app, command.brand, customer, id, amount, occurred_at).await?)
        }
        _ => None,
    };
    let evidence = Evidence {
        click_id: command.click_id.as_deref(),
        promo_codes: &command.promo_codes,
        customer,
        occurred_at,
    };
    let touches = tracking::find_touches_in_tx(tx, app, command.brand, &evidence).await?;
    let program = resolve_program_in_tx(tx, command, &touches).await?;
    let attribution = attribute(program.as_ref(), touches, occurred_at);

    let winner = match attribution.winner() {
        Some(id) => partnership::Entity::find_by_id(id).one(tx).await?,
        None => None,
    };
    let assessed = match (&program, &winner) {
        (Some(program), Some(winner)) => {
            let credited = Credited {
                program,
                partnership: winner,
                event: command.event,
                base: amount,
            };
            Some(commissions::assess_in_tx(tx, &credited).await?)
        }
        _ => None,
    };
    let now = app.clock.now();
    let row = conversion::Model {
        id: app.ids.new_id(now),
        brand_id: command.brand,
        program_id: program.as_ref().map(|program| program.id),
        partnership_id: winner.as_ref().map(|winner| winner.id),
        partner_id: winner.as_ref().map(|winner| winner.partner_id),
        customer_id: customer,
        order_id: order,
        event: command.event,
        state: ConversionState::Pending,
        currency: amount.map(|amount| amount.currency.code().to_owned()),
        amount_minor: amount.map_or(0, |amount| amount.amount_minor),
        refunded_minor: 0,
        attribution_method: attribution.method(),
        attribution_explanation: attribution.explanation.clone(),
        earning_explanation: assessed.as_ref().map_or_else(
            || "nobody is credited".to_owned(),
            |assessed| assessed.earnings.explanation.clone(),
        ),
        rejection_reason: None,
        occurred_at,
        created_at: now,
        hold_until: program
            .as_ref()
            .map(|program| commissions::hold_until(program, occurred_at)),
    };
    conversion::Entity::insert(conversion::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    attribution.store_in_tx(tx, app, &row).await?;
    if let (Some(program), Some(winner), Some(assessed)) = (&program, &winner, &assessed) {
        credit_in_tx(tx, app, command, &row, program, winner, &attribution, assessed, amount).await?;
    }
    announce_in_tx(tx, app, Topic::ConversionRecorded, &row).await?;
    Ok(row)
}

/// What a credit brings about: the code's use, the customer's binding, the commissions.
#[expect(
    clippy::too_many_arguments,
    reason = "one step of one use case; a struct would only rename the arguments"
)]
async fn credit_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    command: &RecordEvent,
    row: &conversion::Model,
    program: &program::Model,
    winner: &partnership::Model,
    attribution: &Attribution,
    assessed: &Assessed,
    base: Option<Money>,
) -> Result<()> {
    if let Some(code) = attribution.winning_code() {
        tracking::use_code_in_tx(tx, code).await?;
    }
    let binds = matches!(command.event, ConversionEvent::Signup | ConversionEvent::Sale);
    if let (Some(customer), true) = (row.customer_id, binds)
        && let Some(expires_at) = binding_end(program, row.occurred_at)
    {
        tracking::bind_customer_in_tx(tx, app, customer, winner, row.occurred_at, expires_at).await?;
    }
    let credited = Credited {
        program,
        partnership: winner,
        event: command.event,
        base,
    };
    commissions::accrue_in_tx(tx, app, row, &credited, assessed).await?;
    Ok(())
}

/// Until when a program binds: `None` is not at all, `Some(None)` for ever.
fn binding_end(program: &program::Model, from: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
    match program.customer_binding {
        CustomerBinding::Never => None,
        CustomerBinding::Forever => Some(None),
        CustomerBinding::Months => {
            let months = program
                .customer_binding_months
                .and_then(|months| u32::try_from(months).ok())
                .unwrap_or(0);
            Some(from.checked_add_months(Months::new(months)))
        }
    }
}

async fn upsert_customer_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    external_id: &str,
) -> std::result::Result<CustomerId, Fault> {
    let now = app.clock.now();
    let known = || {
        customer::Entity::find()
            .filter(customer::Column::BrandId.eq(brand))
            .filter(customer::Column::ExternalId.eq(external_id))
    };
    if let Some(found) = known().one(tx).await? {
        return Ok(found.id);
    }
    customer::Entity::insert(customer::ActiveModel {
        id: Set(app.ids.new_id(now)),
        brand_id: Set(brand),
        external_id: Set(external_id.to_owned()),
        created_at: Set(now),
    })
    .on_conflict(
        OnConflict::columns([customer::Column::BrandId, customer::Column::ExternalId])
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    let found = known()
        .one(tx)
        .await?
        .ok_or_else(|| Fault::new("a customer vanished"))?;
    Ok(found.id)
}

async fn insert_order_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    customer: Option<CustomerId>,
    external_id: &str,
    amount: Money,
    occurred_at: DateTime<Utc>,
) -> Result<OrderId> {
    let now = app.clock.now();
    let id: OrderId = app.ids.new_id(now);
    let inserted = order::Entity::insert(order::ActiveModel {
        id: Set(id),
        brand_id: Set(brand),
        customer_id: Set(customer),
        external_id: Set(external_id.to_owned()),
        currency: Set(amount.currency.code().to_owned()),
        amount_minor: Set(amount.amount_minor),
        refunded_minor: Set(0),
        occurred_at: Set(occurred_at),
        created_at: Set(now),
    })
    .on_conflict(
        OnConflict::columns([order::Column::BrandId, order::Column::ExternalId])
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(
            Code::OrderAlreadyRecorded,
            "orderId",
            "this order was recorded before, under another idempotency key",
        ));
    }
    Ok(id)
}

/// Which program an event belongs to: the one it names; else the one its touches speak for, in the order click, codes,
/// binding, an active one first; else the brand's only active one; else none.
async fn resolve_program_in_tx(
    tx: &DatabaseTransaction,
    command: &RecordEvent,
    touches: &[Found],
) -> Result<Option<program::Model>> {
    if let Some(id) = command.program {
        let found = programs::get_program_in_tx(tx, id)
            .await?
            .filter(|program| program.brand_id == command.brand);
        return found.map(Some).ok_or_else(|| {
            Failure::refused_field(Code::ProgramNotFound, "programId", "the brand has no such program")
        });
    }
    let valid = touches
        .iter()
        .find(|touch| touch.candidate.rejection.is_none())
        .and_then(|touch| touch.program);
    if let Some(id) = valid.or_else(|| touches.iter().find_map(|touch| touch.program)) {
        return Ok(programs::get_program_in_tx(tx, id).await?);
    }
    let active = program::Entity::find()
        .filter(program::Column::BrandId.eq(command.brand))
        .filter(program::Column::State.eq(ProgramState::Active))
        .limit(2)
        .all(tx)
        .await?;
    Ok(if active.len() == 1 {
        active.into_iter().next()
    } else {
        None
    })
}

/// Every touch with its verdict.
struct Attribution {
    touches: Vec<(Found, Verdict)>,
    order: AttributionOrder,
    explanation: String,
}

/// Decides who is credited. Touches of another program, or outside its window, are rejected here, where the program is
/// known.
fn attribute(program: Option<&program::Model>, mut touches: Vec<Found>, occurred_at: DateTime<Utc>) -> Attribution {
    let order = program.map_or(AttributionOrder::CodeFirst, |program| program.attribution_order);
    for touch in &mut touches {
        let candidate = &mut touch.candidate;
        if candidate.rejection.is_some() {
            continue;
        }
        if touch.program != program.map(|program| program.id) {
            candidate.rejection = Some(TouchRejection::OtherProgram);
        } else if let (TouchKind::Click, Some(at), Some(program)) = (candidate.kind, candidate.touched_at, program)
            && !rules::in_window(at, occurred_at, program.attribution_window_days)
        {
            candidate.rejection = Some(TouchRejection::OutsideWindow);
        }
    }
    let candidates: Vec<_> = touches.iter().map(|touch| touch.candidate.clone()).collect();
    let verdicts = rules::decide(&candidates, order);
    let explanation = explain(&candidates, &verdicts, order);
    Attribution {
        touches: touches.into_iter().zip(verdicts).collect(),
        order,
        explanation,
    }
}

fn explain(candidates: &[rules::Candidate], verdicts: &[Verdict], order: AttributionOrder) -> String {
    if candidates.is_empty() {
        return "Nobody is credited: the event came with no code or click, and its customer is bound to nobody"
            .to_owned();
    }
    let fates: Vec<String> = candidates
        .iter()
        .zip(verdicts)
        .map(|(candidate, verdict)| rules::explain(candidate, *verdict, order))
        .collect();
    let head = if verdicts.contains(&Verdict::Won) {
        "Credited"
    } else {
        "Nobody is credited"
    };
    format!("{head}: {}", fates.join("; "))
}

impl Attribution {
    fn won(&self) -> Option<&Found> {
        self.touches
            .iter()
            .find(|(_, verdict)| *verdict == Verdict::Won)
            .map(|(touch, _)| touch)
    }

    fn winner(&self) -> Option<entity::ids::PartnershipId> {
        self.won().and_then(|touch| touch.candidate.partnership)
    }

    fn method(&self) -> Option<TouchKind> {
        self.won().map(|touch| touch.candidate.kind)
    }

    fn winning_code(&self) -> Option<&entity::promo_code::Model> {
        self.won().and_then(|touch| touch.code.as_ref())
    }

    async fn store_in_tx(
        &self,
        tx: &DatabaseTransaction,
        app: &App,
        row: &conversion::Model,
    ) -> std::result::Result<(), Fault> {
        let now = app.clock.now();
        let rows = self
            .touches
            .iter()
            .zip(0..)
            .map(|((touch, verdict), position)| conversion_touch::ActiveModel {
                id: Set(app.ids.new_id(now)),
                conversion_id: Set(row.id),
                brand_id: Set(row.brand_id),
                position: Set(position),
                kind: Set(touch.candidate.kind),
                evidence: Set(touch.candidate.evidence.clone()),
                partnership_id: Set(touch.candidate.partnership),
                touched_at: Set(touch.candidate.touched_at),
                outcome: Set(match verdict {
                    Verdict::Won => TouchOutcome::Won,
                    Verdict::Outranked => TouchOutcome::Outranked,
                    Verdict::Rejected(_) => TouchOutcome::Rejected,
                }),
                rejection: Set(touch.candidate.rejection),
                explanation: Set(rules::explain(&touch.candidate, *verdict, self.order)),
            });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            conversion_touch::Entity::insert_many(rows)
                .exec_without_returning(tx)
                .await?;
        }
        Ok(())
    }
}

/// Announces what happened to a conversion.
pub(super) async fn announce_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    topic: Topic,
    row: &conversion::Model,
) -> std::result::Result<(), Fault> {
    let fact = Fact {
        topic,
        brand: row.brand_id,
        partner: row.partner_id,
        subject: row.id.0,
        payload: json!({ "refundedMinor": row.refunded_minor }),
    };
    outbox::enqueue_in_tx(tx, app, fact).await?;
    Ok(())
}
