//! Marking a payout as paid, and the commissions it paid with it.

use std::collections::HashMap;

use entity::{
    commission::{self, CommissionState},
    ids::{CommissionId, PayoutId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    payout::{self, PayoutState},
    payout_item,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{Code, Fingerprint, Result, Started, lock_in_tx, move_in_tx, posting, start_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    error::{Failure, Fault},
    idempotency::{Key, Outcome},
    ledger::post,
    outbox::{self, Fact, Topic},
};

const MAX_REFERENCE_CHARS: usize = 100;

/// Records that a person has paid an approved payout, with the bank's reference.
pub async fn mark_payout_paid(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    reference: &str,
    key: &Key,
) -> Result<Outcome<payout::Model>> {
    let reference = reference.trim();
    if reference.is_empty()
        || reference.chars().count() > MAX_REFERENCE_CHARS
        || reference.chars().any(char::is_control)
    {
        return Err(Failure::refused_field(
            Code::ReferenceInvalid,
            "reference",
            "a reference has 1 to 100 characters",
        ));
    }
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::MarkPayoutPaid, id).await?;
    let fingerprint = Fingerprint {
        subject: id.to_string(),
        detail: reference.to_owned(),
    };
    let pending = match start_in_tx(&tx, app, row.brand_id, "markPayoutPaid", key, &fingerprint).await? {
        Started::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome {
                value: *value,
                replayed: true,
            });
        }
        Started::Fresh(pending) => pending,
    };
    row.reference = Some(reference.to_owned());
    move_in_tx(
        &tx,
        app,
        actor,
        &mut row,
        &[PayoutState::Approved],
        PayoutState::Paid,
        None,
    )
    .await?;
    settle_commissions_in_tx(&tx, app, &row).await?;
    post::post_in_tx(
        &tx,
        app,
        vec![posting(
            app,
            &row,
            "paid",
            TransferKind::PayoutPaid,
            [
                (LedgerAccountKind::InTransit, -row.amount_minor),
                (LedgerAccountKind::CashBank, row.amount_minor),
            ],
        )?],
    )
    .await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// Adds a paid payout's items to their commissions; what is paid in full becomes PAID.
async fn settle_commissions_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &payout::Model,
) -> std::result::Result<(), Fault> {
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::PayoutId.eq(row.id))
        .all(tx)
        .await?;
    let mut amounts: HashMap<CommissionId, i64> = HashMap::new();
    for item in &items {
        if let Some(commission) = item.commission_id {
            *amounts.entry(commission).or_default() += item.amount_minor;
        }
    }
    let commissions = commission::Entity::find()
        .filter(commission::Column::Id.is_in(amounts.keys().copied()))
        .order_by_asc(commission::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    let mut facts = Vec::new();
    for commission in commissions {
        let paid_minor = commission.paid_minor + amounts.get(&commission.id).copied().unwrap_or(0);
        // What was kept in reserve follows by itself when it is released.
        let owed = commission.amount_minor - commission.reserve_minor - commission.reversed_minor;
        let is_paid = commission.state == CommissionState::InPayout && paid_minor >= owed;
        if is_paid {
            facts.push(Fact {
                topic: Topic::CommissionPaid,
                brand: Some(commission.brand_id),
                partner: Some(commission.partner_id),
                subject: commission.id.0,
                payload: json!({ "payout": row.id.to_string() }),
            });
        }
        commission::Entity::update(commission::ActiveModel {
            id: Set(commission.id),
            paid_minor: Set(paid_minor),
            state: Set(if is_paid {
                CommissionState::Paid
            } else {
                commission.state
            }),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    outbox::enqueue_all_in_tx(tx, app, facts).await?;
    Ok(())
}
