//! The queue as the schema shows it.

use std::collections::{BTreeMap, HashMap};

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, dataloader::Loader};
use chrono::{DateTime, Utc};
use entity::{
    TenantScoped,
    ids::{BrandId, PartnerId, PartnershipId},
    ledger_account::{self, LedgerAccountKind},
    payout::PayoutRail as Rail,
};
use sea_orm::{ColumnTrait, QueryFilter};

use super::{
    rules::{Block, BlockCode},
    service::{self, Candidate, Depth, Scope, Seen},
};
use crate::{
    accounts::{actor::Place, permissions::Operation},
    connection,
    error::{ApiError, Failure, Fault},
    graphql::{
        context::{Batch, ContextExt, LoadError},
        objects::Partnership,
        scalars::{CurrencyCode, Money},
    },
    money, page,
    payouts::{
        batches::{mutations::parse_partnerships, service::check_scope},
        methods::types::PayoutDestination,
        types::PayoutRail,
    },
};

/// Why a partner is not paid now.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "BlockCode")]
pub enum PayoutBlockCode {
    /// More was taken back than was left; it is carried forward.
    Negative,
    /// Nothing became available until the cut-off.
    NothingDue,
    /// Less than the brand's smallest payout.
    BelowMinimum,
    /// The brand holds payouts to this partner.
    OnHold,
    /// The partner was banned, and nobody has decided on its pending commissions.
    Undecided,
    /// The partner has named nothing that receives this currency.
    NoMethod,
    /// Where the partner is paid was changed a short while ago.
    CoolingOff,
    /// No connected provider pays to where the partner wants it.
    NoRail,
    /// The provider does not carry such an amount, or this currency: it would fail each time anew.
    NotCarried,
}

/// One thing that stands in the way of a payout.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutBlock {
    /// What it is.
    pub code: PayoutBlockCode,
    /// In words.
    pub message: String,
}

impl From<Block> for PayoutBlock {
    fn from(block: Block) -> Self {
        Self {
            code: block.code.into(),
            message: block.message,
        }
    }
}

/// A partner with a balance, and what a batch would do about it now.
#[derive(Clone, Debug)]
pub struct PayoutCandidate(Candidate);

impl From<Candidate> for PayoutCandidate {
    fn from(candidate: Candidate) -> Self {
        Self(candidate)
    }
}

/// A partner with a balance, and what a batch would do about it now.
#[Object]
impl PayoutCandidate {
    /// Whom.
    async fn partnership(&self) -> Option<Partnership> {
        Some(self.0.partnership.clone().into())
    }

    /// What is available; below zero when more was taken back than was left.
    async fn available(&self) -> Money {
        self.0.available.into()
    }

    /// What a payout would pay: all of it, or what was available at the cut-off.
    async fn due(&self) -> Money {
        self.0.due.into()
    }

    /// Where it would go.
    async fn method(&self) -> Option<PayoutDestination> {
        self.0.method.as_ref().map(PayoutDestination::of_method)
    }

    /// How it would leave.
    async fn rail(&self) -> Option<PayoutRail> {
        self.0.rail.map(Into::into)
    }

    /// Everything that stands in the way; empty when it would be paid.
    async fn blocks(&self) -> Vec<PayoutBlock> {
        self.0.blocks.iter().cloned().map(Into::into).collect()
    }
}

connection! {
    /// Partners with a balance.
    PayoutCandidateConnection, PayoutCandidateEdge of PayoutCandidate
}

/// What a batch would be.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutPreview {
    /// How many payouts it would have.
    pub payout_count: i32,
    /// What they would come to.
    pub amount: Money,
    /// The same by rail.
    pub rails: Vec<PayoutPreviewRail>,
    /// How many partners would not be paid, for each reason; one with two reasons counts for both.
    pub blocked: Vec<PayoutPreviewBlock>,
    /// Nobody would be left out for their number: a batch has at most 1,000 payouts.
    pub is_complete: bool,
}

/// A rail's part of a batch.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutPreviewRail {
    /// The rail.
    pub rail: PayoutRail,
    /// How many payouts would leave by it.
    pub payout_count: i32,
    /// What they would come to.
    pub amount: Money,
}

/// Partners that would not be paid for a reason.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutPreviewBlock {
    /// The reason.
    pub code: PayoutBlockCode,
    /// How many.
    pub partnership_count: i32,
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl PayoutPreview {
    fn of(seen: &Seen, scope: &Scope) -> Self {
        let money = |minor| Money::from(money::Money::new(minor, scope.currency));
        let mut rails: BTreeMap<Rail, (usize, i64)> = BTreeMap::new();
        for candidate in &seen.due {
            if let Some(rail) = candidate.rail {
                let total = rails.entry(rail).or_default();
                total.0 += 1;
                total.1 += candidate.due.amount_minor;
            }
        }
        Self {
            payout_count: count(seen.due.len()),
            amount: money(seen.due.iter().map(|candidate| candidate.due.amount_minor).sum()),
            rails: rails
                .into_iter()
                .map(|(rail, (payouts, minor))| PayoutPreviewRail {
                    rail: rail.into(),
                    payout_count: count(payouts),
                    amount: money(minor),
                })
                .collect(),
            blocked: seen
                .blocked
                .iter()
                .map(|(code, partnerships)| PayoutPreviewBlock {
                    code: (*code).into(),
                    partnership_count: count(*partnerships),
                })
                .collect(),
            is_complete: seen.is_complete,
        }
    }
}

