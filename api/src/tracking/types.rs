//! Links and codes as the schema shows them.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId, PartnershipId},
    promo_code, tracking_link,
};

use crate::{
    accounts::actor::Place,
    connection,
    error::ApiError,
    graphql::{context::ContextExt, objects::Partnership, scalars::Url},
    page, payload,
    tracking::{
        error::{TrackingError, TrackingErrorCode},
        service,
    },
};

/// A short link of a partnership to a page of the program's site.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct TrackingLink {
    /// Global id.
    pub id: ID,
    /// The last part of the short address.
    pub slug: String,
    /// Where it leads; a click id is added to the address as `tcid`.
    pub destination_url: Url,
    /// What the partner calls it.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub partnership_id: PartnershipId,
}

impl From<tracking_link::Model> for TrackingLink {
    fn from(row: tracking_link::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            slug: row.slug,
            destination_url: Url(row.destination_url),
            name: row.name,
            created_at: row.created_at,
            partnership_id: row.partnership_id,
        }
    }
}

#[ComplexObject]
impl TrackingLink {
    /// The short address to share.
    async fn url(&self, ctx: &Context<'_>) -> Url {
        Url(format!("{}/r/{}", ctx.app().config.public_base(), self.slug))
    }

    /// Whose link it is.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        Ok(ctx.load(self.partnership_id).await?.map(Partnership::from))
    }
}

connection! {
    /// Tracking links.
    TrackingLinkConnection, TrackingLinkEdge of TrackingLink
}

/// A code that credits its partnership when it stands on an order.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PromoCode {
    /// Global id.
    pub id: ID,
    /// The code as shown; case does not matter.
    pub code: String,
    /// From when on it credits nobody; never when absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// How often it may win a credit; without bound when absent.
    pub usage_limit: Option<i32>,
    /// How often it has won.
    pub used_count: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub partnership_id: PartnershipId,
}

impl From<promo_code::Model> for PromoCode {
    fn from(row: promo_code::Model) -> Self {
        let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            id: row.id.to_string().into(),
            code: row.code,
            expires_at: row.expires_at,
            usage_limit: row.usage_limit.map(count),
            used_count: count(row.used_count),
            created_at: row.created_at,
            partnership_id: row.partnership_id,
        }
    }
}

#[ComplexObject]
impl PromoCode {
    /// Whose code it is.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        Ok(ctx.load(self.partnership_id).await?.map(Partnership::from))
    }
}

connection! {
    /// Promo codes.
    PromoCodeConnection, PromoCodeEdge of PromoCode
}

/// Tracking's part of `Partnership`.
#[derive(Clone)]
pub struct TrackingOfPartnership {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl TrackingOfPartnership {
    /// The partnership's links, newest first.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn tracking_links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<TrackingLinkConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let place = Place::shared(self.brand, self.partner);
        Ok(Some(
            service::list_links(ctx.app(), ctx.actor(), self.partnership, place, &page)
                .await?
                .into(),
        ))
    }

    /// The partnership's codes, newest first.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn promo_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PromoCodeConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let place = Place::shared(self.brand, self.partner);
        Ok(Some(
            service::list_codes(ctx.app(), ctx.actor(), self.partnership, place, &page)
                .await?
                .into(),
        ))
    }
}

/// A new tracking link.
#[derive(InputObject)]
pub struct CreateTrackingLinkInput {
    /// Whose link it is.
    pub partnership_id: ID,
    /// A page of the program's site or a subdomain; the program's own address when absent.
    pub destination_url: Option<Url>,
    /// The last part of the short address: 4 to 40 letters, digits or hyphens, unique. Made up when absent.
    pub slug: Option<String>,
    /// What to call it: 1 to 100 characters.
    pub name: Option<String>,
}

/// A new promo code.
#[derive(InputObject)]
pub struct CreatePromoCodeInput {
    /// Whose code it is.
    pub partnership_id: ID,
    /// 3 to 40 letters, digits, hyphens or underscores; unique in the brand, case does not matter.
    pub code: String,
    /// From when on it credits nobody; never when absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// How often it may win a credit: 1 to a billion; without bound when absent.
    pub usage_limit: Option<i32>,
}

payload! {
    /// What `createTrackingLink` answers.
    CreateTrackingLinkPayload {
        /// The new link.
        tracking_link: TrackingLink
    } refused by TrackingError, TrackingErrorCode
}

payload! {
    /// What `createPromoCode` answers.
    CreatePromoCodePayload {
        /// The new code.
        promo_code: PromoCode
    } refused by TrackingError, TrackingErrorCode
}
