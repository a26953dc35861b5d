//! Programs as the schema shows them.

mod admission;
mod group;
mod questionnaire;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    commission_rule::{self, RuleKind},
    ids::{BrandId, PartnerGroupId, PartnershipId, ProgramId},
    program, program_terms, referral_level,
};

use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{Brand, PartnerGroup, Partnership, Program},
        scalars::{CurrencyCode, Decimal, Money, MoneyInput, Url, ppm_to_percent},
    },
    page, payload,
    programs::{
        error::{ProgramError, ProgramErrorCode},
        loaders::{AdmissionOf, LevelsOf, QuestionnaireFor, RulesOf, TermsOf},
        service,
    },
};

pub use self::admission::{AdmissionPolicy, SetAdmissionPolicyInput, SetAdmissionPolicyPayload};
pub use self::group::{
    ArchivePartnerGroupInput, ArchivePartnerGroupPayload, CreatePartnerGroupInput, CreatePartnerGroupPayload,
    PartnerGroupConnection, PartnerGroupFields, SetDefaultPartnerGroupInput, SetDefaultPartnerGroupPayload,
    UpdatePartnerGroupInput, UpdatePartnerGroupPayload,
};
pub use self::questionnaire::{Question, QuestionKind, Questionnaire, SetQuestionnaireInput, SetQuestionnairePayload};

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

/// One event worth something.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "commission_rule::ConversionEvent")]
pub enum ConversionEvent {
    /// A customer opened an account.
    Signup,
    /// A customer left a request worth following up.
    Lead,
    /// A customer bought.
    Sale,
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

/// For whom a commission rule counts.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum CommissionRuleLevel {
    /// For one partnership: its personal terms.
    Partnership,
    /// For the partnerships of a group.
    Group,
    /// For everybody in the program.
    Program,
}

/// Which lines of orders a rule is for: those that every list with names in it names.
#[derive(Clone, Debug, SimpleObject)]
pub struct CommissionRuleConditions {
    /// Only lines of these products, by the brand's own ids; none: of any.
    pub product_ids: Vec<String>,
    /// Only lines of these categories, in capital or small letters alike; none: of any.
    pub categories: Vec<String>,
}

/// What one event earns at level 0: a percentage or a fixed amount, of the whole or for each item.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct CommissionRule {
    /// Global id.
    pub id: ID,
    /// The event that earns.
    pub event: ConversionEvent,
    /// Percent of the sale; absent when the rule is a fixed amount.
    pub percent: Option<Decimal>,
    /// Lower positions are tried first; within one, the newest.
    pub position: i32,
    /// Counts for events that happened from then on; absent: from ever.
    pub valid_from: Option<DateTime<Utc>>,
    /// Counts for events that happened before then; absent: for ever.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stopped counting; absent while it counts.
    pub archived_at: Option<DateTime<Utc>>,
    /// For whom it counts. The nearest level goes first.
    pub level: CommissionRuleLevel,
    #[graphql(skip)]
    pub group_id: Option<PartnerGroupId>,
    #[graphql(skip)]
    pub amount: Option<(i64, String)>,
    #[graphql(skip)]
    pub kind: RuleKind,
    #[graphql(skip)]
    pub product_ids: Option<String>,
    #[graphql(skip)]
    pub categories: Option<String>,
    #[graphql(skip)]
    pub partnership_id: Option<PartnershipId>,
}

impl From<commission_rule::Model> for CommissionRule {
    fn from(row: commission_rule::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            event: row.event.into(),
            percent: row.rate_ppm.map(ppm_to_percent),
            position: row.position,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            created_at: row.created_at,
            archived_at: row.archived_at,
            level: match (row.partnership_id, row.group_id) {
                (Some(_), _) => CommissionRuleLevel::Partnership,
                (None, Some(_)) => CommissionRuleLevel::Group,
                (None, None) => CommissionRuleLevel::Program,
            },
            group_id: row.group_id,
            amount: row.amount_minor.zip(row.currency),
            kind: row.kind,
            product_ids: row.product_ids,
            categories: row.categories,
            partnership_id: row.partnership_id,
        }
    }
}

#[ComplexObject]
impl CommissionRule {
    /// The group it is for; absent at the other levels.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<PartnerGroup>, ApiError> {
        let Some(id) = self.group_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(PartnerGroup::from))
    }

    /// Whose personal terms it is part of; absent at the other levels.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        let Some(id) = self.partnership_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(Partnership::from))
    }

    /// A fixed amount for each event; absent when the rule pays otherwise.
    async fn fixed(&self) -> Result<Option<Money>, ApiError> {
        stored_amount(self.amount.as_ref().filter(|_| self.kind == RuleKind::Fixed))
    }

    /// A fixed amount for each item of an order's lines; absent when the rule pays otherwise.
    async fn fixed_per_item(&self) -> Result<Option<Money>, ApiError> {
        stored_amount(self.amount.as_ref().filter(|_| self.kind == RuleKind::FixedPerItem))
    }

    /// The lines of orders it is for; absent when it is for all of them, and for orders without lines.
    async fn conditions(&self) -> Result<Option<CommissionRuleConditions>, ApiError> {
        if self.product_ids.is_none() && self.categories.is_none() {
            return Ok(None);
        }
        Ok(Some(CommissionRuleConditions {
            product_ids: stored_names(self.product_ids.as_deref())?,
            categories: stored_names(self.categories.as_deref())?,
        }))
    }
}

