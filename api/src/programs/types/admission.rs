//! How partners come into a program, as the schema shows it.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::admission_policy;

use crate::{
    graphql::{objects::Program, scalars::CountryCode},
    payload,
    programs::{
        error::{ProgramError, ProgramErrorCode},
        service,
    },
};

/// Who decides about an application.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "admission_policy::DecisionPolicy")]
pub enum DecisionPolicy {
    /// The brand's people, unless the group it leads into approves it.
    Manual,
    /// Approved as it is sent.
    ApproveAtOnce,
    /// Approved some days after it was sent, unless it was decided before.
    ApproveAfterDays,
}

/// When a partner may ask again.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "admission_policy::AskAgain")]
pub enum AskAgain {
    /// At once.
    AtOnce,
    /// After some days.
    AfterDays,
    /// Never.
    Never,
}

/// How partners come into a program: who may apply, who decides, and when somebody may ask again. Invitations pass it by.
#[derive(Clone, Debug, SimpleObject)]
pub struct AdmissionPolicy {
    /// Countries that partners may be of; none: of all.
    pub allowed_countries: Vec<CountryCode>,
    /// Countries that they may not be of. Goes before what is allowed.
    pub excluded_countries: Vec<CountryCode>,
    /// Domains, with those below them, of which the proved address of whoever applies must be one; none: of any.
    pub allowed_email_domains: Vec<String>,
    /// Domains, with those below them, of which it must be none. Goes before what is allowed.
    pub blocked_email_domains: Vec<String>,
    /// Followers that the greatest channel of whoever applies has at least; absent when it does not matter.
    pub minimum_followers_count: Option<i32>,
    /// Whether whoever applies must have a verified channel; only verified ones count then.
    pub require_verified_channel: bool,
    /// Who decides about applications.
    pub decision: DecisionPolicy,
    /// The days of `APPROVE_AFTER_DAYS`; absent otherwise.
    pub approve_after_days: Option<i32>,
    /// Whether open applications of partners who may not apply any more are rejected by themselves.
    pub reject_ineligible: bool,
    /// When a rejected partner may ask again, where its rejection does not say so itself.
    pub after_rejection: AskAgain,
    /// The days of `AFTER_DAYS`; absent otherwise.
    pub after_rejection_days: Option<i32>,
    /// When a partner may ask again that took its application back.
    pub after_withdrawal: AskAgain,
    /// The days of `AFTER_DAYS`; absent otherwise.
    pub after_withdrawal_days: Option<i32>,
    /// When it was set last; when the program was made, where it never was.
    pub updated_at: DateTime<Utc>,
}

impl From<admission_policy::Model> for AdmissionPolicy {
    fn from(row: admission_policy::Model) -> Self {
        let countries = |stored: &str| service::split_list(stored).into_iter().map(CountryCode).collect();
        Self {
            allowed_countries: countries(&row.allowed_countries),
            excluded_countries: countries(&row.excluded_countries),
            allowed_email_domains: service::split_list(&row.allowed_email_domains),
            blocked_email_domains: service::split_list(&row.blocked_email_domains),
            minimum_followers_count: row.minimum_followers,
            require_verified_channel: row.requires_verified_channel,
            decision: row.decision.into(),
            approve_after_days: row.approve_after_days,
            reject_ineligible: row.reject_ineligible,
            after_rejection: row.after_rejection.into(),
            after_rejection_days: row.after_rejection_days,
            after_withdrawal: row.after_withdrawal.into(),
            after_withdrawal_days: row.after_withdrawal_days,
            updated_at: row.updated_at,
        }
    }
}

/// How partners come into a program, in place of what was set: what is left out is as if nothing had been set.
#[derive(InputObject)]
pub struct SetAdmissionPolicyInput {
    /// The program.
    pub program_id: ID,
    /// Countries that partners may be of: at most 250. None: of all.
    #[graphql(default)]
    pub allowed_countries: Vec<CountryCode>,
    /// Countries that they may not be of: at most 250. Goes before what is allowed.
    #[graphql(default)]
    pub excluded_countries: Vec<CountryCode>,
    /// Domains, with those below them, of which the proved address of whoever applies must be one: at most 100. None: of any.
    #[graphql(default)]
    pub allowed_email_domains: Vec<String>,
    /// Domains, with those below them, of which it must be none: at most 100. Goes before what is allowed.
    #[graphql(default)]
    pub blocked_email_domains: Vec<String>,
    /// Followers that the greatest channel of whoever applies has at least, as the creator says: 1 or more.
    pub minimum_followers_count: Option<i32>,
    /// Whether whoever applies must have a verified channel; only verified ones count then.
    #[graphql(default = false)]
    pub require_verified_channel: bool,
    /// Who decides about applications. Only the first one of a partner is approved by itself, and never a flagged one.
    #[graphql(default_with = "DecisionPolicy::Manual")]
    pub decision: DecisionPolicy,
    /// With `APPROVE_AFTER_DAYS` only: 1 to 90.
    pub approve_after_days: Option<i32>,
    /// Whether open applications of partners who may not apply any more are rejected by themselves; never a flagged one.
    #[graphql(default = false)]
    pub reject_ineligible: bool,
    /// When a rejected partner may ask again, where its rejection does not say so itself.
    #[graphql(default_with = "AskAgain::AtOnce")]
    pub after_rejection: AskAgain,
    /// With `AFTER_DAYS` only: 1 to 365.
    pub after_rejection_days: Option<i32>,
    /// When a partner may ask again that took its application back.
    #[graphql(default_with = "AskAgain::AtOnce")]
    pub after_withdrawal: AskAgain,
    /// With `AFTER_DAYS` only: 1 to 365.
    pub after_withdrawal_days: Option<i32>,
}

payload! {
    /// What `setAdmissionPolicy` answers.
    SetAdmissionPolicyPayload {
        /// The program with its policy.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}
