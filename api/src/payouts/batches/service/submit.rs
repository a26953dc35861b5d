//! Handing a released batch over: what is sent to providers is written down, and sent by `sending` afterwards.

use std::collections::BTreeMap;

use entity::{
    TenantScoped,
    ids::{PayoutBatchId, PayoutMethodId, TypedId},
    payout::{self, PayoutRail, PayoutState},
    payout_batch::{self, PayoutBatchState},
    payout_method,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};

use super::{Code, Result, announce_all_in_tx, check_move, do_once, lock_payouts_in_tx, move_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure, Fault},
    idempotency::{Key, Outcome},
    infra::{db::INSERT_CHUNK, rails::RailKind},
    ledger::balances,
    payouts::{
        rails::{self, Connection},
        sending::{self, Handed},
        service::{
            Doing,
            settle::{Undone, undo_in_tx},
        },
    },
    queue,
};

/// Hands an approved batch over to its rails. What no provider would take comes back at once, with what is wrong with it.
pub async fn submit_batch(
    app: &App,
    actor: &Actor,
    id: PayoutBatchId,
    key: &Key,
) -> Result<Outcome<payout_batch::Model>> {
    let connections = open_rails(app, actor, id).await?;
    let doing = Doing {
        permission: Operation::SubmitPayoutBatch,
        name: "submitPayoutBatch",
        detail: "",
        key,
    };
    do_once(app, actor, id, doing, async |tx, row| {
        submit_in_tx(tx, app, actor, row, &connections).await
    })
    .await
}

async fn submit_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout_batch::Model,
    connections: &BTreeMap<RailKind, Connection>,
) -> Result<()> {
    check_move(row, &[PayoutBatchState::Approved], PayoutBatchState::Submitted)?;
    let payouts = lock_payouts_in_tx(tx, row.id, &[PayoutState::Approved]).await?;
    if payouts.is_empty() {
        return Err(Failure::refused(Code::BatchEmpty, "every payout of it was taken back"));
    }
    let methods = methods_of(tx, &payouts).await?;
    let mut by_rail: BTreeMap<PayoutRail, Vec<payout::Model>> = BTreeMap::new();
    for payout in payouts {
        by_rail.entry(payout.rail).or_default().push(payout);
    }
    let mut failing = Vec::new();
    for (rail, payouts) in by_rail {
        let Some(kind) = sending::provider(rail) else {
            hand_over_in_tx(tx, app, &payouts, None).await?;
            continue;
        };
        let connection = connections.get(&kind).ok_or_else(|| not_connected(kind))?;
        let handed = sending::prepare_in_tx(tx, app, row, connection, &payouts, &methods).await?;
        let Handed { requests, rejected } = handed;
        for (request, ids) in requests {
            let of_request: Vec<payout::Model> = payouts
                .iter()
                .filter(|payout| ids.contains(&payout.id))
                .cloned()
                .collect();
            hand_over_in_tx(tx, app, &of_request, Some(request)).await?;
        }
        let why = |payout: payout::Model| Some((rejected.get(&payout.id)?.clone(), payout));
        failing.extend(payouts.into_iter().filter_map(why));
    }
    fail_in_tx(tx, app, actor, failing).await?;
    move_in_tx(tx, app, actor, row, PayoutBatchState::Submitted, None).await?;
    queue::enqueue_in_tx(tx, app, sending::job()).await?;
    Ok(())
}

/// What the batch's brand pays through now.
async fn open_rails(app: &App, actor: &Actor, id: PayoutBatchId) -> Result<BTreeMap<RailKind, Connection>> {
    let batch = payout_batch::Entity::find_within(&actor.reach())
        .filter(payout_batch::Column::Id.eq(id))
        .one(app.db.read())
        .await?
        .ok_or_else(|| ApiError::not_found("payout batch"))?;
    actor.authorise(Operation::SubmitPayoutBatch, Place::brand(batch.brand_id))?;
    let mut opened = BTreeMap::new();
    for (kind, holder) in rails::connected(app, app.db.read(), batch.brand_id).await? {
        if let Some(connection) = rails::open(app, holder, kind).await? {
            opened.insert(kind, connection);
        }
    }
    Ok(opened)
}

fn not_connected(kind: RailKind) -> Failure<Code> {
    Failure::refused(
        Code::RailNotConnected,
        format!(
            "{} is not connected any more: connect it, or cancel this batch",
            kind.as_str()
        ),
    )
}

/// Where these payouts go; a method that was taken away since still says it.
async fn methods_of(
    tx: &DatabaseTransaction,
    payouts: &[payout::Model],
) -> std::result::Result<BTreeMap<PayoutMethodId, payout_method::Model>, Fault> {
    let ids: Vec<PayoutMethodId> = payouts.iter().filter_map(|payout| payout.payout_method_id).collect();
    let mut methods = BTreeMap::new();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let rows = payout_method::Entity::find()
            .filter(payout_method::Column::Id.is_in(chunk.iter().copied()))
            .all(tx)
            .await?;
        methods.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(methods)
}

async fn hand_over_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    payouts: &[payout::Model],
    request: Option<entity::ids::PayoutRequestId>,
) -> std::result::Result<(), Fault> {
    for chunk in payouts.chunks(INSERT_CHUNK) {
        let ids = chunk.iter().map(|payout| payout.id);
        payout::Entity::update_many()
            .col_expr(payout::Column::State, Expr::value(PayoutState::Submitted))
            .col_expr(payout::Column::SubmittedAt, Expr::value(app.clock.now()))
            .col_expr(payout::Column::RequestId, Expr::value(request.map(|id| id.uuid())))
            .filter(payout::Column::Id.is_in(ids))
            .exec(tx)
            .await?;
    }
    announce_all_in_tx(tx, app, payouts, PayoutState::Submitted).await?;
    Ok(())
}

/// Takes back what no provider would take, each with the code and the words why.
async fn fail_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    failing: Vec<((String, String), payout::Model)>,
) -> std::result::Result<(), Fault> {
    balances::lock_all_available_in_tx(tx, failing.iter().map(|(_, payout)| payout.partnership_id)).await?;
    for ((code, message), mut payout) in failing {
        payout.failure_code = Some(code);
        payout.failure_reason = Some(message.clone());
        undo_in_tx(tx, app, actor, &mut payout, Undone::Failed, Some(&message), None).await?;
    }
    Ok(())
}
