//! How partners come into a program: who may apply, who decides, and when somebody may ask again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    admission_policy::{ActiveModel, AskAgain, Column, DecisionPolicy, Entity, Model},
    ids::{BrandId, ProgramId},
    program,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::OnConflict};

use super::{Result, announce_in_tx, lock_living_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::Failure,
    programs::{
        error::ProgramErrorCode as Code,
        rules::admission::{self, Admission, Again},
    },
};

/// Everything of a policy, in place of what there was.
pub struct SetAdmission {
    pub program: ProgramId,
    pub allowed_countries: Vec<String>,
    pub excluded_countries: Vec<String>,
    pub allowed_email_domains: Vec<String>,
    pub blocked_email_domains: Vec<String>,
    pub minimum_followers: Option<i32>,
    pub requires_verified_channel: bool,
    pub decision: DecisionPolicy,
    pub approve_after_days: Option<i32>,
    pub reject_ineligible: bool,
    pub after_rejection: (AskAgain, Option<i32>),
    pub after_withdrawal: (AskAgain, Option<i32>),
}

/// What holds where nothing was set: everybody may apply, people decide, and who was turned down may ask again at once.
#[must_use]
pub fn open_to_all(program: ProgramId, brand: BrandId, since: DateTime<Utc>) -> Model {
    Model {
        program_id: program,
        brand_id: brand,
        allowed_countries: String::new(),
        excluded_countries: String::new(),
        allowed_email_domains: String::new(),
        blocked_email_domains: String::new(),
        minimum_followers: None,
        requires_verified_channel: false,
        decision: DecisionPolicy::Manual,
        approve_after_days: None,
        reject_ineligible: false,
        after_rejection: AskAgain::AtOnce,
        after_rejection_days: None,
        after_withdrawal: AskAgain::AtOnce,
        after_withdrawal_days: None,
        updated_at: since,
    }
}

pub async fn set_admission(app: &App, actor: &Actor, command: SetAdmission) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let program = lock_living_in_tx(&tx, actor, Operation::SetAdmissionPolicy, command.program).await?;
    let days_fit = match command.decision {
        DecisionPolicy::ApproveAfterDays => command
            .approve_after_days
            .is_some_and(|days| admission::APPROVE_AFTER_DAYS.contains(&days)),
        DecisionPolicy::Manual | DecisionPolicy::ApproveAtOnce => command.approve_after_days.is_none(),
    };
    if !days_fit {
        return Err(Failure::refused_field(
            Code::ApproveAfterDaysInvalid,
            "approveAfterDays",
            "`APPROVE_AFTER_DAYS` needs 1 to 90 days; the other policies take none",
        ));
    }
    if command.minimum_followers.is_some_and(|least| least < 1) {
        return Err(Failure::refused_field(
            Code::MinimumFollowersInvalid,
            "minimumFollowersCount",
            "a least number of followers is 1 at least",
        ));
    }
    check_again(command.after_rejection, "afterRejectionDays")?;
    check_again(command.after_withdrawal, "afterWithdrawalDays")?;
    let row = Model {
        program_id: program.id,
        brand_id: program.brand_id,
        allowed_countries: check_countries(command.allowed_countries, "allowedCountries")?,
        excluded_countries: check_countries(command.excluded_countries, "excludedCountries")?,
        allowed_email_domains: check_domains(command.allowed_email_domains, "allowedEmailDomains")?,
        blocked_email_domains: check_domains(command.blocked_email_domains, "blockedEmailDomains")?,
        minimum_followers: command.minimum_followers,
        requires_verified_channel: command.requires_verified_channel,
        decision: command.decision,
        approve_after_days: command.approve_after_days,
        reject_ineligible: command.reject_ineligible,
        after_rejection: command.after_rejection.0,
        after_rejection_days: command.after_rejection.1,
        after_withdrawal: command.after_withdrawal.0,
        after_withdrawal_days: command.after_withdrawal.1,
        updated_at: app.clock.now(),
    };
    let everything = [
        Column::AllowedCountries,
        Column::ExcludedCountries,
        Column::AllowedEmailDomains,
        Column::BlockedEmailDomains,
        Column::MinimumFollowers,
        Column::RequiresVerifiedChannel,
        Column::Decision,
        Column::ApproveAfterDays,
        Column::RejectIneligible,
        Column::AfterRejection,
        Column::AfterRejectionDays,
        Column::AfterWithdrawal,
        Column::AfterWithdrawalDays,
        Column::UpdatedAt,
    ];
    let in_its_place = OnConflict::column(Column::ProgramId)
        .update_columns(everything)
        .to_owned();
    Entity::insert(ActiveModel::from(row))
        .on_conflict(in_its_place)
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_fact(program.brand_id, "program.admission_set", program.id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    announce_in_tx(&tx, app, program.brand_id, program.id).await?;
    app.commit(tx).await?;
    Ok(program)
}

