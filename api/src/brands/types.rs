//! Brands as the schema shows them.

mod audit_log;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    api_key, brand, brand_member,
    ids::{ApiKeyId, BrandId, UserId},
};

pub use self::audit_log::{
    AuditActionFilter, AuditActor, AuditActorKind, AuditEntry, AuditEntryConnection, AuditEntryEdge, AuditLogWhere,
    AuditSubjectKind, AuditTimeFilter,
};
use crate::{
    accounts::{service::scopes_of_key, types::User},
    brands::{
        error::{BrandError, BrandErrorCode},
        service::{self, NewApiKey},
    },
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::Brand,
        scalars::{CurrencyCode, Decimal, Url},
    },
    page, payload,
};

/// What a member may do in a brand.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "brand_member::BrandRole")]
pub enum BrandRole {
    /// Everything, money included.
    Owner,
    /// Everything but releasing money.
    Admin,
    /// Programs, listings, partners and reviews.
    Manager,
    /// Reviews and payouts.
    Finance,
    /// Looking only.
    Analyst,
    /// Keys and events.
    Developer,
}

/// What an API key may be used for.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "api_key::ApiKeyKind")]
pub enum ApiKeyKind {
    /// Server events. Keep it on your server.
    Secret,
    /// The tag and the pixel. May be seen by anyone.
    Publishable,
}

/// Whether what is done with an API key counts.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "api_key::ApiKeyMode")]
pub enum ApiKeyMode {
    /// It counts.
    Live,
    /// For trying things out: it touches no money and reads nothing that counts. Its text begins with `trk_test_`.
    Test,
}

/// One thing an API key may be used for.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "api_key::KeyScope")]
pub enum ApiKeyScope {
    /// Report signups, leads and sales. Secret keys only.
    RecordEvents,
    /// Report refunds. Secret keys only.
    RecordRefunds,
    /// Watch conversions, and look up what is told there. Secret keys only.
    ReadConversions,
    /// Make click ids for visits that a tag on the brand's page tells of.
    TrackClicks,
    /// Spend store credit of customers. Secret keys only.
    RedeemStoreCredit,
}

/// A brand's own fields; the schema's `Brand` is merged in `graphql/objects.rs` from this and what other slices add.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct BrandFields {
    /// Global id.
    pub id: ID,
    /// Unique name in lower case, part of public addresses.
    pub slug: String,
    /// The name people read.
    pub name: String,
    /// The brand's own site.
    pub website_url: Url,
    /// The currency the brand reports in.
    pub currency: CurrencyCode,
    /// When the brand was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row_id: BrandId,
}

impl From<brand::Model> for BrandFields {
    fn from(row: brand::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            slug: row.slug,
            name: row.name,
            website_url: Url(row.website_url),
            currency: CurrencyCode(row.currency),
            created_at: row.created_at,
            row_id: row.id,
        }
    }
}

#[ComplexObject]
impl BrandFields {
    /// The people of the brand, newest first. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<BrandMemberConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_members(ctx.app(), ctx.actor(), self.row_id, &page)
                .await?
                .into(),
        ))
    }

    /// The brand's API keys, newest first, revoked ones included. For owners, admins and developers.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ApiKeyConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_api_keys(ctx.app(), ctx.actor(), self.row_id, &page)
                .await?
                .into(),
        ))
    }

    /// What was changed in the brand, by whom and why, newest first. For owners and admins.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which entries; all when absent.")] filter: Option<AuditLogWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<AuditEntryConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        Ok(Some(
            service::list_audit_entries(ctx.app(), ctx.actor(), self.row_id, filter, &page)
                .await?
                .into(),
        ))
    }
}

/// A brand the signed-in user belongs to.
pub struct Membership {
    pub brand_id: BrandId,
    pub role: BrandRole,
}

/// A brand the signed-in user belongs to.
#[Object]
impl Membership {
    /// The brand.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        Ok(ctx.load(self.brand_id).await?.map(Brand::from))
    }

    /// What the user may do there.
    async fn role(&self) -> BrandRole {
        self.role
    }
}

/// A person of a brand.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct BrandMember {
    /// Global id.
    pub id: ID,
    /// What this person may do.
    pub role: BrandRole,
    /// Since when.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub user_id: UserId,
}

impl From<brand_member::Model> for BrandMember {
    fn from(row: brand_member::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            role: row.role.into(),
            created_at: row.created_at,
            user_id: row.user_id,
        }
    }
}

#[ComplexObject]
impl BrandMember {
    /// The person.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        Ok(ctx.load(self.user_id).await?.map(User::from))
    }
}

connection! {
    /// People of a brand.
    BrandMemberConnection, BrandMemberEdge of BrandMember
}

