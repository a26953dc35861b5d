//! Commissions as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::{
    commission,
    ids::{BrandId, ConversionId, PartnerId, PartnershipId, ProgramId},
};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    commissions::{
        loaders::{CommissionsOf, EffectiveRules},
        rules::Holder,
        service::{self, Of},
    },
    connection,
    conversions::{loaders::LineOfCommission, types::OrderLine},
    error::ApiError,
    graphql::{
        context::ContextExt,
        feed::{Advanced, Lagged},
        objects::{Conversion, Partnership},
        scalars::Money,
    },
    page,
    programs::types::CommissionRule,
};

/// Where a commission stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "commission::CommissionState")]
pub enum CommissionState {
    /// Earned, waiting for the hold period and approval.
    Pending,
    /// Held by an open flag.
    OnHold,
    /// Available, less the reserve.
    Approved,
    /// In a payout that is not finished.
    InPayout,
    /// Paid out. What comes back later stands beside it as a clawback.
    Paid,
    /// Rejected with its conversion.
    Rejected,
    /// Wholly taken back by refunds.
    Reversed,
}

/// How a commission came about: frozen when it was earned.
#[derive(Clone, Debug, SimpleObject)]
pub struct CommissionExplanation {
    /// The rule or level as it stood then, as a JSON text; with the brand's id of the line, when it is earned on one.
    pub rule: String,
    /// How the amount came about, in words and numbers.
    pub arithmetic: String,
    /// What it was computed on: its line, or without lines the whole; absent for events without an amount.
    pub base: Option<Money>,
}

/// What one partnership earns from one conversion, or from one line of its order.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Commission {
    /// Global id.
    pub id: ID,
    /// 0 for the credited partnership, 1 for the one that recruited it, and so on up the tree.
    pub level: i32,
    /// Where it stands.
    pub state: CommissionState,
    /// Until when it is held.
    pub hold_until: DateTime<Utc>,
    /// When its conversion happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: commission::Model,
}

impl From<commission::Model> for Commission {
    fn from(row: commission::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            level: row.level,
            state: row.state.into(),
            hold_until: row.hold_until,
            occurred_at: row.occurred_at,
            created_at: row.created_at,
            row,
        }
    }
}

impl Commission {
    fn money(&self, amount_minor: i64) -> Result<Option<Money>, ApiError> {
        Money::stored(amount_minor, &self.row.currency).map(Some)
    }
}

#[ComplexObject]
impl Commission {
    /// What was earned.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.amount_minor)
    }

    /// What refunds have taken back of it, in all.
    async fn reversed(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.reversed_minor)
    }

    /// What of it is kept in reserve now.
    async fn reserve(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.reserve_left_minor)
    }

    /// What of it was paid out.
    async fn paid(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.paid_minor)
    }

    /// Why it is as much as it is.
    async fn explanation(&self) -> Result<Option<CommissionExplanation>, ApiError> {
        let base = if self.row.base_minor > 0 {
            self.money(self.row.base_minor)?
        } else {
            None
        };
        Ok(Some(CommissionExplanation {
            rule: self.row.rule_snapshot.clone(),
            arithmetic: self.row.arithmetic.clone(),
            base,
        }))
    }

    /// Who earns it.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        let id: PartnershipId = self.row.partnership_id;
        Ok(ctx.load(id).await?.map(Partnership::from))
    }

    /// What it was earned with, when that is the caller's to see.
    async fn conversion(&self, ctx: &Context<'_>) -> Result<Option<Conversion>, ApiError> {
        let id: ConversionId = self.row.conversion_id;
        Ok(ctx.load(id).await?.map(Conversion::from))
    }

    /// The line of the order it is earned on; absent when the order came without lines. For who may see the conversion.
    async fn order_line(&self, ctx: &Context<'_>) -> Result<Option<OrderLine>, ApiError> {
        let Some(id) = self.row.order_line_id else {
            return Ok(None);
        };
        let conversion: ConversionId = self.row.conversion_id;
        if ctx.load(conversion).await?.is_none() {
            return Ok(None);
        }
        let line = ctx.load(LineOfCommission(id)).await?;
        Ok(line.map(|line| OrderLine::new(line, self.row.currency.clone())))
    }

    /// The level-0 commission an override follows, when that is the caller's to see.
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<Commission>, ApiError> {
        let Some(id) = self.row.source_id else { return Ok(None) };
        Ok(ctx.load(id).await?.map(Commission::from))
    }
}

connection! {
    /// Commissions.
    CommissionConnection, CommissionEdge of Commission
}

/// Narrows a list of commissions.
#[derive(Default, InputObject)]
pub struct CommissionWhere {
    /// Only these states.
    pub state: Option<CommissionStateFilter>,
}

/// States to keep.
#[derive(InputObject)]
pub struct CommissionStateFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<CommissionState>,
}

