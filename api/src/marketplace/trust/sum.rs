//! Adding the days of a window up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    ids::{PartnerId, ProgramId},
    partner_trust, program_trust, trust_day, trust_earning,
    trust_wait::{self, WaitStep},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, FromQueryResult,
    IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, Func, OnConflict, SimpleExpr},
};

use crate::marketplace::trust::rules::{self, window_begin};

/// Programs or partners that are added up with one statement a table.
const BATCH: usize = 500;

#[derive(FromQueryResult)]
struct Days {
    clicks: i64,
    clicked: i64,
    sales: i64,
    kept: i64,
    reversed: i64,
    approved: i64,
    rejected: i64,
}

fn sum(column: trust_day::Column) -> SimpleExpr {
    Func::sum(Expr::col(column)).cast_as("bigint")
}

/// Days of the window that ends with `day`, to be added up by whose they are.
fn days_of(owner: trust_day::Column, day: i32) -> sea_orm::Select<trust_day::Entity> {
    use trust_day::Column;
    trust_day::Entity::find()
        .select_only()
        .column_as(owner, "owner")
        .column_as(sum(Column::Clicks), "clicks")
        .column_as(sum(Column::Clicked), "clicked")
        .column_as(sum(Column::Sales), "sales")
        .column_as(sum(Column::Kept), "kept")
        .column_as(sum(Column::Reversed), "reversed")
        .column_as(sum(Column::Approved), "approved")
        .column_as(sum(Column::Rejected), "rejected")
        .filter(Column::Day.between(window_begin(day), day))
        .group_by(owner)
}

/// Adds up what is told of these programs.
pub async fn sum_programs_in_tx(
    tx: &DatabaseTransaction,
    programs: &BTreeSet<ProgramId>,
    day: i32,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let programs: Vec<ProgramId> = programs.iter().copied().collect();
    for programs in programs.chunks(BATCH) {
        let ids = || programs.iter().copied();
        let mut sums: HashMap<ProgramId, Days> = days_of(trust_day::Column::ProgramId, day)
            .filter(trust_day::Column::ProgramId.is_in(ids()))
            .into_model::<Owned<ProgramId>>()
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.owner, row.days))
            .collect();
        let earned = earned_in_tx(tx, programs, day).await?;
        let waits = waits_in_tx(tx, programs, day).await?;
        let known: HashMap<ProgramId, program_trust::Model> = program_trust::Entity::find()
            .filter(program_trust::Column::ProgramId.is_in(ids()))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.program_id, row))
            .collect();
        let nobody = BTreeMap::new();
        let mut changed = Vec::new();
        for program in programs {
            let days = sums.remove(program).unwrap_or(Days::NONE);
            let (currency, earned_minor) = match earned.get(program) {
                Some((currency, minor)) => (Some(currency.clone()), *minor),
                None => (None, 0),
            };
            let of = |step| waits.get(&(*program, step)).unwrap_or(&nobody);
            let (approvals, payments) = (of(WaitStep::Approve), of(WaitStep::Pay));
            let row = program_trust::Model {
                program_id: *program,
                clicks: days.clicks,
                clicked: days.clicked,
                kept: days.kept,
                reversed: days.reversed,
                approved: days.approved,
                rejected: days.rejected,
                currency,
                earned_minor,
                approve_days: rules::median(approvals),
                approvals: approvals.values().sum(),
                pay_days: rules::median(payments),
                payments: payments.values().sum(),
                measured_at: now,
            };
            if !known.get(program).is_some_and(|known| rules::same_program(known, &row)) {
                changed.push(row.into_active_model().reset_all());
            }
        }
        if changed.is_empty() {
            continue;
        }
        use program_trust::Column;
        let update = OnConflict::column(Column::ProgramId)
            .update_columns([
                Column::Clicks,
                Column::Clicked,
                Column::Kept,
                Column::Reversed,
                Column::Approved,
                Column::Rejected,
                Column::Currency,
                Column::EarnedMinor,
                Column::ApproveDays,
                Column::Approvals,
                Column::PayDays,
                Column::Payments,
                Column::MeasuredAt,
            ])
            .to_owned();
        program_trust::Entity::insert_many(changed)
            .on_conflict(update)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Adds up what is told of these partners.