/// What one level of the referral tree earns. Exactly one of the three ways is present.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ReferralLevel {
    /// Global id.
    pub id: ID,
    /// 1 is the partnership that recruited the credited one.
    pub level: i32,
    /// Percent of the sale.
    pub percent_of_sale: Option<Decimal>,
    /// Percent of what the credited partnership earns.
    pub percent_of_commission: Option<Decimal>,
    #[graphql(skip)]
    pub amount: Option<(i64, String)>,
}

impl From<referral_level::Model> for ReferralLevel {
    fn from(row: referral_level::Model) -> Self {
        use referral_level::ReferralLevelKind as Kind;
        let percent_if = |kind| row.rate_ppm.filter(|_| row.kind == kind).map(ppm_to_percent);
        Self {
            id: row.id.to_string().into(),
            level: row.level,
            percent_of_sale: percent_if(Kind::PercentOfSale),
            percent_of_commission: percent_if(Kind::PercentOfCommission),
            amount: row.amount_minor.zip(row.currency),
        }
    }
}

#[ComplexObject]
impl ReferralLevel {
    /// A fixed amount for each event.
    async fn fixed(&self) -> Result<Option<Money>, ApiError> {
        stored_amount(self.amount.as_ref())
    }
}

fn stored_names(names: Option<&str>) -> Result<Vec<String>, ApiError> {
    names.map_or_else(
        || Ok(Vec::new()),
        |names| serde_json::from_str(names).map_err(ApiError::internal),
    )
}

fn stored_amount(amount: Option<&(i64, String)>) -> Result<Option<Money>, ApiError> {
    amount
        .map(|(minor, currency)| Money::stored(*minor, currency))
        .transpose()
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

/// What a rule pays: exactly one of these.
#[derive(OneofObject)]
pub enum CommissionEarningInput {
    /// Percent of a sale: above 0, at most 100, with at most four decimals.
    Percent(Decimal),
    /// A positive amount for each event, in a currency the program accepts. However many lines of an order it is for, it is
    /// paid once, in parts on those lines.
    Fixed(MoneyInput),
    /// A positive amount for each item of an order's lines, in a currency the program accepts. Pays nothing on an order
    /// without lines.
    FixedPerItem(MoneyInput),
}

/// Which lines of orders a rule is for: those that every list given names. Such a rule says nothing about orders without
/// lines.
#[derive(InputObject)]
pub struct CommissionRuleConditionsInput {
    /// Only lines of these products, by the brand's own ids: at most 100. None: of any.
    #[graphql(default)]
    pub product_ids: Vec<String>,
    /// Only lines of these categories, in capital or small letters alike: at most 100. None: of any.
    #[graphql(default)]
    pub categories: Vec<String>,
}

impl From<CommissionRuleConditionsInput> for service::Conditions {
    fn from(input: CommissionRuleConditionsInput) -> Self {
        Self {
            product_ids: input.product_ids,
            categories: input.categories,
        }
    }
}

/// A new commission rule.
#[derive(InputObject)]
pub struct CreateCommissionRuleInput {
    /// The program it is for.
    pub program_id: ID,
    /// The event that earns.
    pub event: ConversionEvent,
    /// What it earns. A percentage needs a sale.
    pub earning: CommissionEarningInput,
    /// Narrows a rule for sales to some lines of their orders; absent: for all of them, and for orders without lines.
    pub conditions: Option<CommissionRuleConditionsInput>,
    /// Lower positions are tried first: 0 to 10,000.
    #[graphql(default = 0)]
    pub position: i32,
    /// Makes it part of this partnership's personal terms, which go before all other rules. Without it and `groupId`, it is
    /// for everybody in the program. A partnership has at most 20 active rules of its own.
    pub partnership_id: Option<ID>,
    /// Makes it a rule of this group, whose rules go before the program's; not together with `partnershipId`. A group has
    /// at most 50 active rules.
    pub group_id: Option<ID>,
    /// Count for events that happen from then on; absent: from ever.
    pub valid_from: Option<DateTime<Utc>>,
    /// Count for events that happen before then, which is after `validFrom`; absent: for ever.
    pub valid_until: Option<DateTime<Utc>>,
}

/// A commission rule to archive.
#[derive(InputObject)]
pub struct ArchiveCommissionRuleInput {
    /// The rule.
    pub id: ID,
}

/// What a level pays: exactly one of these.
#[derive(OneofObject)]
pub enum ReferralEarningInput {
    /// Percent of the sale: above 0, at most 100, with at most four decimals.
    PercentOfSale(Decimal),
    /// Percent of what the credited partnership earns: above 0, at most 100, with at most four decimals.
    PercentOfCommission(Decimal),
    /// A positive amount for each event, in a currency the program accepts.
    Fixed(MoneyInput),
}

/// One level of the referral tree.
#[derive(InputObject)]
pub struct ReferralLevelInput {
    /// 1 is the partnership that recruited the credited one.
    pub level: i32,
    /// What it earns.
    pub earning: ReferralEarningInput,
}

/// All referral levels of a program, in place of what it had.
#[derive(InputObject)]
pub struct SetReferralLevelsInput {
    /// The program.
    pub program_id: ID,
    /// The levels 1 to n without gaps, at most 10. None at all switches referrals off.
    pub levels: Vec<ReferralLevelInput>,
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

payload! {
    /// What `createCommissionRule` answers.
    CreateCommissionRulePayload {
        /// The new rule.
        commission_rule: CommissionRule
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `archiveCommissionRule` answers.
    ArchiveCommissionRulePayload {
        /// The rule, archived.
        commission_rule: CommissionRule
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `setReferralLevels` answers.
    SetReferralLevelsPayload {
        /// The program with its new levels.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}
