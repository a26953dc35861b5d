//! Listings as the schema shows them.

pub mod conditions;
pub mod find;
pub mod found;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::ProgramId,
    listing::{self, PayoutMethods},
};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        objects::{Brand, Program},
        scalars::CountryCode,
    },
    marketplace::{
        error::{ListingError, ListingErrorCode},
        loaders::ListingOf,
        quality, service,
        shortlists::{loaders::ListingMarkOf, types::ListingMark},
        trust::{loaders::ProgramTrustOf, types::ListingTrust},
    },
    payload,
    programs::loaders::RulesOf,
};

/// Where a listing is in its life.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "listing::ListingState")]
pub enum ListingState {
    /// Being prepared; seen by its brand only.
    Draft,
    /// In the marketplace, while its program is active.
    Published,
    /// Taken out of the marketplace for the time being.
    Paused,
    /// Over for good. The program may have another listing.
    Archived,
}

/// A way in which a brand says it pays its partners.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "listing::PayoutMethod")]
pub enum ListingPayoutMethod {
    /// To a bank account.
    BankTransfer,
    /// To a UPI address (India).
    Upi,
    /// To a PayPal account.
    Paypal,
    /// To a Stripe account.
    Stripe,
    /// As credit in the brand's shop.
    StoreCredit,
    /// In another way, which the terms name.
    Other,
}

/// Something that a listing lacks.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "quality::Check")]
pub enum ListingGapCode {
    /// The program is not active.
    ProgramActive,
    /// Neither a commission rule nor a commission note says what there is to earn.
    SomethingToEarn,
    /// Only a note says what there is to earn: conditions on the commission do not find the listing.
    RuleNotOnlyNote,
    /// The title has fewer than 15 characters.
    Title,
    /// The pitch has fewer than 120 characters.
    Pitch,
    /// Nothing says how partners are paid.
    PayoutMethods,
    /// The program has no description.
    ProgramDescription,
}

/// Something that a listing lacks, in words.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListingGap {
    /// What is looked at.
    pub code: ListingGapCode,
    /// What is missing.
    pub message: String,
    /// Whether publishing is refused because of it.
    pub is_blocking: bool,
}

/// What a listing lacks.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListingQuality {
    /// Nothing keeps it from being published.
    pub is_ready: bool,
    /// How many things are as they should be, of `checkCount`.
    pub passed_count: i32,
    /// How many things are looked at.
    pub check_count: i32,
    /// What is missing, first what keeps it from being published.
    pub gaps: Vec<ListingGap>,
}

impl ListingQuality {
    fn of(facts: &quality::Facts<'_>) -> Self {
        let gaps: Vec<ListingGap> = quality::gaps(facts)
            .map(|gap| ListingGap {
                code: gap.into(),
                message: gap.message().to_owned(),
                is_blocking: gap.refusal().is_some(),
            })
            .collect();
        let all = quality::Check::ALL.len();
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            is_ready: !gaps.iter().any(|gap| gap.is_blocking),
            passed_count: count(all - gaps.len()),
            check_count: count(all),
            gaps,
        }
    }
}

/// A program's face in the marketplace.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Listing {
    /// Global id.
    pub id: ID,
    /// One line that says what is promoted.
    pub title: String,
    /// Why a partner should join.
    pub pitch: String,
    /// A slug such as `home-garden`.
    pub category: String,
    /// The countries it is open to; empty means everywhere.
    pub countries: Vec<CountryCode>,
    /// How the brand says it pays; empty while it has not said.
    pub payout_methods: Vec<ListingPayoutMethod>,
    /// Where it is in its life.
    pub state: ListingState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was first published.
    pub published_at: Option<DateTime<Utc>>,
    /// Until when the platform shows it first; absent when it does not.
    pub featured_until: Option<DateTime<Utc>>,
    #[graphql(skip)]
    row: listing::Model,
}

impl From<listing::Model> for Listing {
    fn from(row: listing::Model) -> Self {
        Self {
            row: row.clone(),
            id: row.id.to_string().into(),
            title: row.title,
            pitch: row.pitch,
            category: row.category,
            countries: service::split(&row.countries).into_iter().map(CountryCode).collect(),
            payout_methods: PayoutMethods::from_text(&row.payout_methods)
                .iter()
                .map(Into::into)
                .collect(),
            featured_until: row.featured_until,
            state: row.state.into(),
            created_at: row.created_at,
            published_at: row.published_at,
        }
    }
}

