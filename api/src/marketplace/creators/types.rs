//! Creators as the schema shows them.

pub mod find;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{creator_channel, creator_profile, ids::PartnerId};

use super::{
    error::{CreatorError, CreatorErrorCode},
    loaders::{ChannelsOf, CreatorProfileOf},
    rules,
};
use crate::{
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::Partner,
        scalars::{CountryCode, Decimal, Money, MoneyInput, Url, ppm_to_percent},
    },
    marketplace::service::split,
    payload,
};

/// Whether a creator takes work now.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "creator_profile::Availability")]
pub enum CreatorAvailability {
    /// Takes work.
    Open,
    /// Takes some.
    Limited,
    /// Takes none.
    Closed,
}

/// Who may find a profile.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "creator_profile::Visibility")]
pub enum CreatorVisibility {
    /// Nobody. Brands that the partner has applied to or works with still see it.
    Private,
    /// Everybody in a brand.
    Public,
}

/// What the platform makes of a creator.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "creator_profile::Vetting")]
pub enum CreatorVetting {
    /// Nobody has looked yet.
    Unvetted,
    /// Is who it says it is.
    Verified,
    /// Has proved itself.
    Trusted,
}

/// Where a channel is.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "creator_channel::Platform")]
pub enum CreatorPlatform {
    /// Instagram.
    Instagram,
    /// YouTube.
    Youtube,
    /// TikTok.
    Tiktok,
    /// X, once Twitter.
    X,
    /// Twitch.
    Twitch,
    /// Facebook.
    Facebook,
    /// Pinterest.
    Pinterest,
    /// LinkedIn.
    Linkedin,
    /// A newsletter, wherever it is written.
    Newsletter,
    /// A podcast, wherever it is heard.
    Podcast,
    /// A website or blog.
    Website,
    /// Anything else.
    Other,
}

/// What a creator makes for a brand.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "rules::Deliverable")]
pub enum CreatorDeliverable {
    /// A post that stays.
    Post,
    /// A post that goes after a day or so.
    Story,
    /// A video of a minute or so.
    ShortVideo,
    /// A longer video.
    Video,
    /// A stream.
    LiveStream,
    /// An article.
    Article,
    /// A mention in a newsletter.
    NewsletterMention,
    /// A mention in a podcast.
    PodcastMention,
    /// Photos for the brand's own use.
    Photo,
    /// An appearance.
    Event,
    /// Anything else.
    Other,
}

/// A place on earth.
#[derive(Clone, Debug, SimpleObject)]
pub struct GeoPoint {
    /// Degrees north.
    pub latitude: Decimal,
    /// Degrees east.
    pub longitude: Decimal,
}

/// A place on earth.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct GeoPointInput {
    /// Degrees north, from `"-90"` to `"90"`.
    pub latitude: Decimal,
    /// Degrees east, from `"-180"` to `"180"`.
    pub longitude: Decimal,
}

/// A part of an audience.
#[derive(Clone, Debug, SimpleObject)]
pub struct AudienceShare {
    /// Where these people are.
    pub country: CountryCode,
    /// How many of a hundred they are, such as `"42.5"`.
    pub percent: Decimal,
}

/// What a creator asks for its work, before anything is agreed.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreatorRate {
    /// What is made.
    pub deliverable: CreatorDeliverable,
    /// What one of it costs.
    pub price: Money,
}

/// What a partner tells brands about itself; its name, text and country stand on the partner. What it says of followers,
/// engagement and audience is its word.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct CreatorProfile {
    /// Global id.
    pub id: ID,
    /// One line about what it does.
    pub headline: Option<String>,
    /// Roughly where it is: rounded to hundredths of a degree, about a kilometre.
    pub location: Option<GeoPoint>,
    /// Languages it speaks to people in: primary tags of BCP 47 such as `de`.
    pub languages: Vec<String>,
    /// What it is about: slugs such as `home-garden`, the same as the categories of listings.
    pub niches: Vec<String>,
    /// Where its media kits are, in its order.
    pub media_kit_urls: Vec<Url>,
    /// Where its audience is, the greatest share first; what is missing to a hundred percent is elsewhere.
    pub audience: Vec<AudienceShare>,
    /// Whether it takes work now.
    pub availability: CreatorAvailability,
    /// Who may find it.
    pub visibility: CreatorVisibility,
    /// What the platform makes of it.
    pub vetting: CreatorVetting,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it or one of its channels last changed.
    pub updated_at: DateTime<Utc>,
    #[graphql(skip)]
    pub partner_id: PartnerId,
    #[graphql(skip)]
    pub stored_rates: String,
}

