//! Mutations of creators.

use async_graphql::{Context, Object};

use super::{
    rules::Share,
    service::{self, ChannelContent, ChannelPatch, ProfilePatch, RateContent},
    types::{
        AddCreatorChannelInput, AddCreatorChannelPayload, HideCreatorProfileInput, HideCreatorProfilePayload,
        PublishCreatorProfileInput, PublishCreatorProfilePayload, RemoveCreatorChannelInput,
        RemoveCreatorChannelPayload, RequestChannelVerificationInput, RequestChannelVerificationPayload,
        SetCreatorAudienceInput, SetCreatorAudiencePayload, SetCreatorRatesInput, SetCreatorRatesPayload,
        SetCreatorVettingInput, SetCreatorVettingPayload, UpdateCreatorChannelInput, UpdateCreatorChannelPayload,
        UpdateCreatorProfileInput, UpdateCreatorProfilePayload, VerifyChannelInput, VerifyChannelPayload,
    },
    verification,
};
use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, not_null, nullable, parse_id},
        scalars::percent_to_ppm,
    },
};

#[derive(Default)]
pub struct CreatorMutations;

#[Object]
impl CreatorMutations {
    /// Changes what a partner tells brands about itself. The first change makes the profile, as a private one.
    async fn update_creator_profile(
        &self,
        ctx: &Context<'_>,
        input: UpdateCreatorProfileInput,
    ) -> Result<Option<UpdateCreatorProfilePayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let patch = input.patch;
        let patch = ProfilePatch {
            headline: nullable(patch.headline),
            location: nullable(patch.location).map(|place| place.map(|place| (place.latitude.0, place.longitude.0))),
            languages: not_null(patch.languages, "patch.languages")?,
            niches: not_null(patch.niches, "patch.niches")?,
            media_kit_urls: not_null(patch.media_kit_urls, "patch.mediaKitUrls")?
                .map(|urls| urls.into_iter().map(|url| url.0).collect()),
            availability: not_null(patch.availability, "patch.availability")?.map(Into::into),
        };
        UpdateCreatorProfilePayload::of(service::update_profile(ctx.app(), ctx.actor(), partner, patch).await)
    }

    /// Says where a partner's audience is, in place of what was said before.
    async fn set_creator_audience(
        &self,
        ctx: &Context<'_>,
        input: SetCreatorAudienceInput,
    ) -> Result<Option<SetCreatorAudiencePayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let share = |(place, share): (usize, super::types::AudienceShareInput)| {
            Ok(Share {
                country: share.country.0,
                ppm: percent_to_ppm(share.percent, &format!("audience.{place}.percent"))?,
            })
        };
        let audience = input.audience.into_iter().enumerate().map(share);
        let audience = audience.collect::<Result<_, ApiError>>()?;
        SetCreatorAudiencePayload::of(service::set_audience(ctx.app(), ctx.actor(), partner, audience).await)
    }

    /// Says what a partner asks for its work, in place of what was said before. Promises nothing.
    async fn set_creator_rates(
        &self,
        ctx: &Context<'_>,
        input: SetCreatorRatesInput,
    ) -> Result<Option<SetCreatorRatesPayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let rates = input.rates.into_iter().map(|rate| RateContent {
            deliverable: rate.deliverable.into(),
            amount: rate.price.amount.0,
            currency: rate.price.currency.0,
        });
        let rates = rates.collect();
        SetCreatorRatesPayload::of(service::set_rates(ctx.app(), ctx.actor(), partner, rates).await)
    }

    /// Lets brands find a private profile. It has a niche and a channel at least.
    async fn publish_creator_profile(
        &self,
        ctx: &Context<'_>,
        input: PublishCreatorProfileInput,
    ) -> Result<Option<PublishCreatorProfilePayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        PublishCreatorProfilePayload::of(service::publish_profile(ctx.app(), ctx.actor(), partner).await)
    }

    /// Lets nobody find a public profile any more. Brands the partner has applied to or works with still see it.
    async fn hide_creator_profile(
        &self,
        ctx: &Context<'_>,
        input: HideCreatorProfileInput,
    ) -> Result<Option<HideCreatorProfilePayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        HideCreatorProfilePayload::of(service::hide_profile(ctx.app(), ctx.actor(), partner).await)
    }

    /// Says what the platform makes of a creator. For platform administrators only.
    async fn set_creator_vetting(
        &self,
        ctx: &Context<'_>,
        input: SetCreatorVettingInput,
    ) -> Result<Option<SetCreatorVettingPayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let vetting = input.vetting.into();
        let set = service::set_vetting(ctx.app(), ctx.actor(), partner, vetting, &input.reason).await;
        SetCreatorVettingPayload::of(set)
    }

    /// Adds a channel of a partner. The first one makes the profile, as a private one.
    async fn add_creator_channel(
        &self,
        ctx: &Context<'_>,
        input: AddCreatorChannelInput,
    ) -> Result<Option<AddCreatorChannelPayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let engagement = input.engagement_percent;
        let content = ChannelContent {
            platform: input.platform.into(),
            handle: input.handle,
            url: input.url.0,
            followers: input.followers_count.into(),
            engagement_ppm: engagement
                .map(|percent| percent_to_ppm(percent, "engagementPercent"))
                .transpose()?,
        };
        AddCreatorChannelPayload::of(service::add_channel(ctx.app(), ctx.actor(), partner, content).await)
    }

    /// Changes a channel. With another handle or address it is no longer verified.
    async fn update_creator_channel(
        &self,
        ctx: &Context<'_>,
        input: UpdateCreatorChannelInput,
    ) -> Result<Option<UpdateCreatorChannelPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let patch = input.patch;
        let engagement = nullable(patch.engagement_percent);
        let patch = ChannelPatch {
            handle: not_null(patch.handle, "patch.handle")?,
            url: not_null(patch.url, "patch.url")?.map(|url| url.0),
            followers: not_null(patch.followers_count, "patch.followersCount")?.map(Into::into),
            engagement_ppm: engagement
                .map(|percent| {
                    percent
                        .map(|percent| percent_to_ppm(percent, "patch.engagementPercent"))
                        .transpose()
                })
                .transpose()?,
        };
        UpdateCreatorChannelPayload::of(service::update_channel(ctx.app(), ctx.actor(), id, patch).await)
    }

    /// Gives a text to be placed on a channel, to prove whose it is; the same text until the channel's handle or address changes.
    async fn request_channel_verification(
        &self,
        ctx: &Context<'_>,
        input: RequestChannelVerificationInput,
    ) -> Result<Option<RequestChannelVerificationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RequestChannelVerificationPayload::of(verification::request(ctx.app(), ctx.actor(), id).await)
    }

    /// Looks for the text on the channel's page: its first 512 kB, as anybody gets it without signing in, within five seconds and
    /// three redirects. At most 10 looks in an hour for a partner, 50 for a client.
    async fn verify_channel(
        &self,
        ctx: &Context<'_>,
        input: VerifyChannelInput,
    ) -> Result<Option<VerifyChannelPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        VerifyChannelPayload::of(verification::verify(ctx.app(), ctx.actor(), ctx.client(), id).await)
    }

    /// Takes a channel away.
    async fn remove_creator_channel(
        &self,
        ctx: &Context<'_>,
        input: RemoveCreatorChannelInput,
    ) -> Result<Option<RemoveCreatorChannelPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RemoveCreatorChannelPayload::of(service::remove_channel(ctx.app(), ctx.actor(), id).await)
    }
}
