//! How a brand pays, as the schema shows it.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{brand, ids::BrandId};

use super::error::{PayoutSettingsError, PayoutSettingsErrorCode};
use crate::{
    accounts::{actor::Place, permissions::Operation},
    brands::service::get_brand,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::Brand,
        scalars::{Decimal, Money, ppm_to_percent},
    },
    payload,
};

/// How a brand pays.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutSettings {
    /// The share of an approved commission that is kept in reserve against refunds, in percent.
    pub reserve_percent: Decimal,
    /// Days from the approval of a commission to the release of its reserve.
    pub reserve_days: i32,
    /// The smallest payout in the brand's own currency; in others there is none.
    pub payout_minimum: Money,
    /// Whoever drafts a payout or a batch may not release it.
    pub needs_second_person: bool,
    /// When batches are drafted without being asked for, one a currency; a person approves them.
    pub payout_schedule: PayoutSchedule,
    /// The day of the schedule, in UTC: of the week, Monday being 1, or of the month; twice a month also 15 days later.
    pub payout_day: i32,
    /// When batches are drafted next; absent without a schedule.
    pub next_payouts_at: Option<DateTime<Utc>>,
}

/// When batches of payouts are drafted without being asked for.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "brand::PayoutSchedule")]
pub enum PayoutSchedule {
    /// Never.
    None,
    /// Once a week.
    Weekly,
    /// On a day of the month and 15 days later.
    TwiceAMonth,
    /// Once a month.
    Monthly,
}

impl PayoutSettings {
    fn of(row: &brand::Model) -> Result<Self, ApiError> {
        Ok(Self {
            reserve_percent: ppm_to_percent(row.reserve_ppm),
            reserve_days: row.reserve_days,
            payout_minimum: Money::stored(row.payout_minimum_minor, &row.currency)?,
            needs_second_person: row.payouts_need_two,
            payout_schedule: row.payout_schedule.into(),
            payout_day: row.payout_day,
            next_payouts_at: row.next_payouts_at,
        })
    }
}

/// The settings' part of `Brand`.
#[derive(Clone)]
pub struct PayoutSettingsOfBrand(pub BrandId);

#[Object]
impl PayoutSettingsOfBrand {
    /// How it pays. For those who see money.
    async fn payout_settings(&self, ctx: &Context<'_>) -> Result<Option<PayoutSettings>, ApiError> {
        ctx.actor()
            .authorise(Operation::SeePayoutSettings, Place::brand(self.0))?;
        let row = get_brand(ctx.app(), self.0).await?;
        PayoutSettings::of(&row).map(Some)
    }
}

/// What to change of how a brand pays; what is absent stays.
#[derive(InputObject)]
pub struct PayoutSettingsPatch {
    /// The share of an approved commission that is kept in reserve, in percent: 0 to 50. Counts for what is approved from then
    /// on.
    pub reserve_percent: Option<Decimal>,
    /// Days from the approval of a commission to the release of its reserve: 0 to 365. Counts for all that is in reserve.
    pub reserve_days: Option<i32>,
    /// The smallest payout in the brand's own currency, in major units.
    pub payout_minimum: Option<Decimal>,
    /// Whether whoever drafts a payout or a batch may not release it. Counts for what is drafted from then on.
    pub needs_second_person: Option<bool>,
    /// When batches are drafted without being asked for. Begins with its next day.
    pub payout_schedule: Option<PayoutSchedule>,
    /// The day of the schedule: 1 to 7 of a week, Monday being 1; 1 to 13 twice a month; 1 to 28 of a month. 1 for a new schedule when
    /// absent.
    pub payout_day: Option<i32>,
}

/// A change of how a brand pays.
#[derive(InputObject)]
pub struct UpdatePayoutSettingsInput {
    /// The brand.
    pub brand_id: ID,
    /// What to change.
    pub patch: PayoutSettingsPatch,
}

payload! {
    /// What `updatePayoutSettings` answers.
    UpdatePayoutSettingsPayload {
        /// The brand, changed.
        brand: Brand
    } refused by PayoutSettingsError, PayoutSettingsErrorCode
}
