//! What becomes of a partnership: suspended, ended, left, banned, and back again.

use entity::{
    ids::PartnershipId,
    partnership::{self, BanReason, EndedBy, PartnershipState, ReapplyPolicy},
};
use sea_orm::{ActiveEnum, ActiveValue::Set, DatabaseTransaction, EntityTrait};
use serde_json::json;

use super::{Result, check_reason, decide::Joining, lock_partnership_in_tx, tree};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::Failure,
    outbox::{self, Fact, Topic},
    partnerships::{error::PartnershipErrorCode as Code, rules::Step},
};

pub async fn suspend_partnership(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    reason: &str,
) -> Result<partnership::Model> {
    let wanted = Wanted::plain(Step::Suspend);
    change_state(app, actor, Operation::SuspendPartnership, id, wanted, Some(reason)).await
}

pub async fn reactivate_partnership(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    reason: Option<&str>,
) -> Result<partnership::Model> {
    let wanted = Wanted::plain(Step::Reactivate);
    change_state(app, actor, Operation::ReactivatePartnership, id, wanted, reason).await
}

/// Ends a partnership in the brand's name. What it earned stays its own.
pub async fn end_partnership(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    reapply_policy: ReapplyPolicy,
    reason: Option<&str>,
) -> Result<partnership::Model> {
    let wanted = Wanted {
        ended_by: Some(EndedBy::Brand),
        reapply_policy: Some(reapply_policy),
        ..Wanted::plain(Step::End)
    };
    change_state(app, actor, Operation::EndPartnership, id, wanted, reason).await
}

/// Ends a partnership in the partner's name; it may apply again at once.
pub async fn leave_program(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    reason: Option<&str>,
) -> Result<partnership::Model> {
    let wanted = Wanted {
        ended_by: Some(EndedBy::Partner),
        ..Wanted::plain(Step::Leave)
    };
    change_state(app, actor, Operation::LeaveProgram, id, wanted, reason).await
}

/// Throws a partner out of a program for good.
pub async fn ban_partnership(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    ban_reason: BanReason,
    note: Option<&str>,
) -> Result<partnership::Model> {
    let wanted = Wanted {
        ban_reason: Some(ban_reason),
        ..Wanted::plain(Step::Ban)
    };
    change_state(app, actor, Operation::BanPartnership, id, wanted, note).await
}

/// Brings an ended partnership back, as its partner comes in again. It is the same one: its balances, a debt too,
/// its links, codes and customers are its own again, and it keeps its place in the tree unless the applicant named another
/// recruiter.
pub(super) async fn rejoin_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    mut row: partnership::Model,
    joining: &Joining,
) -> Result<partnership::Model> {
    if let Some(referrer) = joining.referrer
        && row.referrer_id != Some(referrer)
    {
        row = tree::move_in_tx(tx, app, actor, &row, Some(referrer), "id").await?;
    }
    let row = change_state_in_tx(tx, app, actor, row, Wanted::plain(Step::Rejoin), None).await?;
    let application_id = joining.application.or(row.application_id);
    partnership::Entity::update(partnership::ActiveModel {
        id: Set(row.id),
        application_id: Set(application_id),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(partnership::Model { application_id, ..row })
}

/// A step, and what is kept with the state it leads to.
struct Wanted {
    step: Step,
    ended_by: Option<EndedBy>,
    ban_reason: Option<BanReason>,
    reapply_policy: Option<ReapplyPolicy>,
}

impl Wanted {
    fn plain(step: Step) -> Self {
        Self {
            step,
            ended_by: None,
            ban_reason: None,
            reapply_policy: None,
        }
    }

    /// The input field that holds what was said.
    fn reason_field(&self) -> &'static str {
        if self.ban_reason.is_some() { "note" } else { "reason" }
    }
}

async fn change_state(
    app: &App,
    actor: &Actor,
    operation: Operation,
    id: PartnershipId,
    wanted: Wanted,
    reason: Option<&str>,
) -> Result<partnership::Model> {
    let reason = reason
        .map(|reason| check_reason(reason, wanted.reason_field()))
        .transpose()?;
    let tx = app.db.begin().await?;
    let row = lock_partnership_in_tx(&tx, actor, operation, id).await?;
    let row = change_state_in_tx(&tx, app, actor, row, wanted, reason).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// The only place where a partnership's state changes.
async fn change_state_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: partnership::Model,
    wanted: Wanted,
    reason: Option<&str>,
) -> Result<partnership::Model> {
    let (from, to) = (row.state, wanted.step.leads_to());
    if !wanted.step.starts().contains(&from) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            audit::impossible("a partnership", &from, &to),
        ));
    }
    let row = partnership::Model {
        state: to,
        state_since: Some(app.clock.now()),
        ended_by: wanted.ended_by,
        ban_reason: wanted.ban_reason,
        reapply_policy: wanted.reapply_policy,
        ..row
    };
    partnership::Entity::update(partnership::ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        state_since: Set(row.state_since),
        ended_by: Set(row.ended_by),
        ban_reason: Set(row.ban_reason),
        reapply_policy: Set(row.reapply_policy),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let reason = reason_of(wanted.ban_reason, reason);
    let change = Change::of_state(
        row.brand_id,
        wanted.step.action(),
        row.id,
        &from,
        &to,
        reason.as_deref(),
    );
    audit::record_in_tx(tx, app, actor, change).await?;
    announce_in_tx(tx, app, &row).await?;
    Ok(row)
}

/// What the audit log keeps: what a partner was banned for, and whatever was said besides.
fn reason_of(banned_for: Option<BanReason>, said: Option<&str>) -> Option<String> {
    match (banned_for.map(|reason| reason.to_value()), said) {
        (Some(reason), Some(said)) => Some(format!("{reason}: {said}")),
        (Some(reason), None) => Some(reason),
        (None, said) => said.map(str::to_owned),
    }
}

/// Tells the outside what state a partnership is in now.
pub(super) async fn announce_in_tx(tx: &DatabaseTransaction, app: &App, row: &partnership::Model) -> Result<()> {
    let fact = Fact {
        topic: Topic::PartnershipChanged,
        brand: Some(row.brand_id),
        partner: Some(row.partner_id),
        subject: row.id.0,
        payload: json!({ "state": row.state.to_value() }),
    };
    outbox::enqueue_in_tx(tx, app, fact).await?;
    Ok(())
}

/// Whether a partnership lets its partner stay, wait or ask again.
pub(super) fn may_ask_again(row: &partnership::Model) -> std::result::Result<ReapplyPolicy, Failure<Code>> {
    match row.state {
        PartnershipState::Active | PartnershipState::Suspended => {
            Err(Failure::refused(Code::AlreadyPartner, "this partner is in the program"))
        }
        PartnershipState::Banned => Err(Failure::refused(
            Code::PartnerBanned,
            "this partner was banned from the program",
        )),
        PartnershipState::Ended => Ok(row.reapply_policy.unwrap_or(ReapplyPolicy::AtOnce)),
    }
}
