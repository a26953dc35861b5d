//! Approving and rejecting what is pending.

use entity::{
    brand,
    commission::{self, CommissionState},
    ids::{BrandId, ConversionId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};

use super::{lock_of_conversion_in_tx, post_and_announce_in_tx, posting};
use crate::{app::App, commissions::rules, error::Fault};

/// Approves the pending commissions of a conversion: the reserve is put aside, the rest becomes available.
pub async fn approve_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    conversion: ConversionId,
) -> Result<(), Fault> {
    let reserve_ppm = brand::Entity::find_by_id(brand)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::new("a conversion without its brand"))?
        .reserve_ppm;
    let now = app.clock.now();
    let mut postings = Vec::new();
    for row in lock_of_conversion_in_tx(tx, conversion).await? {
        if row.state != CommissionState::Pending {
            continue;
        }
        let left = row.amount_minor - row.reversed_minor;
        let reserve = rules::reserve_of(left, reserve_ppm);
        postings.extend(posting(
            &row,
            "approved",
            TransferKind::CommissionApproved,
            now,
            [
                (LedgerAccountKind::Pending, -left),
                (LedgerAccountKind::Reserve, reserve),
                (LedgerAccountKind::Available, left - reserve),
            ],
        )?);
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(CommissionState::Approved),
            reserve_minor: Set(reserve),
            reserve_left_minor: Set(reserve),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    post_and_announce_in_tx(tx, app, postings).await
}

/// Rejects the pending commissions of a conversion: what they still held goes back to the brand.
pub async fn reject_in_tx(tx: &DatabaseTransaction, app: &App, conversion: ConversionId) -> Result<(), Fault> {
    let now = app.clock.now();
    let mut postings = Vec::new();
    for row in lock_of_conversion_in_tx(tx, conversion).await? {
        if row.state != CommissionState::Pending {
            continue;
        }
        let left = row.amount_minor - row.reversed_minor;
        postings.extend(posting(
            &row,
            "rejected",
            TransferKind::CommissionRejected,
            now,
            [
                (LedgerAccountKind::Pending, -left),
                (LedgerAccountKind::CommissionExpense, left),
            ],
        )?);
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(CommissionState::Rejected),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    post_and_announce_in_tx(tx, app, postings).await
}