impl From<creator_profile::Model> for CreatorProfile {
    fn from(row: creator_profile::Model) -> Self {
        let place = row.latitude_micro.zip(row.longitude_micro);
        let share = |share: rules::Share| AudienceShare {
            country: CountryCode(share.country),
            percent: ppm_to_percent(share.ppm),
        };
        Self {
            id: row.id.to_string().into(),
            headline: row.headline,
            location: place.map(|(latitude, longitude)| GeoPoint {
                latitude: Decimal(rules::degrees(latitude)),
                longitude: Decimal(rules::degrees(longitude)),
            }),
            languages: split(&row.languages),
            niches: split(&row.niches),
            media_kit_urls: row.media_kit_urls.lines().map(str::to_owned).map(Url).collect(),
            audience: rules::read_audience(&row.audience).into_iter().map(share).collect(),
            availability: row.availability.into(),
            visibility: row.visibility.into(),
            vetting: row.vetting.into(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            partner_id: row.partner_id,
            stored_rates: row.rates,
        }
    }
}

#[ComplexObject]
impl CreatorProfile {
    /// Whose profile it is.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        Ok(ctx.load(self.partner_id).await?.map(Partner::from))
    }

    /// Where it speaks to people, the most followed first. At most 20.
    async fn channels(&self, ctx: &Context<'_>) -> Result<Option<Vec<CreatorChannel>>, ApiError> {
        let rows = ctx.load(ChannelsOf(self.partner_id)).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(CreatorChannel::from).collect()))
    }

    /// What it asks for its work, in its order. At most 30.
    async fn rates(&self) -> Result<Option<Vec<CreatorRate>>, ApiError> {
        let rate = |rate: rules::Rate| {
            Ok(CreatorRate {
                deliverable: rate.deliverable.into(),
                price: Money::stored(rate.amount_minor, &rate.currency)?,
            })
        };
        let rates = rules::read_rates(&self.stored_rates).into_iter().map(rate);
        rates.collect::<Result<_, ApiError>>().map(Some)
    }
}

