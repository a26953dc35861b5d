//! What becomes of applications.

use entity::{
    admission_policy::AskAgain,
    application::{self, ApplicationState, ReapplyPolicy, RejectionReason},
    ids::{ApplicationId, BrandId, PartnerGroupId, PartnerId, PartnershipId, ProgramId},
    partnership::{self, PartnershipState},
    program::{self, ProgramState},
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{LockType, OnConflict},
};
use serde_json::json;

use super::{Result, check_reason, lock_application_in_tx, offer, standing, tree};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    outbox::{self, Fact, Topic},
    partnerships::{error::PartnershipErrorCode as Code, rules},
    programs::service as programs,
};

const MAX_NOTE_CHARS: usize = 1_000;
/// Referral codes tried before giving up: with 32⁸ of them the first one is free.
const MAX_CODE_ATTEMPTS: usize = 5;

/// Says that somebody is looking at an application.
pub async fn start_application_review(
    app: &App,
    actor: &Actor,
    id: ApplicationId,
    reason: Option<&str>,
) -> Result<application::Model> {
    let reason = reason.map(|reason| check_reason(reason, "reason")).transpose()?;
    let tx = app.db.begin().await?;
    let row = lock_application_in_tx(&tx, actor, Operation::StartApplicationReview, id).await?;
    let wanted = application::Model {
        state: ApplicationState::InReview,
        ..row.clone()
    };
    let row = change_state_in_tx(&tx, app, actor, &row, wanted, "application.review_started", reason).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Approves an application: the partner is in, below whoever recruited it.
pub async fn approve_application(
    app: &App,
    actor: &Actor,
    id: ApplicationId,
    reason: Option<&str>,
) -> Result<application::Model> {
    let reason = reason.map(|reason| check_reason(reason, "reason")).transpose()?;
    let tx = app.db.begin().await?;
    let row = lock_application_in_tx(&tx, actor, Operation::ApproveApplication, id).await?;
    offer::refuse_open_offer_in_tx(&tx, id).await?;
    // The tree must not move while the new leaf is hung into it.
    let program = lock_program_in_tx(&tx, row.program_id).await?;
    let wanted = application::Model {
        state: ApplicationState::Approved,
        ..row.clone()
    };
    let decided = change_state_in_tx(&tx, app, actor, &row, wanted, "application.approved", reason).await?;
    if program.state != ProgramState::Active {
        return Err(Failure::refused(
            Code::ProgramNotOpen,
            format!("the program is {}: nobody joins it now", program.state.to_value()),
        ));
    }
    open_partnership_in_tx(&tx, app, actor, &Joining::by(&decided, program.default_group_id)).await?;
    app.commit(tx).await?;
    Ok(decided)
}

pub(super) async fn lock_program_in_tx(tx: &DatabaseTransaction, id: ProgramId) -> Result<program::Model> {
    programs::lock_program_in_tx(tx, id)
        .await?
        .ok_or_else(|| ApiError::internal("an application without its program").into())
}

pub struct Rejection {
    pub reason: RejectionReason,
    pub note: Option<String>,
    /// Absent: as the program says.
    pub reapply_policy: Option<ReapplyPolicy>,
}

pub async fn reject_application(
    app: &App,
    actor: &Actor,
    id: ApplicationId,
    rejection: Rejection,
) -> Result<application::Model> {
    let tx = app.db.begin().await?;
    let row = lock_application_in_tx(&tx, actor, Operation::RejectApplication, id).await?;
    if rejection
        .note
        .as_ref()
        .is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS)
    {
        return Err(Failure::refused_field(
            Code::NoteTooLong,
            "note",
            format!("a note has at most {MAX_NOTE_CHARS} characters"),
        ));
    }
    // Where the program says nothing, nothing is kept open that it could say later.
    let policy = programs::list_admissions_in_tx(&tx, &[row.program_id]).await?;
    let says_nothing = policy
        .get(&row.program_id)
        .is_none_or(|policy| policy.after_rejection == AskAgain::AtOnce);
    let decided = application::Model {
        state: ApplicationState::Rejected,
        rejection_reason: Some(rejection.reason),
        rejection_note: rejection.note,
        reapply_policy: rejection
            .reapply_policy
            .or(says_nothing.then_some(ReapplyPolicy::AtOnce)),
        ..row.clone()
    };
    let said = rejection_reason(&decided);
    let decided = change_state_in_tx(&tx, app, actor, &row, decided, "application.rejected", said.as_deref()).await?;
    app.commit(tx).await?;
    Ok(decided)
}

/// What the audit log keeps of a rejection: why, and the note.
fn rejection_reason(decided: &application::Model) -> Option<String> {
    let reason = decided.rejection_reason?.to_value();
    Some(match &decided.rejection_note {
        Some(note) => format!("{reason}: {note}"),
        None => reason,
    })
}

