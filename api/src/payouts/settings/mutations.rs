//! Mutations of how a brand pays.

use async_graphql::{Context, Object};

use super::{
    service::{self, Patch},
    types::{UpdatePayoutSettingsInput, UpdatePayoutSettingsPayload},
};
use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        scalars::percent_to_ppm,
    },
};

#[derive(Default)]
pub struct PayoutSettingsMutations;

#[Object]
impl PayoutSettingsMutations {
    /// Changes how a brand pays. A new share counts for what is approved from then on; new days count for all that is in
    /// reserve.
    async fn update_payout_settings(
        &self,
        ctx: &Context<'_>,
        input: UpdatePayoutSettingsInput,
    ) -> Result<Option<UpdatePayoutSettingsPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let reserve_ppm = input
            .patch
            .reserve_percent
            .map(|percent| percent_to_ppm(percent, "patch.reservePercent"));
        let patch = Patch {
            reserve_ppm: reserve_ppm.transpose()?,
            reserve_days: input.patch.reserve_days,
            payout_minimum: input.patch.payout_minimum.map(|amount| amount.0),
            need_two: input.patch.needs_second_person,
            schedule: input.patch.payout_schedule.map(Into::into),
            day: input.patch.payout_day,
        };
        UpdatePayoutSettingsPayload::of(service::update_settings(ctx.app(), ctx.actor(), brand, patch).await)
    }
}
