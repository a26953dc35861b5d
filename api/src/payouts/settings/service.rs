//! Use cases of how a brand pays.

use entity::{
    brand::{self, PayoutSchedule},
    ids::BrandId,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect, sea_query::LockType};

use super::error::PayoutSettingsErrorCode as Code;
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    brands::service::MAX_RESERVE_PPM,
    error::{ApiError, Failure, Fault},
    money::{Currency, Money},
    payouts::batches::rules,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

const MAX_RESERVE_DAYS: i32 = 365;

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    pub reserve_ppm: Option<i64>,
    pub reserve_days: Option<i32>,
    /// Major units of the brand's currency.
    pub payout_minimum: Option<Decimal>,
    pub need_two: Option<bool>,
    pub schedule: Option<PayoutSchedule>,
    pub day: Option<i32>,
}

pub async fn update_settings(app: &App, actor: &Actor, id: BrandId, patch: Patch) -> Result<brand::Model> {
    actor.authorise(Operation::UpdatePayoutSettings, Place::brand(id))?;
    let tx = app.db.begin().await?;
    // What is written to the brand's books meanwhile names the brand, and need not wait.
    let mut row = brand::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("brand"))?;
    if let Some(ppm) = patch.reserve_ppm {
        if !(0..=MAX_RESERVE_PPM).contains(&ppm) {
            return Err(Failure::refused_field(
                Code::ReserveOutOfRange,
                "patch.reservePercent",
                "the reserve is between 0 and 50 percent",
            ));
        }
        row.reserve_ppm = ppm;
    }
    if let Some(days) = patch.reserve_days {
        if !(0..=MAX_RESERVE_DAYS).contains(&days) {
            return Err(Failure::refused_field(
                Code::ReserveDaysOutOfRange,
                "patch.reserveDays",
                format!("a reserve is kept 0 to {MAX_RESERVE_DAYS} days"),
            ));
        }
        row.reserve_days = days;
    }
    if let Some(minimum) = patch.payout_minimum {
        let currency: Currency = row.currency.parse().map_err(Fault::new)?;
        let minimum = Money::from_decimal(minimum, currency)
            .map_err(|error| Failure::refused_field(Code::PayoutMinimumInvalid, "patch.payoutMinimum", error))?;
        row.payout_minimum_minor = minimum.amount_minor;
    }
    if let Some(need_two) = patch.need_two {
        row.payouts_need_two = need_two;
    }
    if patch.schedule.is_some() || patch.day.is_some() {
        schedule(app, &mut row, patch.schedule, patch.day)?;
    }
    brand::Entity::update(row.clone().into_active_model().reset_all())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(id, "brand.payout_settings_changed", id),
    )
    .await?;
    app.commit(tx).await?;
    Ok(row)
}

/// A new schedule begins with its next day; a day is one that it knows.
fn schedule(app: &App, row: &mut brand::Model, schedule: Option<PayoutSchedule>, day: Option<i32>) -> Result<()> {
    let schedule = schedule.unwrap_or(row.payout_schedule);
    let is_new = schedule != row.payout_schedule;
    let day = day.unwrap_or(if is_new { 1 } else { row.payout_day });
    let days = rules::days(schedule);
    if !days.contains(&day) {
        return Err(Failure::refused_field(
            Code::PayoutDayOutOfRange,
            "patch.payoutDay",
            format!("this schedule has the days {} to {}", days.start(), days.end()),
        ));
    }
    row.payout_schedule = schedule;
    row.payout_day = day;
    row.next_payouts_at = rules::next(schedule, day, app.clock.now());
    Ok(())
}
