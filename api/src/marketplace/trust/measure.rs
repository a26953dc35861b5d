//! Following the log and the clicks, and adding up what changed.

use std::collections::BTreeSet;

use entity::{
    TenantScoped, commission, conversion,
    ids::{CommissionId, ConversionId, PartnerId, PayoutId, ProgramId},
    outbox_event, payout, trust_day, trust_progress,
    trust_wait::{self, WaitStep},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};
use uuid::Uuid;

use crate::{
    app::App,
    marketplace::trust::{
        count::{self, Day},
        rules::{day_of, window_begin},
        sum,
    },
    outbox::Topic,
};

/// Events that are read at once.
const BATCH: u64 = 1_000;
/// The name of the one row of progress.
const NAME: &str = "trust";

/// Counts everything again that changed since the last time, batch after batch; each is a transaction with the place up to
/// which it counts.
pub async fn measure(app: &App) -> Result<(), DbErr> {
    loop {
        let tx = app.db.begin().await?;
        let more = measure_batch_in_tx(app, &tx).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
    }
}

async fn measure_batch_in_tx(app: &App, tx: &DatabaseTransaction) -> Result<bool, DbErr> {
    let now = app.clock.now();
    let today = day_of(now);
    let at = trust_progress::Entity::find_by_id(NAME).one(tx).await?;
    let at = at.unwrap_or(trust_progress::Model {
        name: NAME.to_owned(),
        position: 0,
        day: today,
    });
    let events = log_in_tx(tx, at.position).await?;
    let mut days = count::take_stale_in_tx(tx).await?;
    let more = !days.is_empty() || events.len() as u64 == BATCH;
    let mut ended = BTreeSet::new();
    note_conversions_in_tx(tx, &events, &mut days, &mut ended).await?;
    note_payouts_in_tx(tx, &events, &mut ended).await?;
    let (mut programs, mut partners) = count::count_in_tx(tx, &days).await?;
    count::count_waits_in_tx(tx, &ended).await?;
    programs.extend(ended.iter().map(|(program, _, _)| *program));
    if at.day < today {
        left_window_in_tx(tx, at.day, today, &mut programs, &mut partners).await?;
    }
    sum::sum_programs_in_tx(tx, &programs, today, now).await?;
    sum::sum_partners_in_tx(tx, &partners, today, now).await?;
    let place = trust_progress::Model {
        name: NAME.to_owned(),
        position: events.last().and_then(|event| event.position).unwrap_or(at.position),
        day: today,
    };
    let update = OnConflict::column(trust_progress::Column::Name)
        .update_columns([trust_progress::Column::Position, trust_progress::Column::Day])
        .to_owned();
    trust_progress::Entity::insert(place.into_active_model().reset_all())
        .on_conflict(update)
        .exec_without_returning(tx)
        .await?;
    Ok(more)
}

/// What the log says about conversions, commissions and payouts.
async fn log_in_tx(tx: &DatabaseTransaction, after: i64) -> Result<Vec<outbox_event::Model>, DbErr> {
    use outbox_event::Column;
    let topics = Topic::CONVERSIONS
        .into_iter()
        .chain(Topic::EARNINGS)
        .chain(Topic::PAYOUTS);
    outbox_event::Entity::find()
        .filter(Column::Position.gt(after))
        .filter(Column::Topic.is_in(topics.map(Topic::as_str)))
        .order_by_asc(Column::Position)
        .limit(BATCH)
        .all(tx)
        .await
}

fn subjects(events: &[outbox_event::Model], topics: &[Topic]) -> BTreeSet<Uuid> {
    let named = |event: &&outbox_event::Model| topics.iter().any(|topic| topic.as_str() == event.topic);
    events.iter().filter(named).map(|event| event.subject_id).collect()
}

/// The days in which conversions happened, and those in which they were approved.
async fn note_conversions_in_tx(
    tx: &DatabaseTransaction,
    events: &[outbox_event::Model],
    days: &mut BTreeSet<Day>,
    ended: &mut BTreeSet<(ProgramId, i32, WaitStep)>,
) -> Result<(), DbErr> {
    let conversions = subjects(events, &Topic::CONVERSIONS);
    let rows = conversion::Entity::find_live()
        .filter(conversion::Column::Id.is_in(conversions.into_iter().map(ConversionId)))
        .all(tx)
        .await?;
    for row in rows {
        let Some(partnership) = row.partnership_id else {
            continue;
        };
        days.insert((partnership, day_of(row.occurred_at)));
        if let (Some(program), Some(approved)) = (row.program_id, row.approved_at) {
            ended.insert((program, day_of(approved), WaitStep::Approve));
        }
    }
    let commissions = subjects(events, &Topic::EARNINGS);
    let rows = commission::Entity::find_live()
        .filter(commission::Column::Id.is_in(commissions.into_iter().map(CommissionId)))
        .filter(commission::Column::Level.eq(0))
        .all(tx)
        .await?;
    days.extend(rows.iter().map(|row| (row.partnership_id, day_of(row.occurred_at))));
    Ok(())
}

/// The days in which payouts were paid.
async fn note_payouts_in_tx(
    tx: &DatabaseTransaction,
    events: &[outbox_event::Model],
    ended: &mut BTreeSet<(ProgramId, i32, WaitStep)>,
) -> Result<(), DbErr> {
    let payouts = subjects(events, &Topic::PAYOUTS);
    let rows = payout::Entity::find()
        .filter(payout::Column::Id.is_in(payouts.into_iter().map(PayoutId)))
        .filter(payout::Column::PaidAt.is_not_null())
        .all(tx)
        .await?;
    for row in rows {
        if let Some(paid) = row.paid_at {
            ended.insert((row.program_id, day_of(paid), WaitStep::Pay));
        }
    }
    Ok(())
}

/// Whose window lost a day as it moved.
async fn left_window_in_tx(
    tx: &DatabaseTransaction,
    before: i32,
    today: i32,
    programs: &mut BTreeSet<ProgramId>,
    partners: &mut BTreeSet<PartnerId>,
) -> Result<(), DbErr> {
    let left = window_begin(before)..window_begin(today);
    let rows: Vec<(ProgramId, PartnerId)> = trust_day::Entity::find()
        .select_only()
        .column(trust_day::Column::ProgramId)
        .column(trust_day::Column::PartnerId)
        .distinct()
        .filter(trust_day::Column::Day.gte(left.start))
        .filter(trust_day::Column::Day.lt(left.end))
        .into_tuple()
        .all(tx)
        .await?;
    for (program, partner) in rows {
        programs.insert(program);
        partners.insert(partner);
    }
    let waited: Vec<ProgramId> = trust_wait::Entity::find()
        .select_only()
        .column(trust_wait::Column::ProgramId)
        .distinct()
        .filter(trust_wait::Column::Day.gte(left.start))
        .filter(trust_wait::Column::Day.lt(left.end))
        .into_tuple()
        .all(tx)
        .await?;
    programs.extend(waited);
    Ok(())
}
