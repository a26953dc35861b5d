//! A partner asks in, or takes it back.

use entity::{
    application::{self, ApplicationState},
    ids::{ApplicationId, PartnerId, PartnershipId, ProgramId},
    partnership::{self, PartnershipState},
};
use sea_orm::{ActiveEnum, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict};
use serde_json::json;

use super::{
    Result, automatic, check_reason, decide, eligibility, lock_application_in_tx,
    offer::{self, Proposal},
    questions::{self, Answer},
    terms, tree,
};
use crate::{
    accounts::{
        actor::{Actor, Identity, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    outbox::{self, Fact, Topic},
    partnerships::{error::PartnershipErrorCode as Code, rules},
    programs::service as programs,
};

pub(super) const MAX_MESSAGE_CHARS: usize = 2_000;

pub struct Apply {
    pub partner: PartnerId,
    pub program: ProgramId,
    pub message: String,
    pub accepted_terms_version: i32,
    /// The terms it would like to have.
    pub proposal: Option<Proposal>,
    /// What it answers to the program's questions.
    pub answers: Vec<Answer>,
    /// Where the request comes from.
    pub client_address: Option<String>,
    pub referral_code: Option<String>,
}

/// Sends an application. The program must be open, its terms accepted as they stand, and the partner free to ask.
pub async fn apply_to_program(app: &App, actor: &Actor, mut command: Apply) -> Result<application::Model> {
    actor.authorise(Operation::ApplyToProgram, Place::partner(command.partner))?;
    if command.message.chars().count() > MAX_MESSAGE_CHARS {
        return Err(Failure::refused_field(
            Code::MessageTooLong,
            "message",
            format!("a message has at most {MAX_MESSAGE_CHARS} characters"),
        ));
    }
    let proposal = command
        .proposal
        .take()
        .map(|proposal| offer::check_proposal(proposal, "terms."))
        .transpose()?;
    let tx = app.db.begin().await?;
    let program = programs::get_program_in_tx(&tx, command.program)
        .await?
        .filter(|row| programs::is_visible(actor, row))
        .ok_or_else(|| ApiError::not_found("program"))?;
    let mut obstacles = eligibility::find_reasons_in_tx(&tx, app, actor, &program, command.partner)
        .await?
        .into_iter()
        .peekable();
    if let Some(closed) = obstacles.next_if(|reason| reason.code == Code::ProgramNotOpen) {
        return Err(closed.into());
    }
    let current = programs::find_terms_in_tx(&tx, program.id)
        .await?
        .ok_or_else(|| ApiError::internal("a program without terms"))?;
    terms::refuse_outdated(&current, command.accepted_terms_version, "acceptedTermsVersion")?;
    if let Some(obstacle) = obstacles.next() {
        return Err(obstacle.into());
    }
    let joined = find_partnership_in_tx(&tx, &command).await?;
    let referrer_id = match &command.referral_code {
        Some(code) => Some(find_referrer_in_tx(&tx, &command, joined.as_ref(), code).await?),
        None => None,
    };
    let answered = questions::check_answers_in_tx(&tx, &program, &command.answers).await?;
    let (questionnaire_id, answers) = answered.map(|(asked, answers)| (asked.id, answers)).unzip();
    let now = app.clock.now();
    let row = application::Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        partner_id: command.partner,
        state: ApplicationState::Submitted,
        message: command.message,
        terms_id: current.id,
        referrer_id,
        created_at: now,
        decided_at: None,
        rejection_reason: None,
        rejection_note: None,
        reapply_policy: None,
        questionnaire_id,
        answers,
        applicant_id: match actor.identity {
            Identity::User(user) => Some(user),
            _ => None,
        },
        flagged_at: None,
        flag_reason: None,
    };
    // The partial unique index on open applications decides between two sent at once.
    let inserted = application::Entity::insert(application::ActiveModel::from(row.clone()))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(already_applied());
    }
    if let Some(proposal) = proposal {
        offer::propose_for_application_in_tx(&tx, app, actor, &row, proposal).await?;
    }
    terms::record_in_tx(&tx, app, actor, &current, row.partner_id, command.client_address).await?;
    let change = Change::of_fact(row.brand_id, "application.submitted", row.id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    outbox::enqueue_in_tx(
        &tx,
        app,
        Fact {
            topic: Topic::ApplicationSubmitted,
            brand: Some(row.brand_id),
            partner: Some(row.partner_id),
            subject: row.id.0,
            payload: json!({ "state": row.state.to_value() }),
        },
    )
    .await?;
    let row = automatic::approve_at_once_in_tx(&tx, app, &program, row).await?;
    app.commit(tx).await?;
    Ok(row)
}

pub async fn withdraw_application(
    app: &App,
    actor: &Actor,
    id: ApplicationId,
    reason: Option<&str>,
) -> Result<application::Model> {
    let reason = reason.map(|reason| check_reason(reason, "reason")).transpose()?;
    let tx = app.db.begin().await?;
    let row = lock_application_in_tx(&tx, actor, Operation::WithdrawApplication, id).await?;
    let decided = application::Model {
        state: ApplicationState::Withdrawn,
        ..row.clone()
    };
    let action = "application.withdrawn";
    let decided = decide::change_state_in_tx(&tx, app, actor, &row, decided, action, reason).await?;
    app.commit(tx).await?;
    Ok(decided)
}

fn already_applied() -> Failure<Code> {
    Failure::refused(Code::AlreadyApplied, eligibility::ALREADY_APPLIED)
}

/// The partnership this partner has, or had, in the program.
async fn find_partnership_in_tx(tx: &DatabaseTransaction, command: &Apply) -> Result<Option<partnership::Model>> {
    Ok(partnership::Entity::find()
        .filter(partnership::Column::ProgramId.eq(command.program))
        .filter(partnership::Column::PartnerId.eq(command.partner))
        .one(tx)
        .await?)
}

async fn find_referrer_in_tx(
    tx: &DatabaseTransaction,
    command: &Apply,
    own: Option<&partnership::Model>,
    typed: &str,
) -> Result<PartnershipId> {
    let unknown = || {
        Failure::refused_field(
            Code::ReferralCodeUnknown,
            "referralCode",
            "no active partnership of this program has this referral code",
        )
    };
    let code = rules::read_referral_code(typed).ok_or_else(unknown)?;
    let referrer = partnership::Entity::find()
        .filter(partnership::Column::ReferralCode.eq(code))
        .filter(partnership::Column::ProgramId.eq(command.program))
        .filter(partnership::Column::State.eq(PartnershipState::Active))
        .one(tx)
        .await?
        .ok_or_else(unknown)?;
    if referrer.partner_id == command.partner {
        return Err(Failure::refused_field(
            Code::ReferralCodeOwn,
            "referralCode",
            "nobody recruits themselves",
        ));
    }
    let upline = tree::upline_below_in_tx(tx, referrer.id).await?;
    // Whoever comes back may have recruited before.
    let own = own.map(|row| row.id);
    if upline.iter().any(|(_, ancestor)| Some(*ancestor) == own) {
        return Err(Failure::refused_field(
            Code::ReferralCycle,
            "referralCode",
            "this partner was recruited below the one who applies",
        ));
    }
    if !rules::fits(&upline, 0) {
        return Err(Failure::refused_field(
            Code::ReferralTooDeep,
            "referralCode",
            format!("the referral tree is at most {} levels deep", rules::MAX_DEPTH),
        ));
    }
    Ok(referrer.id)
}
