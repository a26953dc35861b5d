//! Applications and partnerships as the schema shows them.

mod admission;
mod application;
mod group;
mod invitation;
mod offer;
mod standing;
mod terms;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId},
    partnership,
};

pub use self::{
    admission::{
        ApplicationAnswer, ApplicationAnswerInput, Eligibility, EligibilityOfProgram, EligibilityReason,
        SetApplicationFlagInput, SetApplicationFlagPayload,
    },
    application::{
        Application, ApplicationConnection, ApplicationEdge, ApplicationFeedEvent, ApplicationFeedEventKind,
        ApplicationFeedItem, ApplicationFeedWhere, ApplicationState, ApplicationStateFilter, ApplicationWhere,
        ApplyToProgramInput, ApplyToProgramPayload, ApproveApplicationInput, ApproveApplicationPayload, ReapplyPolicy,
        RejectApplicationInput, RejectApplicationPayload, RejectionReason, WithdrawApplicationInput,
        WithdrawApplicationPayload,
    },
    group::{
        PartnershipsOfGroup, SetPartnershipGroupInput, SetPartnershipGroupPayload, SetPartnershipGroupsInput,
        SetPartnershipGroupsPayload,
    },
    invitation::{
        AcceptProgramInvitationInput, AcceptProgramInvitationPayload, DeclineProgramInvitationInput,
        DeclineProgramInvitationPayload, InvitationsOfPartner, InvitationsOfProgram, InviteManyToProgramInput,
        InviteManyToProgramPayload, InviteToProgramInput, InviteToProgramPayload, ProgramInvitation,
        ProgramInvitationConnection, ProgramInvitationResult, ProgramInviteeInput, ResendProgramInvitationInput,
        ResendProgramInvitationPayload, RevokeProgramInvitationInput, RevokeProgramInvitationPayload,
    },
    offer::{
        AcceptOfferInput, AcceptOfferPayload, CounterOfferInput, CounterOfferPayload, DeclineOfferInput,
        DeclineOfferPayload, TermsOffer, TermsProposalInput,
    },
    standing::{
        BanPartnershipInput, BanPartnershipPayload, BanReason, EndPartnershipInput, EndPartnershipPayload, EndedBy,
        LeaveProgramInput, LeaveProgramPayload, StartApplicationReviewInput, StartApplicationReviewPayload,
    },
    terms::{
        AcceptProgramTermsInput, AcceptProgramTermsPayload, TermsAcceptance, TermsAcceptanceConnection,
        TermsAcceptanceEdge,
    },
};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        objects::{Brand, Partner, PartnerGroup, Partnership, Program},
    },
    page,
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        loaders::AcceptedBy,
        service,
    },
    payload,
    programs::loaders::TermsOf,
};

/// Where a partnership is in its life.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "partnership::PartnershipState")]
pub enum PartnershipState {
    /// Promotes and earns.
    Active,
    /// Earns nothing for the time being.
    Suspended,
    /// Over, by the brand or the partner. It comes back when the partner applies again and is approved.
    Ended,
    /// Thrown out for good. Its pending commissions wait for a person's decision, and it is not paid before.
    Banned,
}

/// A partnership's own fields; the schema's `Partnership` is merged in `graphql/objects.rs`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PartnershipFields {
    /// Global id.
    pub id: ID,
    /// Where it is in its life.
    pub state: PartnershipState,
    /// Names this partnership as a recruiter: applicants who state it become its recruits.
    pub referral_code: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it is in its state.
    pub state_since: DateTime<Utc>,
    /// Who ended it; absent unless it is ended.
    pub ended_by: Option<EndedBy>,
    /// What the partner was banned for; absent unless it is banned.
    pub ban_reason: Option<BanReason>,
    /// When the partner may apply again; absent unless the brand ended it.
    pub reapply_policy: Option<ReapplyPolicy>,
    #[graphql(skip)]
    pub row: partnership::Model,
}

impl From<partnership::Model> for PartnershipFields {
    fn from(row: partnership::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            state: row.state.into(),
            referral_code: row.referral_code.clone(),
            created_at: row.created_at,
            state_since: row.state_since.unwrap_or(row.created_at),
            ended_by: row.ended_by.map(Into::into),
            ban_reason: row.ban_reason.map(Into::into),
            reapply_policy: row.reapply_policy.map(Into::into),
            row,
        }
    }
}

