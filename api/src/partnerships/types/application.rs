//! Applications and their feed.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::application;

use super::{ApplicationAnswer, ApplicationAnswerInput, TermsOffer, TermsProposalInput, admission, wanted};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
        objects::{Partner, Partnership, Program},
    },
    messages::{loaders::ThreadFor, types::MessageThread},
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        loaders::{OffersOf, PartnershipFor},
        service,
    },
    payload,
    programs::types::{ProgramTerms, Questionnaire},
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

impl ApplicationWhere {
    pub(super) fn read(self) -> Result<service::Filter<application::ApplicationState>, ApiError> {
        let states = match self.state {
            Some(filter) => wanted(filter.eq, filter.any_of)?,
            None => None,
        };
        let program = self.program_id.map(|id| parse_id(&id, "where.programId")).transpose()?;
        Ok(service::Filter { states, program })
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
