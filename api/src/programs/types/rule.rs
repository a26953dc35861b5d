//! What programs pay: commission rules and referral levels.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    commission_rule::{self, RuleKind},
    ids::{PartnerGroupId, PartnershipId},
    referral_level,
};

use crate::{
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{PartnerGroup, Partnership, Program},
        scalars::{Decimal, Money, MoneyInput, ppm_to_percent},
    },
    payload,
    programs::{
        error::{ProgramError, ProgramErrorCode},
        service,
    },
};

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
