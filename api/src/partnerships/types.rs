//! Applications and partnerships as the schema shows them.

mod admission;
mod group;
mod invitation;
mod offer;
mod standing;
mod terms;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::{
    application,
    ids::{BrandId, PartnerId},
    partnership,
};

pub use self::admission::{
    ApplicationAnswer, ApplicationAnswerInput, Eligibility, EligibilityOfProgram, EligibilityReason,
    SetApplicationFlagInput, SetApplicationFlagPayload,
};
pub use self::offer::{
    AcceptOfferInput, AcceptOfferPayload, CounterOfferInput, CounterOfferPayload, DeclineOfferInput,
    DeclineOfferPayload, TermsOffer, TermsProposalInput,
};
pub use self::standing::{
    BanPartnershipInput, BanPartnershipPayload, BanReason, EndPartnershipInput, EndPartnershipPayload, EndedBy,
    LeaveProgramInput, LeaveProgramPayload, StartApplicationReviewInput, StartApplicationReviewPayload,
};
pub use self::terms::{
    AcceptProgramTermsInput, AcceptProgramTermsPayload, TermsAcceptance, TermsAcceptanceConnection, TermsAcceptanceEdge,
};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
        objects::{Brand, Partner, PartnerGroup, Partnership, Program},
    },
    messages::{loaders::ThreadFor, types::MessageThread},
    page,
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        loaders::{AcceptedBy, OffersOf, PartnershipFor},
        service,
    },
    payload,
    programs::{
        loaders::TermsOf,
        types::{ProgramTerms, Questionnaire},
    },
};

pub use self::group::{
    PartnershipsOfGroup, SetPartnershipGroupInput, SetPartnershipGroupPayload, SetPartnershipGroupsInput,
    SetPartnershipGroupsPayload,
};

pub use self::invitation::{
    AcceptProgramInvitationInput, AcceptProgramInvitationPayload, DeclineProgramInvitationInput,
    DeclineProgramInvitationPayload, InvitationsOfPartner, InvitationsOfProgram, InviteManyToProgramInput,
    InviteManyToProgramPayload, InviteToProgramInput, InviteToProgramPayload, ProgramInvitation,
    ProgramInvitationConnection, ProgramInvitationResult, ProgramInviteeInput, ResendProgramInvitationInput,
    ResendProgramInvitationPayload, RevokeProgramInvitationInput, RevokeProgramInvitationPayload,
};

/// Where an application stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "application::ApplicationState")]
pub enum ApplicationState {
    /// Sent; nobody looked yet.
    Submitted,
    /// Somebody is looking.
    InReview,
    /// Accepted: there is a partnership.
    Approved,
    /// Turned down.
    Rejected,
    /// Taken back by the partner.
    Withdrawn,
}

/// Why an application was rejected.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "application::RejectionReason")]
pub enum RejectionReason {
    /// It says too little.
    NeedsMoreDetail,
    /// The partner does not meet what the program asks for.
    DoesNotMeetRequirements,
    /// Good, but not for this program.
    NotTheRightFit,
    /// Something else; the note may say what.
    Other,
}

/// When a rejected partner may ask again.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "application::ReapplyPolicy")]
pub enum ReapplyPolicy {
    /// At once.
    AtOnce,
    /// Thirty days after the rejection.
    #[graphql(name = "AFTER_30_DAYS")]
    After30Days,
    /// Never.
    Never,
}

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

/// A partner asks into a program.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Application {
    /// Global id.
    pub id: ID,
    /// Where it stands.
    pub state: ApplicationState,
    /// What the partner wrote.
    pub message: String,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When it was approved, rejected or withdrawn.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was rejected.
    pub rejection_reason: Option<RejectionReason>,
    /// What the brand added to the rejection.
    pub rejection_note: Option<String>,
    /// When the rejected partner may ask again, as the rejection says; absent when it is as the program says.
    pub reapply_policy: Option<ReapplyPolicy>,
    #[graphql(skip)]
    pub row: application::Model,
}

impl From<application::Model> for Application {
    fn from(row: application::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            state: row.state.into(),
            message: row.message.clone(),
            created_at: row.created_at,
            decided_at: row.decided_at,
            rejection_reason: row.rejection_reason.map(Into::into),
            rejection_note: row.rejection_note.clone(),
            reapply_policy: row.reapply_policy.map(Into::into),
            row,
        }
    }
}

