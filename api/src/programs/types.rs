//! Programs as the schema shows them.

mod admission;
mod group;
mod questionnaire;
mod rule;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerGroupId, ProgramId},
    program, program_terms,
};

pub use self::{
    admission::{AdmissionPolicy, SetAdmissionPolicyInput, SetAdmissionPolicyPayload},
    group::{
        ArchivePartnerGroupInput, ArchivePartnerGroupPayload, CreatePartnerGroupInput, CreatePartnerGroupPayload,
        PartnerGroupConnection, PartnerGroupFields, SetDefaultPartnerGroupInput, SetDefaultPartnerGroupPayload,
        UpdatePartnerGroupInput, UpdatePartnerGroupPayload,
    },
    questionnaire::{Question, QuestionKind, Questionnaire, SetQuestionnaireInput, SetQuestionnairePayload},
    rule::{
        ArchiveCommissionRuleInput, ArchiveCommissionRulePayload, CommissionEarningInput, CommissionRule,
        CommissionRuleConditions, CommissionRuleConditionsInput, CommissionRuleLevel, ConversionEvent,
        CreateCommissionRuleInput, CreateCommissionRulePayload, ReferralEarningInput, ReferralLevel,
        ReferralLevelInput, SetReferralLevelsInput, SetReferralLevelsPayload,
    },
};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{Brand, PartnerGroup, Program},
        scalars::{CurrencyCode, Url},
    },
    page, payload,
    programs::{
        error::{ProgramError, ProgramErrorCode},
        loaders::{AdmissionOf, LevelsOf, QuestionnaireFor, RulesOf, TermsOf},
        service,
    },
};

/// Where a program is in its life.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "program::ProgramState")]
pub enum ProgramState {
    /// Being prepared; seen by its brand only.
    Draft,
    /// Running.
    Active,
    /// Resting: nobody can join, and nobody is credited. What was earned before is not touched.
    Paused,
    /// Over for good: as paused, and nothing of it changes any more. Seen by its brand and its partners only.
    Archived,
}

/// Which explicit touch wins when an event carries both.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "program::AttributionOrder")]
pub enum AttributionOrder {
    /// The promo code.
    CodeFirst,
    /// The click.
    ClickFirst,
}

/// How long a customer stays with the first credited partnership.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "program::CustomerBinding")]
pub enum CustomerBinding {
    /// For ever.
    Forever,
    /// For the months the program states.
    Months,
    /// Not at all.
    Never,
}

/// A program's own fields; the schema's `Program` is merged in `graphql/objects.rs`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ProgramFields {
    /// Global id.
    pub id: ID,
    /// The name people read.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Where it is in its life.
    pub state: ProgramState,
    /// The currencies it accepts sales and pays commissions in.
    pub currencies: Vec<CurrencyCode>,
    /// Where links lead when they name no other page.
    pub destination_url: Url,
    /// Days a commission stays pending before it can be approved.
    pub hold_days: i32,
    /// Days a click or code counts for.
    pub attribution_window_days: i32,
    /// Which explicit touch wins when an event carries both.
    pub attribution_order: AttributionOrder,
    /// How long a customer stays with the first credited partnership.
    pub customer_binding: CustomerBinding,
    /// The months of `MONTHS`; absent otherwise.
    pub customer_binding_months: Option<i32>,
    /// Whether commissions are approved by themselves after the hold.
    pub auto_approve_commissions: bool,
    /// What the brand says about its commission where no rule can, such as `20-30%` or `varies`. Promises nothing: only
    /// `commissionRules` pay.
    pub commission_note: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row_id: ProgramId,
    #[graphql(skip)]
    pub brand_id: BrandId,
    #[graphql(skip)]
    pub default_group_id: Option<PartnerGroupId>,
}

impl From<program::Model> for ProgramFields {
    fn from(row: program::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            name: row.name,
            description: row.description,
            state: row.state.into(),
            currencies: row
                .currencies
                .split(',')
                .map(|code| CurrencyCode(code.to_owned()))
                .collect(),
            destination_url: Url(row.destination_url),
            hold_days: row.hold_days,
            attribution_window_days: row.attribution_window_days,
            attribution_order: row.attribution_order.into(),
            customer_binding: row.customer_binding.into(),
            customer_binding_months: row.customer_binding_months,
            auto_approve_commissions: row.auto_approve_commissions,
            commission_note: row.commission_note,
            created_at: row.created_at,
            row_id: row.id,
            brand_id: row.brand_id,
            default_group_id: row.default_group_id,
        }
    }
}