pub async fn sum_partners_in_tx(
    tx: &DatabaseTransaction,
    partners: &BTreeSet<PartnerId>,
    day: i32,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let partners: Vec<PartnerId> = partners.iter().copied().collect();
    for partners in partners.chunks(BATCH) {
        let ids = || partners.iter().copied();
        let mut sums: HashMap<PartnerId, Days> = days_of(trust_day::Column::PartnerId, day)
            .filter(trust_day::Column::PartnerId.is_in(ids()))
            .into_model::<Owned<PartnerId>>()
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.owner, row.days))
            .collect();
        let known: HashMap<PartnerId, partner_trust::Model> = partner_trust::Entity::find()
            .filter(partner_trust::Column::PartnerId.is_in(ids()))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.partner_id, row))
            .collect();
        let mut changed = Vec::new();
        for partner in partners {
            let days = sums.remove(partner).unwrap_or(Days::NONE);
            let row = partner_trust::Model {
                partner_id: *partner,
                clicks: days.clicks,
                clicked: days.clicked,
                sales: days.sales,
                kept: days.kept,
                reversed: days.reversed,
                measured_at: now,
            };
            if !known.get(partner).is_some_and(|known| rules::same_partner(known, &row)) {
                changed.push(row.into_active_model().reset_all());
            }
        }
        if changed.is_empty() {
            continue;
        }
        use partner_trust::Column;
        let update = OnConflict::column(Column::PartnerId)
            .update_columns([
                Column::Clicks,
                Column::Clicked,
                Column::Sales,
                Column::Kept,
                Column::Reversed,
                Column::MeasuredAt,
            ])
            .to_owned();
        partner_trust::Entity::insert_many(changed)
            .on_conflict(update)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

impl Days {
    const NONE: Self = Self {
        clicks: 0,
        clicked: 0,
        sales: 0,
        kept: 0,
        reversed: 0,
        approved: 0,
        rejected: 0,
    };
}

#[derive(FromQueryResult)]
struct Owned<T: sea_orm::TryGetable> {
    owner: T,
    #[sea_orm(nested)]
    days: Days,
}

#[derive(FromQueryResult)]
struct Earned {
    program_id: ProgramId,
    currency: String,
    commissions: i64,
    earned_minor: i64,
}

/// What programs paid in the currency that most of their commissions are in; of two alike, the first by name.
async fn earned_in_tx(
    tx: &DatabaseTransaction,
    programs: &[ProgramId],
    day: i32,
) -> Result<HashMap<ProgramId, (String, i64)>, DbErr> {
    use trust_earning::Column;
    let total = |column: Column| Func::sum(Expr::col(column)).cast_as("bigint");
    let mut rows: Vec<Earned> = trust_earning::Entity::find()
        .select_only()
        .column(Column::ProgramId)
        .column(Column::Currency)
        .column_as(total(Column::Commissions), "commissions")
        .column_as(total(Column::EarnedMinor), "earned_minor")
        .filter(Column::ProgramId.is_in(programs.iter().copied()))
        .filter(Column::Day.between(window_begin(day), day))
        .group_by(Column::ProgramId)
        .group_by(Column::Currency)
        .into_model()
        .all(tx)
        .await?;
    rows.sort_by(|a, b| a.commissions.cmp(&b.commissions).then(b.currency.cmp(&a.currency)));
    // The last one of a program stays: the one with the most.
    Ok(rows
        .into_iter()
        .map(|row| (row.program_id, (row.currency, row.earned_minor)))
        .collect())
}

#[derive(FromQueryResult)]
struct Waited {
    program_id: ProgramId,
    step: WaitStep,
    days: i32,
    count: i64,
}

type Waits = HashMap<(ProgramId, WaitStep), BTreeMap<i32, i64>>;

async fn waits_in_tx(tx: &DatabaseTransaction, programs: &[ProgramId], day: i32) -> Result<Waits, DbErr> {
    use trust_wait::Column;
    let rows: Vec<Waited> = trust_wait::Entity::find()
        .select_only()
        .column(Column::ProgramId)
        .column(Column::Step)
        .column(Column::Days)
        .column_as(Func::sum(Expr::col(Column::Count)).cast_as("bigint"), "count")
        .filter(Column::ProgramId.is_in(programs.iter().copied()))
        .filter(Column::Day.between(window_begin(day), day))
        .group_by(Column::ProgramId)
        .group_by(Column::Step)
        .group_by(Column::Days)
        .into_model()
        .all(tx)
        .await?;
    let mut waits = Waits::new();
    for row in rows {
        waits
            .entry((row.program_id, row.step))
            .or_default()
            .insert(row.days, row.count);
    }
    Ok(waits)
}
