//! How a brand pays, as the schema shows it.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
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
}

impl PayoutSettings {
    fn of(row: &brand::Model) -> Result<Self, ApiError> {
        Ok(Self {
            reserve_percent: ppm_to_percent(row.reserve_ppm),
            reserve_days: row.reserve_days,
            payout_minimum: Money::stored(row.payout_minimum_minor, &row.currency)?,
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