#[ComplexObject]
impl ProgramFields {
    /// The brand whose offer it is.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        Ok(ctx.load(self.brand_id).await?.map(Brand::from))
    }

    /// What events earn for everybody in the program: active rules in the order in which they are tried, by position, then
    /// the newest first. At most 100. Personal terms and rules of groups go before them: see `Partnership.effectiveRules`.
    async fn commission_rules(&self, ctx: &Context<'_>) -> Result<Option<Vec<CommissionRule>>, ApiError> {
        let rows = ctx.load(RulesOf(self.row_id)).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(CommissionRule::from).collect()))
    }

    /// What the levels of the referral tree earn, from level 1 up. At most 10.
    async fn referral_levels(&self, ctx: &Context<'_>) -> Result<Option<Vec<ReferralLevel>>, ApiError> {
        let rows = ctx.load(LevelsOf(self.row_id)).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(ReferralLevel::from).collect()))
    }

    /// The current terms: what a partner who applies now accepts.
    async fn terms(&self, ctx: &Context<'_>) -> Result<Option<ProgramTerms>, ApiError> {
        Ok(ctx.load(TermsOf(self.row_id)).await?.map(ProgramTerms::from))
    }

    /// What partners who apply now are asked: the questionnaire of the default group, else the program's own. Absent when
    /// nothing is asked.
    async fn questionnaire(&self, ctx: &Context<'_>) -> Result<Option<Questionnaire>, ApiError> {
        load_questionnaire(ctx, QuestionnaireFor(self.row_id, self.default_group_id)).await
    }

    /// The program's own questionnaire, which is asked where a group has none. Absent when it has none.
    async fn own_questionnaire(&self, ctx: &Context<'_>) -> Result<Option<Questionnaire>, ApiError> {
        load_questionnaire(ctx, QuestionnaireFor(self.row_id, None)).await
    }

    /// How partners come into it. For the brand's members; absent for others, who ask `eligibility`.
    async fn admission_policy(&self, ctx: &Context<'_>) -> Result<Option<AdmissionPolicy>, ApiError> {
        if !service::may_see_admission(ctx.actor(), self.brand_id) {
            return Ok(None);
        }
        let set = ctx.load(AdmissionOf(self.row_id)).await?;
        let policy = set.unwrap_or_else(|| service::open_to_all(self.row_id, self.brand_id, self.created_at));
        Ok(Some(policy.into()))
    }

    /// The program's partner groups that are in use, newest first. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PartnerGroupConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_groups(ctx.app(), ctx.actor(), self.brand_id, self.row_id, &page).await?;
        Ok(Some(slice.into()))
    }

    /// Where new partnerships come to. Absent when to no group, and for whoever may not see that group.
    async fn default_group(&self, ctx: &Context<'_>) -> Result<Option<PartnerGroup>, ApiError> {
        let Some(id) = self.default_group_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(PartnerGroup::from))
    }
}

/// One that asks nothing is none.
pub(super) async fn load_questionnaire(
    ctx: &Context<'_>,
    key: QuestionnaireFor,
) -> Result<Option<Questionnaire>, ApiError> {
    let found = ctx.load(key).await?;
    let found = found.as_ref().map(Questionnaire::stored).transpose()?;
    Ok(found.filter(|found| !found.questions.is_empty()))
}

connection! {
    /// Programs of a brand.
    ProgramConnection, ProgramEdge of Program
}

/// What the programs slice adds to `Brand`.
#[derive(Clone)]
pub struct ProgramsOfBrand(pub BrandId);

#[Object]
impl ProgramsOfBrand {
    /// The brand's programs, newest first, drafts included. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn programs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ProgramConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_programs(ctx.app(), ctx.actor(), self.0, &page)
                .await?
                .into(),
        ))
    }
}

/// One version of what a partner accepts. Never changed; a new text is a new version.
#[derive(Clone, Debug, SimpleObject)]
pub struct ProgramTerms {
    /// Counts from 1. Applications name the version they accept.
    pub version: i32,
    /// The text.
    pub body: String,
    /// When this version was written.
    pub created_at: DateTime<Utc>,
}