fn check_again((policy, days): (AskAgain, Option<i32>), field: &str) -> Result<()> {
    let fits = match policy {
        AskAgain::AfterDays => days.is_some_and(|days| admission::ASK_AGAIN_DAYS.contains(&days)),
        AskAgain::AtOnce | AskAgain::Never => days.is_none(),
    };
    if fits {
        return Ok(());
    }
    Err(Failure::refused_field(
        Code::AskAgainDaysInvalid,
        field,
        "`AFTER_DAYS` needs 1 to 365 days; the others take none",
    ))
}

fn check_countries(countries: Vec<String>, field: &str) -> Result<String> {
    if countries.len() > admission::MAX_COUNTRIES {
        let max = admission::MAX_COUNTRIES;
        return Err(Failure::refused_field(
            Code::TooManyCountries,
            field,
            format!("a list names at most {max} countries"),
        ));
    }
    Ok(joined(countries))
}

fn check_domains(typed: Vec<String>, field: &str) -> Result<String> {
    if typed.len() > admission::MAX_DOMAINS {
        let max = admission::MAX_DOMAINS;
        return Err(Failure::refused_field(
            Code::TooManyEmailDomains,
            field,
            format!("a list names at most {max} e-mail domains"),
        ));
    }
    let read = |(index, typed): (usize, &String)| {
        admission::clean_domain(typed).ok_or_else(|| {
            let message = "this is not a domain such as `example.org`";
            Failure::refused_field(Code::EmailDomainInvalid, &format!("{field}.{index}"), message)
        })
    };
    typed
        .iter()
        .enumerate()
        .map(read)
        .collect::<Result<Vec<_>>>()
        .map(joined)
}

/// Sorted, each once.
fn joined(mut items: Vec<String>) -> String {
    items.sort_unstable();
    items.dedup();
    items.join(",")
}

/// What was joined.
#[must_use]
pub fn split_list(stored: &str) -> Vec<String> {
    stored
        .split(',')
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a policy asks of those who apply.
#[must_use]
pub fn admission_of(policy: &Model) -> Admission {
    Admission {
        allowed_countries: split_list(&policy.allowed_countries),
        excluded_countries: split_list(&policy.excluded_countries),
        allowed_domains: split_list(&policy.allowed_email_domains),
        blocked_domains: split_list(&policy.blocked_email_domains),
        minimum_followers: policy.minimum_followers,
        requires_verified_channel: policy.requires_verified_channel,
    }
}

/// When a partner may ask again that was rejected then.
#[must_use]
pub fn again_after_rejection(policy: &Model, since: DateTime<Utc>) -> Again {
    admission::ask_again(policy.after_rejection, policy.after_rejection_days, since)
}

/// When a partner may ask again that took its application back then.
#[must_use]
pub fn again_after_withdrawal(policy: &Model, since: DateTime<Utc>) -> Again {
    admission::ask_again(policy.after_withdrawal, policy.after_withdrawal_days, since)
}

/// The policy of a program.
pub async fn find_admission_in_tx(
    conn: &impl ConnectionTrait,
    program: &program::Model,
) -> std::result::Result<Model, DbErr> {
    let found = Entity::find_by_id(program.id).one(conn).await?;
    Ok(found.unwrap_or_else(|| open_to_all(program.id, program.brand_id, program.created_at)))
}

/// The policies of programs; of those without one there is none.
pub async fn list_admissions_in_tx(
    conn: &impl ConnectionTrait,
    programs: &[ProgramId],
) -> std::result::Result<HashMap<ProgramId, Model>, DbErr> {
    let rows = Entity::find()
        .filter(Column::ProgramId.is_in(programs.iter().copied()))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.program_id, row)).collect())
}

/// A policy says how a brand works, whom it keeps out too: it is for the brand's people. A partner asks whether it may
/// apply.
#[must_use]
pub fn may_see_admission(actor: &Actor, brand: BrandId) -> bool {
    actor.authorise(Operation::SeePrograms, Place::brand(brand)).is_ok()
}
