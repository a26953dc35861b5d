//! Commissions in the transactions of conversions. What they earn (`tariff`), writing it (`accrue`), approving and rejecting it
//! (`decide`), refunds and amendments (`settle`), and what was kept in reserve (`release`); here what all of them share.

mod accrue;
mod decide;
mod release;
mod settle;
mod tariff;

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped,
    api_key::ApiKeyMode,
    commission::{self, CommissionState},
    ids::{BrandId, ConversionId, PartnerId, PartnershipId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

pub(super) use self::tariff::standing_of;
pub use self::{
    accrue::{Accrual, accrue_in_tx},
    decide::{approve_in_tx, reject_in_tx},
    release::{release_all_in_tx, release_due},
    settle::{Measure, Measures, raise_base_in_tx, settle_in_tx},
    tariff::{Assessed, Credited, Tariff, accepted_currencies, hold_until},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Fault},
    ledger::{
        balances,
        post::{self, Line, Owner, Posting},
    },
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
};

/// A transfer between accounts of a commission's partnership and its brand; `cause` makes the key unique. A commission that
/// only shows what would be earned moves nothing: this is the one place where that is asked.
fn posting<const N: usize>(
    row: &commission::Model,
    cause: &str,
    kind: TransferKind,
    occurred_at: DateTime<Utc>,
    lines: [(LedgerAccountKind, i64); N],
) -> Result<Option<Posting>, Fault> {
    if row.mode == ApiKeyMode::Test {
        return Ok(None);
    }
    let partnership = Owner::Partnership {
        partnership: row.partnership_id,
        partner: row.partner_id,
    };
    let line = |(kind, amount_minor): (LedgerAccountKind, i64)| Line {
        owner: if kind == LedgerAccountKind::CommissionExpense {
            Owner::Brand
        } else {
            partnership
        },
        kind,
        amount_minor,
    };
    Ok(Some(Posting {
        key: format!("{}:{cause}", row.id),
        kind,
        brand: row.brand_id,
        currency: row.currency.parse().map_err(Fault::new)?,
        commission: Some(row.id),
        payout: None,
        adjustment: None,
        redemption: None,
        occurred_at,
        lines: lines.map(line).to_vec(),
    }))
}

/// Posts, and tells the partners whose commissions moved.
async fn post_and_announce_in_tx(tx: &DatabaseTransaction, app: &App, postings: Vec<Posting>) -> Result<(), Fault> {
    let facts = postings.iter().filter_map(fact_of).collect();
    post::post_in_tx(tx, app, postings).await?;
    outbox::enqueue_all_in_tx(tx, app, facts).await?;
    Ok(())
}

fn fact_of(posting: &Posting) -> Option<Fact> {
    let topic = match posting.kind {
        TransferKind::CommissionAccrued => Topic::CommissionAccrued,
        TransferKind::CommissionApproved => Topic::CommissionApproved,
        TransferKind::CommissionRejected => Topic::CommissionRejected,
        TransferKind::CommissionReversed | TransferKind::CommissionClawedBack => Topic::CommissionReversed,
        TransferKind::CommissionRestored => Topic::CommissionRestored,
        TransferKind::ReserveReleased => Topic::CommissionReleased,
        TransferKind::PayoutRequested
        | TransferKind::PayoutPaid
        | TransferKind::PayoutCancelled
        | TransferKind::PayoutFailed
        | TransferKind::PayoutReturned
        | TransferKind::PayoutFeeCharged
        | TransferKind::PayoutFeeRefunded
        | TransferKind::RailFunded
        | TransferKind::BalanceCorrected
        | TransferKind::PenaltyCharged
        | TransferKind::DebtWrittenOff
        | TransferKind::StoreCreditGiven
        | TransferKind::StoreCreditRedeemed => return None,
    };
    let partner = posting.lines.iter().find_map(|line| match line.owner {
        Owner::Partnership { partner, .. } => Some(partner),
        Owner::Customer { .. } | Owner::Brand => None,
    });
    Some(Fact {
        topic,
        brand: Some(posting.brand),
        partner,
        subject: posting.commission?.0,
        payload: json!({}),
    })
}

/// The commissions of a conversion by level and line, locked until the transaction ends; their partnerships' available balances
/// first.
pub async fn lock_of_conversion_in_tx(
    tx: &DatabaseTransaction,
    conversion: ConversionId,
) -> Result<Vec<commission::Model>, Fault> {
    let partnerships: Vec<PartnershipId> = commission::Entity::find()
        .select_only()
        .distinct()
        .column(commission::Column::PartnershipId)
        .filter(commission::Column::ConversionId.eq(conversion))
        .into_tuple()
        .all(tx)
        .await?;
    if partnerships.is_empty() {
        return Ok(Vec::new());
    }
    balances::lock_all_available_in_tx(tx, partnerships).await?;
    let rows = commission::Entity::find()
        .filter(commission::Column::ConversionId.eq(conversion))
        .order_by_asc(commission::Column::Level)
        .order_by_asc(commission::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    Ok(rows)
}

/// Whose commissions to list.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Brand(BrandId),
    Partner(PartnerId),
    Partnership {
        id: PartnershipId,
        brand: BrandId,
        partner: PartnerId,
    },
}

pub async fn list_commissions(
    app: &App,
    actor: &Actor,
    of: Of,
    states: &[CommissionState],
    page: &Page,
) -> Result<Slice<commission::Model>, ApiError> {
    let select = commission::Entity::find_within(&actor.reach());
    let mut select = match of {
        Of::Brand(brand) => {
            actor.authorise(Operation::SeeCommissions, Place::brand(brand))?;
            select.filter(commission::Column::BrandId.eq(brand))
        }
        Of::Partner(partner) => {
            actor.authorise(Operation::SeeOwnCommissions, Place::partner(partner))?;
            select.filter(commission::Column::PartnerId.eq(partner))
        }
        Of::Partnership { id, brand, partner } => {
            actor.authorise(Operation::SeeBalances, Place::shared(brand, partner))?;
            select.filter(commission::Column::PartnershipId.eq(id))
        }
    };
    if !states.is_empty() {
        select = select.filter(commission::Column::State.is_in(states.iter().copied()));
    }
    page::fetch(
        app.db.read(),
        select,
        commission::Column::Id,
        |row: &commission::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