/// Where a creator speaks to people.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreatorChannel {
    /// Global id.
    pub id: ID,
    /// Where it is.
    pub platform: CreatorPlatform,
    /// Its name there, without `@`.
    pub handle: String,
    /// Its address.
    pub url: Url,
    /// How many follow it, as the creator says.
    pub followers_count: i32,
    /// How many of a hundred followers react, as the creator says; such as `"3.25"`.
    pub engagement_percent: Option<Decimal>,
    /// When it was proved that the channel is the creator's. Says nothing about its numbers.
    pub verified_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<creator_channel::Model> for CreatorChannel {
    fn from(row: creator_channel::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            platform: row.platform.into(),
            handle: row.handle,
            url: Url(row.url),
            followers_count: i32::try_from(row.followers).unwrap_or(i32::MAX),
            engagement_percent: row.engagement_ppm.map(ppm_to_percent),
            verified_at: row.verified_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// What creators add to `Partner`.
#[derive(Clone)]
pub struct CreatorOfPartner(pub PartnerId);

#[Object]
impl CreatorOfPartner {
    /// What it tells brands about itself. Absent while it told nothing, and for whoever may not see it: a private one is for
    /// its own people, the platform, and brands it has applied to or works with; a public one for the people of all brands.
    async fn creator_profile(&self, ctx: &Context<'_>) -> Result<Option<CreatorProfile>, ApiError> {
        Ok(ctx.load(CreatorProfileOf(self.0)).await?.map(CreatorProfile::from))
    }
}

/// What to change of a profile; what is absent stays.
#[derive(InputObject)]
pub struct CreatorProfilePatch {
    /// 1 to 120 characters on one line; null takes it away.
    pub headline: MaybeUndefined<String>,
    /// Roughly where the creator is; kept rounded to hundredths of a degree, about a kilometre. Null takes it away.
    pub location: MaybeUndefined<GeoPointInput>,
    /// At most 20 tags of two or three lower-case letters, such as `de`.
    pub languages: MaybeUndefined<Vec<String>>,
    /// At most 10 slugs such as `home-garden`.
    pub niches: MaybeUndefined<Vec<String>>,
    /// At most 5 addresses.
    pub media_kit_urls: MaybeUndefined<Vec<Url>>,
    /// Whether it takes work now.
    pub availability: MaybeUndefined<CreatorAvailability>,
}

/// A change of a profile.
#[derive(InputObject)]
pub struct UpdateCreatorProfileInput {
    /// Whose profile; made private when there is none yet.
    pub partner_id: ID,
    /// What to change.
    pub patch: CreatorProfilePatch,
}

/// A part of an audience.
#[derive(InputObject)]
pub struct AudienceShareInput {
    /// Where these people are; each country once.
    pub country: CountryCode,
    /// How many of a hundred they are, such as `"42.5"`: above 0, with at most four decimals.
    pub percent: Decimal,
}

/// Where an audience is, in place of what was said before.
#[derive(InputObject)]
pub struct SetCreatorAudienceInput {
    /// Whose audience.
    pub partner_id: ID,
    /// At most 50 countries, together at most a hundred percent.
    pub audience: Vec<AudienceShareInput>,
}

/// What a deliverable costs.
#[derive(InputObject)]
pub struct CreatorRateInput {
    /// What is made; once in a currency.
    pub deliverable: CreatorDeliverable,
    /// What one of it costs.
    pub price: MoneyInput,
}

/// What is asked for work, in place of what was said before.
#[derive(InputObject)]
pub struct SetCreatorRatesInput {
    /// Whose rates.
    pub partner_id: ID,
    /// At most 30.
    pub rates: Vec<CreatorRateInput>,
}

/// Whose profile brands are to find.
#[derive(InputObject)]
pub struct PublishCreatorProfileInput {
    /// The partner.
    pub partner_id: ID,
}

/// Whose profile nobody is to find.
#[derive(InputObject)]
pub struct HideCreatorProfileInput {
    /// The partner.
    pub partner_id: ID,
}

/// What the platform makes of a creator.
#[derive(InputObject)]
pub struct SetCreatorVettingInput {
    /// The creator.
    pub partner_id: ID,
    /// What it makes of it.
    pub vetting: CreatorVetting,
    /// Why: 1 to 500 characters, for the audit log.
    pub reason: String,
}

/// A new channel.
#[derive(InputObject)]
pub struct AddCreatorChannelInput {
    /// Whose channel; at most 20 of a partner.
    pub partner_id: ID,
    /// Where it is.
    pub platform: CreatorPlatform,
    /// Its name there: 1 to 100 characters without spaces. An `@` in front is left out. Once on a platform, whatever the case.
    pub handle: String,
    /// Its address.
    pub url: Url,
    /// How many follow it: 0 to 2,000,000,000.
    pub followers_count: i32,
    /// How many of a hundred followers react, such as `"3.25"`: 0 to 100, with at most four decimals.
    pub engagement_percent: Option<Decimal>,
}

/// What to change of a channel; what is absent stays.
#[derive(InputObject)]
pub struct CreatorChannelPatch {
    /// As in `AddCreatorChannelInput`. A changed one is no longer verified.
    pub handle: MaybeUndefined<String>,
    /// Its address. A changed one is no longer verified.
    pub url: MaybeUndefined<Url>,
    /// How many follow it: 0 to 2,000,000,000.
    pub followers_count: MaybeUndefined<i32>,
    /// How many of a hundred followers react: 0 to 100, with at most four decimals. Null takes it away.
    pub engagement_percent: MaybeUndefined<Decimal>,
}

/// A change of a channel.
#[derive(InputObject)]
pub struct UpdateCreatorChannelInput {
    /// The channel.
    pub id: ID,
    /// What to change.
    pub patch: CreatorChannelPatch,
}

/// Which channel to take away.
#[derive(InputObject)]
pub struct RemoveCreatorChannelInput {
    /// The channel.
    pub id: ID,
}

payload! {
    /// What `updateCreatorProfile` answers.
    UpdateCreatorProfilePayload {
        /// The profile as it is now.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `setCreatorAudience` answers.
    SetCreatorAudiencePayload {
        /// The profile as it is now.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `setCreatorRates` answers.
    SetCreatorRatesPayload {
        /// The profile as it is now.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `publishCreatorProfile` answers.
    PublishCreatorProfilePayload {
        /// The profile, public now.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `hideCreatorProfile` answers.
    HideCreatorProfilePayload {
        /// The profile, private now.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `setCreatorVetting` answers.
    SetCreatorVettingPayload {
        /// The profile as it is now.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `addCreatorChannel` answers.
    AddCreatorChannelPayload {
        /// The new channel.
        creator_channel: CreatorChannel
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `updateCreatorChannel` answers.
    UpdateCreatorChannelPayload {
        /// The channel as it is now.
        creator_channel: CreatorChannel
    } refused by CreatorError, CreatorErrorCode
}

/// What is to be placed on a channel, to prove whose it is.
#[derive(Clone, Debug, SimpleObject)]
pub struct ChannelVerification {
    /// The text, to be placed where anybody reads it without signing in: in the description, in a page.
    pub token: String,
    /// The page on which it is looked for.
    pub url: Url,
    /// The channel.
    pub creator_channel: CreatorChannel,
}

impl From<creator_channel::Model> for ChannelVerification {
    fn from(row: creator_channel::Model) -> Self {
        Self {
            token: row.verification_token.clone().unwrap_or_default(),
            url: Url(row.url.clone()),
            creator_channel: row.into(),
        }
    }
}

/// For which channel a token is wanted.
#[derive(InputObject)]
pub struct RequestChannelVerificationInput {
    /// The channel.
    pub id: ID,
}

/// Which channel to look at.
#[derive(InputObject)]
pub struct VerifyChannelInput {
    /// The channel.
    pub id: ID,
}

payload! {
    /// What `requestChannelVerification` answers.
    RequestChannelVerificationPayload {
        /// What to place, and where.
        verification: ChannelVerification
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `verifyChannel` answers.
    VerifyChannelPayload {
        /// The channel, verified now.
        creator_channel: CreatorChannel
    } refused by CreatorError, CreatorErrorCode
}

payload! {
    /// What `removeCreatorChannel` answers.
    RemoveCreatorChannelPayload {
        /// The profile without the channel.
        creator_profile: CreatorProfile
    } refused by CreatorError, CreatorErrorCode
}