impl From<program_terms::Model> for ProgramTerms {
    fn from(row: program_terms::Model) -> Self {
        Self {
            version: row.version,
            body: row.body,
            created_at: row.created_at,
        }
    }
}

/// A new program, as a draft.
#[derive(InputObject)]
pub struct CreateProgramInput {
    /// The brand whose offer it is.
    pub brand_id: ID,
    /// 1 to 100 characters.
    pub name: String,
    /// What it is about: at most 5,000 characters.
    pub description: String,
    /// The currencies it accepts: 1 to 20.
    pub currencies: Vec<CurrencyCode>,
    /// Where links lead when they name no other page; links may only lead to its host.
    pub destination_url: Url,
    /// Days a commission stays pending: 0 to 365.
    #[graphql(default = 30)]
    pub hold_days: i32,
    /// Days a click or code counts for: 1 to 365.
    #[graphql(default = 30)]
    pub attribution_window_days: i32,
    /// Which explicit touch wins when an event carries both.
    #[graphql(default_with = "AttributionOrder::CodeFirst")]
    pub attribution_order: AttributionOrder,
    /// How long a customer stays with the first credited partnership.
    #[graphql(default_with = "CustomerBinding::Forever")]
    pub customer_binding: CustomerBinding,
    /// With `MONTHS` only: 1 to 120.
    pub customer_binding_months: Option<i32>,
    /// Whether commissions are approved by themselves after the hold.
    #[graphql(default = false)]
    pub auto_approve_commissions: bool,
    /// What to say about the commission where no rule can: 1 to 200 characters on one line. Pays nothing.
    pub commission_note: Option<String>,
    /// What partners accept: 1 to 50,000 characters. Becomes version 1.
    pub terms: String,
}

/// What to change of a program; what is absent stays.
#[derive(InputObject)]
pub struct ProgramPatchInput {
    /// 1 to 100 characters.
    pub name: MaybeUndefined<String>,
    /// At most 5,000 characters.
    pub description: MaybeUndefined<String>,
    /// The currencies it accepts: 1 to 20, among them those its rules and levels pay in.
    pub currencies: MaybeUndefined<Vec<CurrencyCode>>,
    /// Where links lead when they name no other page.
    pub destination_url: MaybeUndefined<Url>,
    /// Days a commission stays pending: 0 to 365.
    pub hold_days: MaybeUndefined<i32>,
    /// Days a click or code counts for: 1 to 365.
    pub attribution_window_days: MaybeUndefined<i32>,
    /// Which explicit touch wins when an event carries both.
    pub attribution_order: MaybeUndefined<AttributionOrder>,
    /// How long a customer stays with the first credited partnership.
    pub customer_binding: MaybeUndefined<CustomerBinding>,
    /// With `MONTHS` only: 1 to 120. Null takes it away.
    pub customer_binding_months: MaybeUndefined<i32>,
    /// Whether commissions are approved by themselves after the hold.
    pub auto_approve_commissions: MaybeUndefined<bool>,
    /// 1 to 200 characters on one line. Null takes it away.
    pub commission_note: MaybeUndefined<String>,
    /// A new text: 1 to 50,000 characters. Becomes the next version, unless it is the current one.
    pub terms: MaybeUndefined<String>,
}

/// A change of a program.
#[derive(InputObject)]
pub struct UpdateProgramInput {
    /// The program.
    pub id: ID,
    /// What to change.
    pub patch: ProgramPatchInput,
}

/// A program to activate.
#[derive(InputObject)]
pub struct ActivateProgramInput {
    /// The program.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A program to pause.
#[derive(InputObject)]
pub struct PauseProgramInput {
    /// The program.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A program to archive.
#[derive(InputObject)]
pub struct ArchiveProgramInput {
    /// The program.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

payload! {
    /// What `createProgram` answers.
    CreateProgramPayload {
        /// The new program, a draft.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `updateProgram` answers.
    UpdateProgramPayload {
        /// The program as it is now.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `activateProgram` answers.
    ActivateProgramPayload {
        /// The program, active.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `pauseProgram` answers.
    PauseProgramPayload {
        /// The program, paused.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `archiveProgram` answers.
    ArchiveProgramPayload {
        /// The program, archived.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}
