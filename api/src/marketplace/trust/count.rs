//! Counting days again: of a partnership what happened in it, of a program how long those waited whose wait ended in it.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    TenantScoped, click,
    commission::{self, CommissionState},
    commission_rule::ConversionEvent,
    conversion::{self, ConversionState},
    conversion_touch::TouchKind,
    ids::{PartnerId, PartnershipId, ProgramId},
    partnership,
    payout::{self, PayoutState},
    payout_item, trust_day, trust_earning, trust_stale_day,
    trust_wait::{self, WaitStep},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, JoinType,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, SimpleExpr},
};
use uuid::Uuid;

use crate::{
    infra::db::INSERT_CHUNK,
    marketplace::trust::rules::{begin_of, day_of, whole_days},
};

/// A partnership's day.
pub type Day = (PartnershipId, i32);

/// Partnerships whose day is counted with one statement a table.
const BATCH: usize = 500;
/// Waits of a day whose median stands for all of them: the newest.
const MAX_WAITS: u64 = 10_000;

/// Says that clicks of these partnerships were written, in the transaction that writes them.
pub async fn stale_in_tx(tx: &DatabaseTransaction, clicks: &[click::Model]) -> Result<(), DbErr> {
    let days: BTreeSet<Day> = clicks
        .iter()
        .map(|row| (row.partnership_id, day_of(row.occurred_at)))
        .collect();
    let rows: Vec<trust_stale_day::ActiveModel> = days
        .into_iter()
        .map(|(partnership, day)| trust_stale_day::ActiveModel {
            seq: NotSet,
            partnership_id: Set(partnership),
            day: Set(day),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    trust_stale_day::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Takes some of the notes of clicks that were written. What is not committed yet has a note of its own, for the next time.
pub async fn take_stale_in_tx(tx: &DatabaseTransaction) -> Result<BTreeSet<Day>, DbErr> {
    let rows = trust_stale_day::Entity::find()
        .order_by_asc(trust_stale_day::Column::Seq)
        .limit(BATCH as u64)
        .all(tx)
        .await?;
    trust_stale_day::Entity::delete_many()
        .filter(trust_stale_day::Column::Seq.is_in(rows.iter().map(|row| row.seq)))
        .exec(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.partnership_id, row.day)).collect())
}

#[derive(FromQueryResult)]
struct Clicks {
    partnership_id: PartnershipId,
    clicks: i64,
}

#[derive(FromQueryResult)]
struct Conversions {
    partnership_id: PartnershipId,
    clicked: i64,
    sales: i64,
    kept: i64,
    reversed: i64,
    approved: i64,
    rejected: i64,
}

#[derive(FromQueryResult)]
struct Earned {
    partnership_id: PartnershipId,
    currency: String,
    commissions: i64,
    earned_minor: i64,
}

/// Counts these days again and stores them; returns the programs and partners whose days they are.
pub async fn count_in_tx(
    tx: &DatabaseTransaction,
    days: &BTreeSet<Day>,
) -> Result<(BTreeSet<ProgramId>, BTreeSet<PartnerId>), DbErr> {
    let mut by_day: BTreeMap<i32, Vec<PartnershipId>> = BTreeMap::new();
    for (partnership, day) in days {
        by_day.entry(*day).or_default().push(*partnership);
    }
    let (mut programs, mut partners) = (BTreeSet::new(), BTreeSet::new());
    for (day, partnerships) in by_day {
        for partnerships in partnerships.chunks(BATCH) {
            for row in count_day_in_tx(tx, day, partnerships).await? {
                programs.insert(row.program_id);
                partners.insert(row.partner_id);
            }
        }
    }
    Ok((programs, partners))
}

async fn count_day_in_tx(
    tx: &DatabaseTransaction,
    day: i32,
    partnerships: &[PartnershipId],
) -> Result<Vec<trust_day::Model>, DbErr> {
    let mut rows: BTreeMap<PartnershipId, trust_day::Model> = partnership::Entity::find()
        .filter(partnership::Column::Id.is_in(partnerships.iter().copied()))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.id, empty(&row, day)))
        .collect();
    for found in clicks_in_tx(tx, day, partnerships).await? {
        if let Some(row) = rows.get_mut(&found.partnership_id) {
            row.clicks = found.clicks;
        }
    }
    for found in conversions_in_tx(tx, day, partnerships).await? {
        if let Some(row) = rows.get_mut(&found.partnership_id) {
            row.clicked = found.clicked;
            row.sales = found.sales;
            row.kept = found.kept;
            row.reversed = found.reversed;
            row.approved = found.approved;
            row.rejected = found.rejected;
        }
    }
    let earned: Vec<trust_earning::ActiveModel> = earned_in_tx(tx, day, partnerships)
        .await?
        .into_iter()
        .filter_map(|found| {
            let row = trust_earning::Model {
                partnership_id: found.partnership_id,
                day,
                currency: found.currency,
                program_id: rows.get(&found.partnership_id)?.program_id,
                commissions: found.commissions,
                earned_minor: found.earned_minor,
            };
            Some(row.into_active_model().reset_all())
        })
        .collect();
    trust_day::Entity::delete_many()
        .filter(trust_day::Column::Day.eq(day))
        .filter(trust_day::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .exec(tx)
        .await?;
    trust_earning::Entity::delete_many()
        .filter(trust_earning::Column::Day.eq(day))
        .filter(trust_earning::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .exec(tx)
        .await?;
    let rows: Vec<trust_day::Model> = rows.into_values().collect();
    for chunk in rows.chunks(INSERT_CHUNK) {
        let models = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
        trust_day::Entity::insert_many(models)
            .exec_without_returning(tx)
            .await?;
    }
    for chunk in earned.chunks(INSERT_CHUNK) {
        trust_earning::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(rows)
}

fn empty(row: &partnership::Model, day: i32) -> trust_day::Model {
    trust_day::Model {
        partnership_id: row.id,
        day,
        program_id: row.program_id,
        partner_id: row.partner_id,
        clicks: 0,
        clicked: 0,
        sales: 0,
        kept: 0,
        reversed: 0,
        approved: 0,
        rejected: 0,
    }
}

async fn clicks_in_tx(
    tx: &DatabaseTransaction,
    day: i32,
    partnerships: &[PartnershipId],
) -> Result<Vec<Clicks>, DbErr> {
    // Ids of clicks are made as they happen, so the index of a partnership's clicks by id finds a day of them. An id may run
    // a second ahead of its click: the day is looked at with that much around it.
    let (from, to) = (begin_of(day), begin_of(day + 1));
    let around = chrono::TimeDelta::seconds(2);
    click::Entity::find()
        .select_only()
        .column(click::Column::PartnershipId)
        .column_as(click::Column::Id.count(), "clicks")
        .filter(click::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(click::Column::Id.gte(least_id(from - around)))
        .filter(click::Column::Id.lt(least_id(to + around)))
        .filter(click::Column::OccurredAt.gte(from))
        .filter(click::Column::OccurredAt.lt(to))
        .group_by(click::Column::PartnershipId)
        .into_model()
        .all(tx)
        .await
}

/// No id of this moment or later is less.
fn least_id(at: chrono::DateTime<chrono::Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(u128::from(millis) << 80)
}

/// How many rows of a group fit.
fn count_of(condition: Condition) -> SimpleExpr {
    Func::sum(Expr::case(condition, 1).finally(0)).cast_as("bigint")
}

async fn conversions_in_tx(
    tx: &DatabaseTransaction,
    day: i32,
    partnerships: &[PartnershipId],
) -> Result<Vec<Conversions>, DbErr> {
    use conversion::Column;
    let all = Condition::all;
    let sale = Column::Event.eq(ConversionEvent::Sale);
    let not_rejected = Column::State.ne(ConversionState::Rejected);
    let kept = all().add(Column::AmountMinor.gt(0)).add(not_rejected.clone());
    conversion::Entity::find_live()
        .select_only()
        .column(Column::PartnershipId)
        .column_as(
            count_of(
                all()
                    .add(Column::AttributionMethod.eq(TouchKind::Click))
                    .add(not_rejected.clone()),
            ),
            "clicked",
        )
        .column_as(count_of(all().add(sale).add(not_rejected)), "sales")
        .column_as(count_of(kept.clone()), "kept")
        .column_as(count_of(kept.add(Column::RefundedMinor.gt(0))), "reversed")
        .column_as(count_of(all().add(Column::ApprovedAt.is_not_null())), "approved")
        .column_as(
            count_of(all().add(Column::State.eq(ConversionState::Rejected))),
            "rejected",
        )
        .filter(Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(Column::OccurredAt.gte(begin_of(day)))
        .filter(Column::OccurredAt.lt(begin_of(day + 1)))
        .group_by(Column::PartnershipId)
        .into_model()
        .all(tx)
        .await
}

async fn earned_in_tx(
    tx: &DatabaseTransaction,
    day: i32,
    partnerships: &[PartnershipId],
) -> Result<Vec<Earned>, DbErr> {
    use commission::Column;
    let left = Expr::col((commission::Entity, Column::AmountMinor))
        .sub(Expr::col((commission::Entity, Column::ReversedMinor)));
    commission::Entity::find_live()
        .select_only()
        .column(Column::PartnershipId)
        .column(Column::Currency)
        .column_as(Column::Id.count(), "commissions")
        .column_as(Func::sum(left).cast_as("bigint"), "earned_minor")
        .join(JoinType::InnerJoin, of_conversion())
        .filter(Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(Column::OccurredAt.gte(begin_of(day)))
        .filter(Column::OccurredAt.lt(begin_of(day + 1)))
        .filter(Column::Level.eq(0))
        .filter(Column::State.is_not_in([CommissionState::Rejected, CommissionState::Reversed]))
        // No click stands behind a code.
        .filter(conversion::Column::AttributionMethod.ne(TouchKind::PromoCode))
        .group_by(Column::PartnershipId)
        .group_by(Column::Currency)
        .into_model()
        .all(tx)
        .await
}

fn of_conversion() -> sea_orm::RelationDef {
    commission::Entity::belongs_to(conversion::Entity)
        .from(commission::Column::ConversionId)
        .to(conversion::Column::Id)
        .into()
}

/// Counts again how long those waited whose wait ended in these days of programs.
pub async fn count_waits_in_tx(
    tx: &DatabaseTransaction,
    ended: &BTreeSet<(ProgramId, i32, WaitStep)>,
) -> Result<(), DbErr> {
    for (program, day, step) in ended {
        let waits = match step {
            WaitStep::Approve => approvals_in_tx(tx, *program, *day).await?,
            WaitStep::Pay => payments_in_tx(tx, *program, *day).await?,
        };
        let mut counts: BTreeMap<i32, i64> = BTreeMap::new();
        for (from, to) in waits {
            *counts.entry(whole_days(from, to)).or_default() += 1;
        }
        trust_wait::Entity::delete_many()
            .filter(trust_wait::Column::ProgramId.eq(*program))
            .filter(trust_wait::Column::Day.eq(*day))
            .filter(trust_wait::Column::Step.eq(*step))
            .exec(tx)
            .await?;
        let rows: Vec<trust_wait::ActiveModel> = counts
            .into_iter()
            .map(|(days, count)| trust_wait::ActiveModel {
                program_id: Set(*program),
                day: Set(*day),
                step: Set(*step),
                days: Set(days),
                count: Set(count),
            })
            .collect();
        for chunk in rows.chunks(INSERT_CHUNK) {
            trust_wait::Entity::insert_many(chunk.to_vec())
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(())
}

type Wait = (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>);

async fn approvals_in_tx(tx: &DatabaseTransaction, program: ProgramId, day: i32) -> Result<Vec<Wait>, DbErr> {
    use conversion::Column;
    conversion::Entity::find_live()
        .select_only()
        .column(Column::OccurredAt)
        .column(Column::ApprovedAt)
        .filter(Column::ProgramId.eq(program))
        .filter(Column::PartnershipId.is_not_null())
        .filter(Column::ApprovedAt.gte(begin_of(day)))
        .filter(Column::ApprovedAt.lt(begin_of(day + 1)))
        .order_by_desc(Column::ApprovedAt)
        .limit(MAX_WAITS)
        .into_tuple()
        .all(tx)
        .await
}

async fn payments_in_tx(tx: &DatabaseTransaction, program: ProgramId, day: i32) -> Result<Vec<Wait>, DbErr> {
    use payout::Column;
    let rows: Vec<(Option<chrono::DateTime<chrono::Utc>>, chrono::DateTime<chrono::Utc>)> = payout_item::Entity::find()
        .select_only()
        .column(conversion::Column::ApprovedAt)
        .column(Column::PaidAt)
        .join(
            JoinType::InnerJoin,
            payout_item::Entity::belongs_to(payout::Entity)
                .from(payout_item::Column::PayoutId)
                .to(Column::Id)
                .into(),
        )
        .join(
            JoinType::InnerJoin,
            payout_item::Entity::belongs_to(commission::Entity)
                .from(payout_item::Column::CommissionId)
                .to(commission::Column::Id)
                .into(),
        )
        .join(JoinType::InnerJoin, of_conversion())
        .filter(Column::ProgramId.eq(program))
        .filter(Column::State.eq(PayoutState::Paid))
        .filter(Column::PaidAt.gte(begin_of(day)))
        .filter(Column::PaidAt.lt(begin_of(day + 1)))
        // Money that is made good was paid before.
        .filter(payout_item::Column::AmountMinor.gt(0))
        .order_by_desc(Column::PaidAt)
        .limit(MAX_WAITS)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(approved, paid)| Some((approved?, paid)))
        .collect())
}