/// What a batch would be made of, as `createPayoutBatch` takes it.
#[derive(InputObject)]
pub struct PayoutPreviewInput {
    /// Which currency.
    pub currency: CurrencyCode,
    /// Only what was available then, in the past.
    pub cutoff_at: Option<DateTime<Utc>>,
    /// Only these partnerships: at most 1,000.
    #[graphql(validator(max_items = 1000))]
    pub include: Option<Vec<ID>>,
    /// Not these: at most 1,000.
    #[graphql(validator(max_items = 1000))]
    pub exclude: Option<Vec<ID>>,
}

/// The queue's part of `Brand`.
#[derive(Clone)]
pub struct QueueOfBrand(pub BrandId);

#[Object]
impl QueueOfBrand {
    /// Every partner with a balance in a currency, newest first: how much is due, how it would leave, and why not yet. For those who
    /// see money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn payout_queue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which currency.")] currency: CurrencyCode,
        #[graphql(desc = "Only what was available then, in the past.")] cutoff_at: Option<DateTime<Utc>>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PayoutCandidateConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let scope = asked(check_scope(ctx.app(), &currency.0, cutoff_at, Vec::new(), Vec::new()))?;
        let slice =
            service::list_candidates(ctx.app(), ctx.actor(), self.0, scope.currency, scope.cutoff, &page).await?;
        Ok(Some(slice.into()))
    }

    /// What `createPayoutBatch` would draft now. For those who see money.
    async fn payout_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it would be made of.")] input: PayoutPreviewInput,
    ) -> Result<Option<PayoutPreview>, ApiError> {
        let include = parse_partnerships(input.include.as_deref(), "include")?;
        let exclude = parse_partnerships(input.exclude.as_deref(), "exclude")?;
        let scope = asked(check_scope(
            ctx.app(),
            &input.currency.0,
            input.cutoff_at,
            include,
            exclude,
        ))?;
        let seen = service::preview(ctx.app(), ctx.actor(), self.0, &scope).await?;
        Ok(Some(PayoutPreview::of(&seen, &scope)))
    }
}

/// What a mutation refuses is a mistake in a query.
fn asked<C: std::fmt::Debug>(scope: Result<Scope, Failure<C>>) -> Result<Scope, ApiError> {
    scope.map_err(|failure| match failure {
        Failure::Api(error) => error,
        Failure::Refused(refusal) => ApiError::bad_field(refusal.field.as_deref().unwrap_or("input"), refusal.message),
    })
}

/// What a partner could be paid in one currency, and what stands in the way.
#[derive(Clone, Debug, SimpleObject)]
pub struct WithdrawableBalance {
    /// The currency.
    pub currency: CurrencyCode,
    /// What a payout would pay now; zero while something stands in the way.
    pub amount: Money,
    /// What stands in the way; empty when nothing does.
    pub blocks: Vec<PayoutBlock>,
}

impl From<&Candidate> for WithdrawableBalance {
    fn from(candidate: &Candidate) -> Self {
        let is_free = candidate.blocks.is_empty();
        let minor = if is_free { candidate.due.amount_minor } else { 0 };
        Self {
            currency: CurrencyCode(candidate.due.currency.code().to_owned()),
            amount: money::Money::new(minor, candidate.due.currency).into(),
            blocks: candidate.blocks.iter().cloned().map(Into::into).collect(),
        }
    }
}

/// What a partnership could be paid, as a loader key. Reached only through a partnership the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WithdrawableOf(pub PartnershipId);

impl Loader<WithdrawableOf> for Batch {
    type Value = Vec<WithdrawableBalance>;
    type Error = LoadError;

    async fn load(&self, keys: &[WithdrawableOf]) -> Result<HashMap<WithdrawableOf, Self::Value>, LoadError> {
        let db = self.app.db.read();
        let accounts = ledger_account::Entity::find_within(&self.actor.reach())
            .filter(ledger_account::Column::PartnershipId.is_in(keys.iter().map(|key| key.0)))
            .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::Available))
            .all(db)
            .await?;
        let mut by_queue: BTreeMap<(BrandId, String), Vec<service::Account>> = BTreeMap::new();
        for row in accounts {
            if let (Some(partnership), Some(balance)) = (row.partnership_id, row.balance_minor) {
                let queue = by_queue.entry((row.brand_id, row.currency)).or_default();
                queue.push((row.id, partnership, balance));
            }
        }
        let mut found: HashMap<WithdrawableOf, Self::Value> = HashMap::new();
        for ((brand, currency), accounts) in by_queue {
            let brand = service::find_brand(db, brand).await?;
            let scope = Scope::all_of(currency.parse().map_err(Fault::new)?, None);
            for candidate in service::look(&self.app, db, &brand, &scope, &accounts, Depth::Amounts).await? {
                found
                    .entry(WithdrawableOf(candidate.partnership.id))
                    .or_default()
                    .push((&candidate).into());
            }
        }
        Ok(found)
    }
}

/// The queue's part of `Partnership`.
#[derive(Clone)]
pub struct WithdrawableOfPartnership {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl WithdrawableOfPartnership {
    /// What could be paid out now, one entry a currency, and what stands in the way.
    async fn withdrawable_balances(&self, ctx: &Context<'_>) -> Result<Option<Vec<WithdrawableBalance>>, ApiError> {
        let place = Place::shared(self.brand, self.partner);
        ctx.actor().authorise(Operation::SeeWithdrawable, place)?;
        Ok(Some(
            ctx.load(WithdrawableOf(self.partnership)).await?.unwrap_or_default(),
        ))
    }
}