#[ComplexObject]
impl Listing {
    /// The program it stands for.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.row.program_id).await?.map(Program::from))
    }

    /// The brand whose program it is.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        Ok(ctx.load(self.row.brand_id).await?.map(Brand::from))
    }

    /// How its program does by its partners. Absent until something was counted.
    async fn trust(&self, ctx: &Context<'_>) -> Result<Option<ListingTrust>, ApiError> {
        Ok(ctx.load(ProgramTrustOf(self.row.program_id)).await?.map(Into::into))
    }

    /// What it lacks to be published, and to be good. For its brand's people and the platform.
    async fn quality(&self, ctx: &Context<'_>) -> Result<Option<ListingQuality>, ApiError> {
        ctx.actor()
            .authorise(Operation::SeeListingQuality, Place::brand(self.row.brand_id))?;
        let Some(program) = ctx.load(self.row.program_id).await? else {
            return Ok(None);
        };
        let now = ctx.app().clock.now();
        let rules = ctx.load(RulesOf(self.row.program_id)).await?.unwrap_or_default();
        let has_rule = rules
            .iter()
            .any(|rule| rule.valid_until.is_none_or(|until| now < until));
        Ok(Some(ListingQuality::of(&service::facts_of(
            &self.row, &program, has_rule,
        ))))
    }

    /// What a partner of the caller marked of it. Absent when it marked nothing, and for whoever is not of the partner.
    async fn mark(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner in whose name the caller looks.")] partner_id: ID,
    ) -> Result<Option<ListingMark>, ApiError> {
        let partner = parse_id(&partner_id, "partnerId")?;
        let mark = ctx.load(ListingMarkOf(partner, self.row.id)).await?;
        Ok(mark.map(ListingMark::from))
    }
}

/// What the marketplace adds to `Program`.
#[derive(Clone)]
pub struct ListingOfProgram(pub ProgramId);

#[Object]
impl ListingOfProgram {
    /// The program's face in the marketplace. Absent when it has none but archived ones, and for whoever is not of the
    /// brand while it is not published or the program is not active.
    async fn listing(&self, ctx: &Context<'_>) -> Result<Option<Listing>, ApiError> {
        Ok(ctx.load(ListingOf(self.0)).await?.map(Listing::from))
    }
}

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum OrderDirection {
    /// From the least to the greatest: the oldest first.
    Asc,
    /// From the greatest to the least: the newest first.
    Desc,
}

/// A new listing, as a draft.
#[derive(InputObject)]
pub struct CreateListingInput {
    /// The program it stands for; a program has one listing that is not archived.
    pub program_id: ID,
    /// 1 to 120 characters on one line.
    pub title: String,
    /// Why a partner should join: 1 to 2,000 characters.
    pub pitch: String,
    /// 2 to 40 lower-case letters, digits or hyphens.
    pub category: String,
    /// The countries it is open to, at most 250; everywhere when empty.
    #[graphql(default)]
    pub countries: Vec<CountryCode>,
    /// How the brand pays its partners.
    #[graphql(default)]
    pub payout_methods: Vec<ListingPayoutMethod>,
}

/// What to change of a listing; what is absent stays.
#[derive(InputObject)]
pub struct ListingPatchInput {
    /// 1 to 120 characters on one line.
    pub title: MaybeUndefined<String>,
    /// 1 to 2,000 characters.
    pub pitch: MaybeUndefined<String>,
    /// 2 to 40 lower-case letters, digits or hyphens.
    pub category: MaybeUndefined<String>,
    /// The countries it is open to, at most 250; everywhere when empty.
    pub countries: MaybeUndefined<Vec<CountryCode>>,
    /// How the brand pays its partners.
    pub payout_methods: MaybeUndefined<Vec<ListingPayoutMethod>>,
}

/// A change of a listing.
#[derive(InputObject)]
pub struct UpdateListingInput {
    /// The listing.
    pub id: ID,
    /// What to change.
    pub patch: ListingPatchInput,
}

/// A listing to publish.
#[derive(InputObject)]
pub struct PublishListingInput {
    /// The listing.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A listing to pause.
#[derive(InputObject)]
pub struct PauseListingInput {
    /// The listing.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A listing to show first.
#[derive(InputObject)]
pub struct FeatureListingInput {
    /// The listing.
    pub id: ID,
    /// Until when, at most 366 days ahead; no longer when absent.
    pub until: Option<DateTime<Utc>>,
    /// Why, for the brand's audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A listing to archive.
#[derive(InputObject)]
pub struct ArchiveListingInput {
    /// The listing.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

payload! {
    /// What `createListing` answers.
    CreateListingPayload {
        /// The new listing, a draft.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `updateListing` answers.
    UpdateListingPayload {
        /// The listing as it is now.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `publishListing` answers.
    PublishListingPayload {
        /// The listing, published.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `pauseListing` answers.
    PauseListingPayload {
        /// The listing, paused.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `featureListing` answers.
    FeatureListingPayload {
        /// The listing as it is now.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `archiveListing` answers.
    ArchiveListingPayload {
        /// The listing, archived.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}