impl CommissionWhere {
    fn states(self) -> Vec<commission::CommissionState> {
        self.state
            .map(|state| state.any_of.into_iter().map(Into::into).collect())
            .unwrap_or_default()
    }
}

/// Commissions' part of `Conversion`.
#[derive(Clone)]
pub struct CommissionsOfConversion(pub ConversionId);

#[Object]
impl CommissionsOfConversion {
    /// What it earned, by level and line: at most eleven, or eleven on each of an order's lines. The brand sees all, a partner its own.
    async fn commissions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Commission>>, ApiError> {
        let commissions = ctx.load(CommissionsOf(self.0)).await?.unwrap_or_default();
        Ok(Some(commissions.into_iter().map(Commission::from).collect()))
    }
}

macro_rules! commissions_of {
    ($(#[$meta:meta])* $name:ident, $field_doc:literal, |$self:ident| $of:expr, { $($field:ident: $type:ty),* }) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name {
            $(pub $field: $type),*
        }

        #[Object]
        impl $name {
            #[doc = $field_doc]
            #[graphql(complexity = "page::cost(first, last, child_complexity)")]
            async fn commissions(
                &$self,
                ctx: &Context<'_>,
                #[graphql(desc = "Narrows the list.")] r#where: Option<CommissionWhere>,
                #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
                first: Option<i32>,
                #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
                #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
                #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
            ) -> Result<Option<CommissionConnection>, ApiError> {
                let page = ctx.page(first, after, last, before)?;
                let states = r#where.unwrap_or_default().states();
                let slice = service::list_commissions(ctx.app(), ctx.actor(), $of, &states, &page).await?;
                Ok(Some(slice.into()))
            }
        }
    };
}

commissions_of! {
    /// Commissions' part of `Brand`.
    CommissionsOfBrand, "What the brand's partners earned, newest first. For the brand's members.",
    |self| Of::Brand(self.brand), { brand: BrandId }
}

commissions_of! {
    /// Commissions' part of `Partner`.
    CommissionsOfPartner, "What this partner earned, over all its programs, newest first. For the partner.",
    |self| Of::Partner(self.partner), { partner: PartnerId }
}

commissions_of! {
    /// Commissions' part of `Partnership`.
    CommissionsOfPartnership, "What this partnership earned, newest first. For the partner and the brand.",
    |self| Of::Partnership { id: self.partnership, brand: self.brand, partner: self.partner },
    { partnership: PartnershipId, brand: BrandId, partner: PartnerId }
}

/// What a partnership is paid by.
#[derive(Clone)]
pub struct RulesOfPartnership {
    pub holder: Holder,
    pub program: ProgramId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl RulesOfPartnership {
    /// The commission rules that count for this partnership now, in the order in which they are tried: its personal terms,
    /// then the rules of its group, then the program's; within each `level` by position, then the newest first. The first
    /// that fits an event pays. At most 170. For the partner and the brand's members.
    async fn effective_rules(&self, ctx: &Context<'_>) -> Result<Option<Vec<CommissionRule>>, ApiError> {
        let place = Place::shared(self.brand, self.partner);
        ctx.actor().authorise(Operation::SeeEffectiveRules, place)?;
        let key = EffectiveRules {
            program: self.program,
            holder: self.holder,
        };
        let rows = ctx.load(key).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(CommissionRule::from).collect()))
    }
}

/// What happened to a commission.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum EarningsFeedEventKind {
    /// It was earned.
    Accrued,
    /// It was approved: available, less the reserve.
    Approved,
    /// It was rejected with its conversion.
    Rejected,
    /// A refund, chargeback, amendment or capture took it back, in whole or in part.
    Reversed,
    /// What had been taken back came again: a chargeback was won, or an order raised again.
    Restored,
    /// Its reserve was released: all of what is left of it is available.
    Released,
    /// It was paid out.
    Paid,
}

/// Something happened to a commission.
#[derive(SimpleObject)]
pub struct EarningsFeedEvent {
    /// Where it lies in the feed; give it to `after` to go on behind it. Opaque.
    pub cursor: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub kind: EarningsFeedEventKind,
    /// The commission as it stands now.
    pub commission: Option<Commission>,
}

/// Narrows the earnings feed; every field given must hold.
#[derive(Default, InputObject)]
pub struct EarningsFeedWhere {
    /// Only these kinds: 1 to 10.
    #[graphql(validator(min_items = 1, max_items = 10))]
    pub kinds: Option<Vec<EarningsFeedEventKind>>,
    /// Only commissions of this program.
    pub program_id: Option<ID>,
}

impl EarningsFeedWhere {
    #[must_use]
    pub fn wants(&self, kind: EarningsFeedEventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// An item of the earnings feed.
#[derive(Union)]
#[allow(
    clippy::large_enum_variant,
    reason = "one item at a time lives, and the library's union takes no box"
)]
pub enum EarningsFeedItem {
    Event(EarningsFeedEvent),
    Advanced(Advanced),
    Lagged(Lagged),
}