#[ComplexObject]
impl Application {
    /// The program it asks into.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.row.program_id).await?.map(Program::from))
    }

    /// The partner who asks.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        Ok(ctx.load(self.row.partner_id).await?.map(Partner::from))
    }

    /// The version of the terms the partner accepted.
    async fn terms(&self, ctx: &Context<'_>) -> Result<Option<ProgramTerms>, ApiError> {
        Ok(ctx.load(self.row.terms_id).await?.map(ProgramTerms::from))
    }

    /// The partnership it became; absent unless it was approved.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        if self.state != ApplicationState::Approved {
            return Ok(None);
        }
        // A partner has one in a program, however often it left and came back.
        let key = PartnershipFor(self.row.program_id, self.row.partner_id);
        Ok(ctx.load(key).await?.map(Partnership::from))
    }

    /// What the partner answered, in the order of the questions. At most 20. For the partner and the brand's members.
    async fn answers(&self, ctx: &Context<'_>) -> Result<Option<Vec<ApplicationAnswer>>, ApiError> {
        admission::load_answers(ctx, &self.row).await.map(Some)
    }

    /// What was offered about its terms, oldest first. At most 10. For the partner and the brand's members.
    async fn offers(&self, ctx: &Context<'_>) -> Result<Option<Vec<TermsOffer>>, ApiError> {
        let rows = ctx.load(OffersOf(service::Subject::Application(self.row.id))).await?;
        Ok(Some(rows.unwrap_or_default().into_iter().map(Into::into).collect()))
    }

    /// The version of the questions that were answered; absent when nothing was asked.
    async fn questionnaire(&self, ctx: &Context<'_>) -> Result<Option<Questionnaire>, ApiError> {
        let Some(id) = self.row.questionnaire_id else {
            return Ok(None);
        };
        ctx.load(id).await?.as_ref().map(Questionnaire::stored).transpose()
    }

    /// Since when a person must look at it, so that nothing decides about it by itself. For the brand's members; absent for
    /// others, and when nobody flagged it.
    async fn flagged_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        self.row
            .flagged_at
            .filter(|_| service::may_see_flag(ctx.actor(), &self.row))
    }

    /// Why it was flagged. For the brand's members; absent for others.
    async fn flag_reason(&self, ctx: &Context<'_>) -> Option<String> {
        let may_see = service::may_see_flag(ctx.actor(), &self.row);
        self.row.flag_reason.clone().filter(|_| may_see)
    }

    /// What the partner and the brand write to each other about the program; absent before the first message.
    async fn message_thread(&self, ctx: &Context<'_>) -> Result<Option<MessageThread>, ApiError> {
        let key = ThreadFor(self.row.program_id, self.row.partner_id);
        Ok(ctx.load(key).await?.map(MessageThread::from))
    }
}

connection! {
    /// Applications.
    ApplicationConnection, ApplicationEdge of Application
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

/// Which states of an application to list.
#[derive(InputObject)]
pub struct ApplicationStateFilter {
    /// Exactly this one.
    pub eq: Option<ApplicationState>,
    /// Any of these: at most 10.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<ApplicationState>>,
}

/// Which applications to list; every condition must hold.
#[derive(Default, InputObject)]
pub struct ApplicationWhere {
    /// By state.
    pub state: Option<ApplicationStateFilter>,
    /// Into this program only.
    pub program_id: Option<ID>,
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

impl ApplicationWhere {
    fn read(self) -> Result<service::Filter<application::ApplicationState>, ApiError> {
        let states = match self.state {
            Some(filter) => wanted(filter.eq, filter.any_of)?,
            None => None,
        };
        let program = self.program_id.map(|id| parse_id(&id, "where.programId")).transpose()?;
        Ok(service::Filter { states, program })
    }
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

/// An application.
#[derive(InputObject)]
pub struct ApplyToProgramInput {
    /// The partner who asks.
    pub partner_id: ID,
    /// The program asked into.
    pub program_id: ID,
    /// What the partner has to say: at most 2,000 characters.
    pub message: String,
    /// The version of the terms the partner read and accepts; it must be the current one.
    pub accepted_terms_version: i32,
    /// The terms it would like to have instead of the program's: an offer, which the brand answers.
    pub terms: Option<TermsProposalInput>,
    /// What it answers to `Program.questionnaire`: at most one answer a question, in any order.
    #[graphql(default)]
    pub answers: Vec<ApplicationAnswerInput>,
    /// Who recruited the partner: the referral code of a partnership in the same program.
    pub referral_code: Option<String>,
}

/// An application to take back.
#[derive(InputObject)]
pub struct WithdrawApplicationInput {
    /// The application.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// An application to approve.
#[derive(InputObject)]
pub struct ApproveApplicationInput {
    /// The application.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// An application to reject.
#[derive(InputObject)]
pub struct RejectApplicationInput {
    /// The application.
    pub id: ID,
    /// Why. The partner sees it.
    pub reason: RejectionReason,
    /// More about it, for the partner: at most 1,000 characters.
    pub note: Option<String>,
    /// When the partner may ask again; absent: as the program's admission policy says, now and later.
    pub reapply_policy: Option<ReapplyPolicy>,
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
    /// What `applyToProgram` answers.
    ApplyToProgramPayload {
        /// The new application.
        application: Application
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `withdrawApplication` answers.
    WithdrawApplicationPayload {
        /// The application, withdrawn.
        application: Application
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `approveApplication` answers.
    ApproveApplicationPayload {
        /// The application, approved; its `partnership` is the new one.
        application: Application
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `rejectApplication` answers.
    RejectApplicationPayload {
        /// The application, rejected.
        application: Application
    } refused by PartnershipError, PartnershipErrorCode
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

/// What happened to an application.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ApplicationFeedEventKind {
    /// A partner asked in.
    Submitted,
    /// Somebody is looking.
    InReview,
    /// It was approved, rejected or withdrawn.
    Decided,
}

/// Something happened to an application.
#[derive(SimpleObject)]
pub struct ApplicationFeedEvent {
    /// Where it lies in the feed; give it to `after` to go on behind it. Opaque.
    pub cursor: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub kind: ApplicationFeedEventKind,
    /// The application as it stands now.
    pub application: Option<Application>,
}

/// Narrows the applications feed; every field given must hold.
#[derive(Default, InputObject)]
pub struct ApplicationFeedWhere {
    /// Only these kinds: 1 to 10.
    #[graphql(validator(min_items = 1, max_items = 10))]
    pub kinds: Option<Vec<ApplicationFeedEventKind>>,
    /// Only applications to this program.
    pub program_id: Option<ID>,
}

impl ApplicationFeedWhere {
    #[must_use]
    pub fn wants(&self, kind: ApplicationFeedEventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// An item of the applications feed.
#[derive(Union)]
#[allow(
    clippy::large_enum_variant,
    reason = "one item at a time lives, and the library's union takes no box"
)]
pub enum ApplicationFeedItem {
    Event(ApplicationFeedEvent),
    Advanced(Advanced),
    Lagged(Lagged),
}