#[ComplexObject]
impl PartnershipFields {
    /// The program it is in.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.row.program_id).await?.map(Program::from))
    }

    /// The brand of the program.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        Ok(ctx.load(self.row.brand_id).await?.map(Brand::from))
    }

    /// The partner.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        Ok(ctx.load(self.row.partner_id).await?.map(Partner::from))
    }

    /// The group whose terms it has, beside its own; absent when it is in none.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<PartnerGroup>, ApiError> {
        let Some(id) = self.row.group_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(PartnerGroup::from))
    }

    /// Who recruited it. Absent when nobody did, and for whoever may not see that partnership: the brand may.
    async fn referrer(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        let Some(id) = self.row.referrer_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(Partnership::from))
    }

    /// What the partner answered to the program's questions as it applied last. At most 20. For the partner and the brand's
    /// members; absent for others, and for whoever came in by an invitation alone.
    async fn answers(&self, ctx: &Context<'_>) -> Result<Option<Vec<ApplicationAnswer>>, ApiError> {
        let Some(id) = self.row.application_id else {
            return Ok(None);
        };
        match ctx.load(id).await? {
            Some(application) => admission::load_answers(ctx, &application).await.map(Some),
            None => Ok(None),
        }
    }

    /// The newest version of the program's terms that the partner accepted. It holds until a newer one is accepted. For the
    /// partner and the brand's members; absent for others.
    async fn accepted_terms(&self, ctx: &Context<'_>) -> Result<Option<TermsAcceptance>, ApiError> {
        let key = AcceptedBy(self.row.program_id, self.row.partner_id);
        Ok(ctx.load(key).await?.map(TermsAcceptance::from))
    }

    /// Whether the partner accepted the program's terms as they stand now. When not, `acceptProgramTerms` does it. For the
    /// partner and the brand's members; absent for others.
    async fn has_accepted_current_terms(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        if !service::may_see_partnership(ctx.actor(), &self.row) {
            return Ok(None);
        }
        let accepted = ctx.load(AcceptedBy(self.row.program_id, self.row.partner_id)).await?;
        let current = ctx.load(TermsOf(self.row.program_id)).await?;
        Ok(current.map(|current| accepted.is_some_and(|accepted| accepted.version == current.version)))
    }

    /// Every version of the program's terms that the partner accepted, newest first. For the partner and the brand's
    /// members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn terms_acceptances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<TermsAcceptanceConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_acceptances(ctx.app(), ctx.actor(), &self.row, &page)
                .await?
                .into(),
        ))
    }

    /// The partnerships it recruited itself, newest first. For the partner and the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn recruits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PartnershipConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_recruits(ctx.app(), ctx.actor(), &self.row, &page)
                .await?
                .into(),
        ))
    }
}

connection! {
    /// Partnerships.
    PartnershipConnection, PartnershipEdge of Partnership
}

/// Which states of a partnership to list.
#[derive(InputObject)]
pub struct PartnershipStateFilter {
    /// Exactly this one.
    pub eq: Option<PartnershipState>,
    /// Any of these: at most 10.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<PartnershipState>>,
}

/// Which partnerships to list; every condition must hold.
#[derive(Default, InputObject)]
pub struct PartnershipWhere {
    /// By state.
    pub state: Option<PartnershipStateFilter>,
    /// In this program only.
    pub program_id: Option<ID>,
}

/// States a filter may name.
const MAX_STATES: usize = 10;

/// The states that pass both operators; nothing when there is no condition.
fn wanted<S: Copy + PartialEq, T: From<S>>(eq: Option<S>, any_of: Option<Vec<S>>) -> Result<Option<Vec<T>>, ApiError> {
    if any_of.as_ref().is_some_and(|states| states.len() > MAX_STATES) {
        return Err(ApiError::bad_field(
            "where.state.in",
            format!("`in` takes at most {MAX_STATES} states"),
        ));
    }
    let states = match (eq, any_of) {
        (None, None) => return Ok(None),
        (Some(one), None) => vec![one],
        (None, Some(any)) => any,
        (Some(one), Some(any)) => any.into_iter().filter(|state| *state == one).collect(),
    };
    Ok(Some(states.into_iter().map(T::from).collect()))
}

impl PartnershipWhere {
    fn read(self) -> Result<service::Filter<partnership::PartnershipState>, ApiError> {
        let states = match self.state {
            Some(filter) => wanted(filter.eq, filter.any_of)?,
            None => None,
        };
        let program = self.program_id.map(|id| parse_id(&id, "where.programId")).transpose()?;
        Ok(service::Filter { states, program })
    }
}

/// What the partnerships slice adds to `Brand`.
#[derive(Clone)]
pub struct PartnershipsOfBrand(pub BrandId);

#[Object]
impl PartnershipsOfBrand {
    /// Applications into the brand's programs, newest first. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<ApplicationWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ApplicationConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        Ok(Some(
            service::list_applications_of_brand(ctx.app(), ctx.actor(), self.0, filter, &page)
                .await?
                .into(),
        ))
    }

    /// Partnerships in the brand's programs, newest first. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn partnerships(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<PartnershipWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PartnershipConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        Ok(Some(
            service::list_partnerships_of_brand(ctx.app(), ctx.actor(), self.0, filter, &page)
                .await?
                .into(),
        ))
    }
}

/// What the partnerships slice adds to `Partner`.
#[derive(Clone)]
pub struct PartnershipsOfPartner(pub PartnerId);

#[Object]
impl PartnershipsOfPartner {
    /// The partner's applications, newest first. For the partner.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<ApplicationWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ApplicationConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        Ok(Some(
            service::list_applications_of_partner(ctx.app(), ctx.actor(), self.0, filter, &page)
                .await?
                .into(),
        ))
    }

    /// The partner's partnerships, newest first. For the partner.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn partnerships(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<PartnershipWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PartnershipConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let filter = filter.unwrap_or_default().read()?;
        Ok(Some(
            service::list_partnerships_of_partner(ctx.app(), ctx.actor(), self.0, filter, &page)
                .await?
                .into(),
        ))
    }
}

/// A partnership to suspend.
#[derive(InputObject)]
pub struct SuspendPartnershipInput {
    /// The partnership.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
}

/// A partnership to reactivate.
#[derive(InputObject)]
pub struct ReactivatePartnershipInput {
    /// The partnership.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A new place in the referral tree.
#[derive(InputObject)]
pub struct SetPartnershipReferrerInput {
    /// The partnership to move, with all it recruited.
    pub partnership_id: ID,
    /// Its new referrer, of the same program. Null, which must be said, makes it nobody's recruit.
    pub referrer_id: MaybeUndefined<ID>,
}

payload! {
    /// What `suspendPartnership` answers.
    SuspendPartnershipPayload {
        /// The partnership, suspended.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `reactivatePartnership` answers.
    ReactivatePartnershipPayload {
        /// The partnership, active.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `setPartnershipReferrer` answers.
    SetPartnershipReferrerPayload {
        /// The partnership in its new place.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}