/// The only place where an application's state changes; it says so to the audit log and the outside.
pub(super) async fn change_state_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &application::Model,
    wanted: application::Model,
    action: &'static str,
    reason: Option<&str>,
) -> Result<application::Model> {
    if !rules::may_go(row.state, wanted.state) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            audit::impossible("an application", &row.state, &wanted.state),
        ));
    }
    let is_open = wanted.state == ApplicationState::InReview;
    let wanted = application::Model {
        decided_at: (!is_open).then(|| app.clock.now()),
        ..wanted
    };
    application::Entity::update(application::ActiveModel {
        id: Set(row.id),
        state: Set(wanted.state),
        decided_at: Set(wanted.decided_at),
        rejection_reason: Set(wanted.rejection_reason),
        rejection_note: Set(wanted.rejection_note.clone()),
        reapply_policy: Set(wanted.reapply_policy),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let change = Change::of_state(row.brand_id, action, row.id, &row.state, &wanted.state, reason);
    audit::record_in_tx(tx, app, actor, change).await?;
    outbox::enqueue_in_tx(
        tx,
        app,
        Fact {
            topic: if is_open {
                Topic::ApplicationInReview
            } else {
                Topic::ApplicationDecided
            },
            brand: Some(row.brand_id),
            partner: Some(row.partner_id),
            subject: row.id.0,
            payload: json!({ "state": wanted.state.to_value() }),
        },
    )
    .await?;
    Ok(wanted)
}

/// A partner who comes into a program: by an application that is approved, or by an invitation that is accepted.
pub(super) struct Joining {
    pub program: ProgramId,
    pub brand: BrandId,
    pub partner: PartnerId,
    /// Who recruited it.
    pub referrer: Option<PartnershipId>,
    pub application: Option<ApplicationId>,
    /// Where a new partnership comes to; an ended one has the group it left with.
    pub group: Option<PartnerGroupId>,
}

impl Joining {
    pub(super) fn by(application: &application::Model, group: Option<PartnerGroupId>) -> Self {
        Self {
            program: application.program_id,
            brand: application.brand_id,
            partner: application.partner_id,
            referrer: application.referrer_id,
            application: Some(application.id),
            group,
        }
    }
}

/// The partnership of who comes in: a new one, or the partner's ended one again. The program is locked.
pub(super) async fn open_partnership_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    joining: &Joining,
) -> Result<partnership::Model> {
    let known = partnership::Entity::find()
        .filter(partnership::Column::ProgramId.eq(joining.program))
        .filter(partnership::Column::PartnerId.eq(joining.partner))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    if let Some(known) = known {
        // When it may ask again was decided as it asked; by now it may have been banned.
        standing::may_ask_again(&known)?;
        return standing::rejoin_in_tx(tx, app, actor, known, joining).await;
    }
    let upline = match joining.referrer {
        Some(referrer) => tree::upline_below_in_tx(tx, referrer).await?,
        None => Vec::new(),
    };
    // The recruiter may have been moved down since the application was sent.
    if !rules::fits(&upline, 0) {
        return Err(Failure::refused(
            Code::ReferralTooDeep,
            format!(
                "the recruiter already stands {} levels deep; move it up first",
                rules::MAX_DEPTH
            ),
        ));
    }
    let now = app.clock.now();
    let row = partnership::Model {
        id: app.ids.new_id(now),
        program_id: joining.program,
        brand_id: joining.brand,
        partner_id: joining.partner,
        state: PartnershipState::Active,
        referral_code: new_referral_code_in_tx(tx, app).await?,
        referrer_id: joining.referrer,
        application_id: joining.application,
        group_id: joining.group,
        created_at: now,
        state_since: Some(now),
        ended_by: None,
        ban_reason: None,
        reapply_policy: None,
        payouts_held_at: None,
        payouts_held_for: None,
    };
    let one_per_program = OnConflict::columns([partnership::Column::ProgramId, partnership::Column::PartnerId])
        .do_nothing()
        .to_owned();
    let inserted = partnership::Entity::insert(partnership::ActiveModel::from(row.clone()))
        .on_conflict(one_per_program)
        .exec_without_returning(tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused(Code::AlreadyPartner, "this partner is in the program"));
    }
    tree::attach_in_tx(tx, row.id, &upline).await?;
    let change = Change::of_fact(row.brand_id, "partnership.created", row.id);
    audit::record_in_tx(tx, app, actor, change).await?;
    standing::announce_in_tx(tx, app, &row).await?;
    Ok(row)
}

async fn new_referral_code_in_tx(tx: &DatabaseTransaction, app: &App) -> Result<String> {
    for _ in 0..MAX_CODE_ATTEMPTS {
        let code = rules::referral_code(app.ids.secret());
        let taken = partnership::Entity::find()
            .filter(partnership::Column::ReferralCode.eq(&code))
            .count(tx)
            .await?;
        if taken == 0 {
            return Ok(code);
        }
    }
    Err(ApiError::internal("no free referral code found").into())
}
