//! What becomes of applications and partnerships: one guarded transition each.

use entity::{
    application::{self, ApplicationState, ReapplyPolicy, RejectionReason},
    ids::{ApplicationId, PartnershipId},
    partnership::{self, PartnershipState},
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::OnConflict,
};
use serde_json::json;

use super::{Result, lock_application_in_tx, lock_partnership_in_tx, tree};
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
const MAX_REASON_CHARS: usize = 500;
/// Referral codes tried before giving up: with 32⁸ of them the first one is free.
const MAX_CODE_ATTEMPTS: usize = 5;

/// Approves an application: the partner is in, below whoever recruited it.
pub async fn approve_application(app: &App, actor: &Actor, id: ApplicationId) -> Result<application::Model> {
    let tx = app.db.begin().await?;
    let row = lock_application_in_tx(&tx, actor, Operation::ApproveApplication, id).await?;
    // The tree must not move while the new leaf is hung into it.
    programs::lock_program_in_tx(&tx, row.program_id).await?;
    let decided = application::Model {
        state: ApplicationState::Approved,
        ..row.clone()
    };
    let decided = settle_in_tx(&tx, app, actor, &row, decided, "application.approved").await?;
    open_partnership_in_tx(&tx, app, actor, &decided).await?;
    app.commit(tx).await?;
    Ok(decided)
}

pub struct Rejection {
    pub reason: RejectionReason,
    pub note: Option<String>,
    pub reapply_policy: ReapplyPolicy,
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
    let decided = application::Model {
        state: ApplicationState::Rejected,
        rejection_reason: Some(rejection.reason),
        rejection_note: rejection.note,
        reapply_policy: Some(rejection.reapply_policy),
        ..row.clone()
    };
    let decided = settle_in_tx(&tx, app, actor, &row, decided, "application.rejected").await?;
    app.commit(tx).await?;
    Ok(decided)
}

/// The one way out of an open application: stores what was decided, and says so to the audit log and the outside.
pub(super) async fn settle_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &application::Model,
    decided: application::Model,
    action: &'static str,
) -> Result<application::Model> {
    if !matches!(row.state, ApplicationState::Submitted | ApplicationState::InReview) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!(
                "an application cannot go from {} to {}",
                row.state.to_value(),
                decided.state.to_value()
            ),
        ));
    }
    let decided = application::Model {
        decided_at: Some(app.clock.now()),
        ..decided
    };
    application::Entity::update(application::ActiveModel {
        id: Set(row.id),
        state: Set(decided.state),
        decided_at: Set(decided.decided_at),
        rejection_reason: Set(decided.rejection_reason),
        rejection_note: Set(decided.rejection_note.clone()),
        reapply_policy: Set(decided.reapply_policy),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let change = Change::of_state(
        row.brand_id,
        action,
        row.id,
        &row.state,
        &decided.state,
        decided.rejection_note.as_deref(),
    );
    audit::record_in_tx(tx, app, actor, change).await?;
    outbox::enqueue_in_tx(
        tx,
        app,
        Fact {
            topic: Topic::ApplicationDecided,
            brand: row.brand_id,
            partner: Some(row.partner_id),
            subject: row.id.0,
            payload: json!({ "state": decided.state.to_value() }),
        },
    )
    .await?;
    Ok(decided)
}

async fn open_partnership_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    application: &application::Model,
) -> Result<()> {
    let upline = match application.referrer_id {
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
        program_id: application.program_id,
        brand_id: application.brand_id,
        partner_id: application.partner_id,
        state: PartnershipState::Active,
        referral_code: new_referral_code_in_tx(tx, app).await?,
        referrer_id: application.referrer_id,
        application_id: Some(application.id),
        created_at: now,
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
    Ok(())
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

pub async fn suspend_partnership(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    reason: &str,
) -> Result<partnership::Model> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::refused_field(
            Code::ReasonInvalid,
            "reason",
            format!("a reason has 1 to {MAX_REASON_CHARS} characters"),
        ));
    }
    let transition = Transition {
        operation: Operation::SuspendPartnership,
        action: "partnership.suspended",
        from: PartnershipState::Active,
        to: PartnershipState::Suspended,
        reason: Some(reason),
    };
    change_state(app, actor, id, transition).await
}

pub async fn reactivate_partnership(app: &App, actor: &Actor, id: PartnershipId) -> Result<partnership::Model> {
    let transition = Transition {
        operation: Operation::ReactivatePartnership,
        action: "partnership.reactivated",
        from: PartnershipState::Suspended,
        to: PartnershipState::Active,
        reason: None,
    };
    change_state(app, actor, id, transition).await
}

struct Transition<'a> {
    operation: Operation,
    action: &'static str,
    from: PartnershipState,
    to: PartnershipState,
    reason: Option<&'a str>,
}

async fn change_state(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    transition: Transition<'_>,
) -> Result<partnership::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_partnership_in_tx(&tx, actor, transition.operation, id).await?;
    if row.state != transition.from {
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!(
                "a partnership cannot go from {} to {}",
                row.state.to_value(),
                transition.to.to_value()
            ),
        ));
    }
    row.state = transition.to;
    partnership::Entity::update(partnership::ActiveModel {
        id: Set(id),
        state: Set(row.state),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change::of_state(
        row.brand_id,
        transition.action,
        id,
        &transition.from,
        &transition.to,
        transition.reason,
    );
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}