/// A key of a brand's server or page. The key itself was shown when it was made.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ApiKey {
    /// Global id.
    pub id: ID,
    /// What it may be used for.
    pub kind: ApiKeyKind,
    /// Whether what is done with it counts.
    pub mode: ApiKeyMode,
    /// What the brand calls it.
    pub name: String,
    /// The last four characters, to tell keys apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What it may be used for, within its kind.
    pub scopes: Vec<ApiKeyScope>,
    /// When it was last used, to the minute; absent while it never was.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it stops by itself; absent when it does not.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked; absent while it was not.
    pub revoked_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    replaces_id: Option<ApiKeyId>,
    #[graphql(skip)]
    replaced_by_id: Option<ApiKeyId>,
}

#[ComplexObject]
impl ApiKey {
    /// The key it was made to take the place of.
    async fn replaces(&self, ctx: &Context<'_>) -> Result<Option<Self>, ApiError> {
        load_key(ctx, self.replaces_id).await
    }

    /// The key that was made to take its place.
    async fn replaced_by(&self, ctx: &Context<'_>) -> Result<Option<Self>, ApiError> {
        load_key(ctx, self.replaced_by_id).await
    }
}

async fn load_key(ctx: &Context<'_>, id: Option<ApiKeyId>) -> Result<Option<ApiKey>, ApiError> {
    match id {
        Some(id) => Ok(ctx.load(id).await?.map(ApiKey::from)),
        None => Ok(None),
    }
}

impl From<api_key::Model> for ApiKey {
    fn from(row: api_key::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            scopes: scopes_of_key(&row).iter().map(Into::into).collect(),
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            replaces_id: row.replaces_id,
            replaced_by_id: row.replaced_by_id,
            kind: row.kind.into(),
            mode: row.mode.into(),
            name: row.name,
            last_four: row.last_four,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        }
    }
}

connection! {
    /// API keys of a brand.
    ApiKeyConnection, ApiKeyEdge of ApiKey
}

/// A key with its text, which cannot be read again.
#[derive(Clone, Debug, SimpleObject)]
pub struct ApiKeySecret {
    /// The key.
    pub api_key: ApiKey,
    /// Its text: send it as `Authorization: Bearer …`. Shown this once.
    pub secret: String,
}

impl From<NewApiKey> for ApiKeySecret {
    fn from(made: NewApiKey) -> Self {
        Self {
            api_key: made.key.into(),
            secret: made.text,
        }
    }
}

/// A new brand.
#[derive(InputObject)]
pub struct CreateBrandInput {
    /// Unique: 3 to 30 lower-case letters, digits or hyphens, beginning with a letter.
    pub slug: String,
    /// 1 to 100 characters.
    pub name: String,
    /// The brand's own site.
    pub website_url: Url,
    /// The currency the brand reports in.
    pub currency: CurrencyCode,
    /// Share of an approved commission kept in reserve against refunds, in percent: 0 to 50, 10 when absent.
    pub reserve_percent: Option<Decimal>,
    /// Smallest payout in the brand's currency, in major units; none when absent.
    pub payout_minimum: Option<Decimal>,
}

/// A new API key.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// The brand it is for.
    pub brand_id: ID,
    /// What it may be used for.
    pub kind: ApiKeyKind,
    /// Whether what is done with it counts.
    #[graphql(default_with = "ApiKeyMode::Live")]
    pub mode: ApiKeyMode,
    /// What to call it: 1 to 100 characters.
    pub name: String,
    /// What it may be used for; everything its kind allows when absent.
    pub scopes: Option<Vec<ApiKeyScope>>,
    /// When it stops by itself: in the future, at most 3,650 days ahead; never when absent.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key to be replaced.
#[derive(InputObject)]
pub struct RotateApiKeyInput {
    /// The key.
    pub id: ID,
    /// How long the old key works on, in hours: 0 to 168.
    #[graphql(default = 24)]
    pub overlap_hours: i32,
}

/// A key to revoke.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// The key.
    pub id: ID,
}

payload! {
    /// What `createBrand` answers.
    CreateBrandPayload {
        /// The new brand; the caller is its owner.
        brand: Brand
    } refused by BrandError, BrandErrorCode
}

payload! {
    /// What `createApiKey` answers.
    CreateApiKeyPayload {
        /// The key and, this once, its text.
        created: ApiKeySecret
    } refused by BrandError, BrandErrorCode
}

payload! {
    /// What `rotateApiKey` answers.
    RotateApiKeyPayload {
        /// The successor and, this once, its text.
        created: ApiKeySecret
    } refused by BrandError, BrandErrorCode
}

payload! {
    /// What `revokeApiKey` answers.
    RevokeApiKeyPayload {
        /// The key, revoked.
        api_key: ApiKey
    } refused by BrandError, BrandErrorCode
}
