//! Use cases of how a brand pays.

use entity::{brand, ids::BrandId};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};

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
}

pub async fn update_settings(app: &App, actor: &Actor, id: BrandId, patch: Patch) -> Result<brand::Model> {
    actor.authorise(Operation::UpdatePayoutSettings, Place::brand(id))?;
    let tx = app.db.begin().await?;
    let mut row = brand::Entity::find_by_id(id)
        .lock_exclusive()
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
