//! Use cases of payouts: draft, approve, mark paid, cancel.

use std::collections::HashMap;

use entity::{
    TenantScoped, brand,
    commission::{self, CommissionState},
    ids::{BrandId, CommissionId, PartnerId, PartnershipId, PayoutId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    partnership::{self, PartnershipState},
    payout::{self, PayoutRail, PayoutState},
    payout_item,
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Claim, Key, Outcome},
    infra::db::INSERT_CHUNK,
    ledger::{
        balances,
        post::{self, Line, Owner, Posting},
    },
    money::{Currency, Money},
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    payouts::{
        error::PayoutErrorCode as Code,
        rules::{self, Item, Payable},
    },
};

type Result<T> = std::result::Result<T, Failure<Code>>;

const MAX_REFERENCE_CHARS: usize = 100;
const MAX_REASON_CHARS: usize = 500;

#[derive(Clone, Debug)]
pub struct CreatePayout {
    pub partnership: PartnershipId,
    pub currency: String,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint {
    subject: String,
    detail: String,
}

enum Started {
    Replay(payout::Model),
    Fresh(idempotency::Pending),
}

/// Claims the key of a payout operation.
async fn start_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    operation: &'static str,
    key: &Key,
    fingerprint: &Fingerprint,
) -> Result<Started> {
    match idempotency::claim_in_tx(tx, app, brand.0, operation, key, fingerprint).await? {
        Claim::Fresh(pending) => Ok(Started::Fresh(pending)),
        Claim::Replay(id) => {
            let row = payout::Entity::find_by_id(PayoutId(id))
                .one(tx)
                .await?
                .ok_or_else(|| Fault::new("a replayed payout is gone"))?;
            Ok(Started::Replay(row))
        }
    }
}

/// Drafts a payout of everything a partnership has available in a currency.
pub async fn create_payout(app: &App, actor: &Actor, command: CreatePayout) -> Result<Outcome<payout::Model>> {
    let currency: Currency = command
        .currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "currency", error))?;
    let tx = app.db.begin().await?;
    let partnership = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(command.partnership))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    actor.authorise(Operation::CreatePayout, Place::brand(partnership.brand_id))?;
    let fingerprint = Fingerprint {
        subject: command.partnership.to_string(),
        detail: currency.code().to_owned(),
    };
    let pending = match start_in_tx(
        &tx,
        app,
        partnership.brand_id,
        "createPayout",
        &command.idempotency_key,
        &fingerprint,
    )
    .await?
    {
        Started::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
        Started::Fresh(pending) => pending,
    };
    if !matches!(
        partnership.state,
        PartnershipState::Active | PartnershipState::Suspended
    ) {
        return Err(Failure::refused_field(
            Code::PartnershipNotPayable,
            "partnershipId",
            "only active and suspended partnerships are paid",
        ));
    }
    let available = balances::lock_available_in_tx(&tx, partnership.id, currency.code()).await?;
    check_payable(&tx, &partnership, Money::new(available, currency)).await?;
    let row = draft_in_tx(&tx, app, &partnership, Money::new(available, currency)).await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(row.brand_id, "payout.drafted", row.id)).await?;
    announce_in_tx(&tx, app, &row).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

async fn check_payable(tx: &DatabaseTransaction, partnership: &partnership::Model, available: Money) -> Result<()> {
    if available.amount_minor <= 0 {
        return Err(Failure::refused(
            Code::NothingAvailable,
            format!("{available} is available"),
        ));
    }
    let brand = brand::Entity::find_by_id(partnership.brand_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::new("a partnership without its brand"))?;
    // The minimum is an amount of the brand's own currency; balances in another one have none.
    if available.currency.code() == brand.currency && available.amount_minor < brand.payout_minimum_minor {
        let minimum = Money::new(brand.payout_minimum_minor, available.currency);
        return Err(Failure::refused(
            Code::BelowMinimum,
            format!("{available} is available, the smallest payout is {minimum}"),
        ));
    }
    Ok(())
}

async fn draft_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    partnership: &partnership::Model,
    amount: Money,
) -> std::result::Result<payout::Model, Fault> {
    let now = app.clock.now();
    let row = payout::Model {
        id: app.ids.new_id(now),
        brand_id: partnership.brand_id,
        program_id: partnership.program_id,
        partnership_id: partnership.id,
        partner_id: partnership.partner_id,
        state: PayoutState::Draft,
        rail: PayoutRail::Manual,
        currency: amount.currency.code().to_owned(),
        amount_minor: amount.amount_minor,
        reference: None,
        created_at: now,
        approved_at: None,
        paid_at: None,
        cancelled_at: None,
    };
    payout::Entity::insert(payout::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    let items = find_items_in_tx(tx, partnership.id, amount.currency).await?;
    let total: i64 = items.iter().map(|item| item.amount_minor).sum();
    if total != amount.amount_minor {
        return Err(Fault::new(format!(
            "items of {total} do not explain {} available",
            amount.amount_minor
        )));
    }
    let models: Vec<_> = items
        .iter()
        .map(|item| payout_item::ActiveModel {
            id: Set(app.ids.new_id(now)),
            payout_id: Set(row.id),
            commission_id: Set(item.commission),
            amount_minor: Set(item.amount_minor),
        })
        .collect();
    for chunk in models.chunks(INSERT_CHUNK) {
        payout_item::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    let paid_from: Vec<CommissionId> = items
        .iter()
        .filter(|item| item.amount_minor > 0)
        .map(|item| item.commission)
        .collect();
    move_commissions_in_tx(tx, &paid_from, CommissionState::Approved, CommissionState::InPayout).await?;
    post::post_in_tx(
        tx,
        app,
        vec![posting(
            app,
            &row,
            "requested",
            TransferKind::PayoutRequested,
            [
                (LedgerAccountKind::Available, -row.amount_minor),
                (LedgerAccountKind::InTransit, row.amount_minor),
            ],
        )?],
    )
    .await?;
    Ok(row)
}

/// What each commission of the partnership still has to be paid, oldest first.
async fn find_items_in_tx(
    tx: &DatabaseTransaction,
    partnership: PartnershipId,
    currency: Currency,
) -> std::result::Result<Vec<Item>, Fault> {
    let settled = [
        CommissionState::Approved,
        CommissionState::InPayout,
        CommissionState::Paid,
        // Taken back whole: nothing is payable, but a payout may have paid it before.
        CommissionState::Reversed,
    ];
    let commissions = commission::Entity::find()
        .filter(commission::Column::PartnershipId.eq(partnership))
        .filter(commission::Column::Currency.eq(currency.code()))
        .filter(commission::Column::State.is_in(settled))
        .order_by_asc(commission::Column::Id)
        .all(tx)
        .await?;
    let items: Vec<(CommissionId, i64)> = payout_item::Entity::find()
        .select_only()
        .column(payout_item::Column::CommissionId)
        .column(payout_item::Column::AmountMinor)
        .join(
            JoinType::InnerJoin,
            payout_item::Entity::belongs_to(payout::Entity)
                .from(payout_item::Column::PayoutId)
                .to(payout::Column::Id)
                .into(),
        )
        .filter(payout::Column::PartnershipId.eq(partnership))
        .filter(payout::Column::Currency.eq(currency.code()))
        .filter(payout::Column::State.is_not_in([PayoutState::Cancelled, PayoutState::Failed, PayoutState::Returned]))
        .into_tuple()
        .all(tx)
        .await?;
    let mut itemised: HashMap<CommissionId, i64> = HashMap::new();
    for (commission, amount) in items {
        *itemised.entry(commission).or_default() += amount;
    }
    let payables: Vec<Payable> = commissions
        .iter()
        .map(|row| Payable {
            commission: row.id,
            payable_minor: row.amount_minor - row.reversed_minor - row.reserve_left_minor,
            itemised_minor: itemised.get(&row.id).copied().unwrap_or(0),
        })
        .collect();
    Ok(rules::items(&payables))
}

async fn move_commissions_in_tx(
    tx: &DatabaseTransaction,
    ids: &[CommissionId],
    from: CommissionState,
    to: CommissionState,
) -> std::result::Result<(), Fault> {
    for chunk in ids.chunks(INSERT_CHUNK) {
        commission::Entity::update_many()
            .set(commission::ActiveModel {
                state: Set(to),
                ..Default::default()
            })
            .filter(commission::Column::Id.is_in(chunk.iter().copied()))
            .filter(commission::Column::State.eq(from))
            .exec(tx)
            .await?;
    }
    Ok(())
}

fn posting<const N: usize>(
    app: &App,
    row: &payout::Model,
    cause: &str,
    kind: TransferKind,
    lines: [(LedgerAccountKind, i64); N],
) -> std::result::Result<Posting, Fault> {
    let partnership = Owner::Partnership {
        partnership: row.partnership_id,
        partner: row.partner_id,
    };
    let line = |(kind, amount_minor): (LedgerAccountKind, i64)| Line {
        owner: if kind == LedgerAccountKind::CashBank {
            Owner::Brand
        } else {
            partnership
        },
        kind,
        amount_minor,
    };
    Ok(Posting {
        key: format!("{}:{cause}", row.id),
        kind,
        brand: row.brand_id,
        currency: row.currency.parse().map_err(Fault::new)?,
        commission: None,
        payout: Some(row.id),
        occurred_at: app.clock.now(),
        lines: lines.map(line).to_vec(),
    })
}

async fn announce_in_tx(tx: &DatabaseTransaction, app: &App, row: &payout::Model) -> std::result::Result<(), Fault> {
    let fact = Fact {
        topic: Topic::PayoutChanged,
        brand: row.brand_id,
        partner: Some(row.partner_id),
        subject: row.id.0,
        payload: json!({ "state": row.state.to_value() }),
    };
    outbox::enqueue_in_tx(tx, app, fact).await?;
    Ok(())
}

async fn lock_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PayoutId,
) -> Result<payout::Model> {
    let row = payout::Entity::find_within(&actor.reach())
        .filter(payout::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("payout"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// One guarded transition with its audit row and announcement.
async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout::Model,
    from: &[PayoutState],
    to: PayoutState,
    reason: Option<&str>,
) -> Result<()> {
    if !from.contains(&row.state) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!("a payout cannot go from {} to {}", row.state.to_value(), to.to_value()),
        ));
    }
    let action = match to {
        PayoutState::Approved => "payout.approved",
        PayoutState::Paid => "payout.paid",
        _ => "payout.cancelled",
    };
    audit::record_in_tx(
        tx,
        app,
        actor,
        Change::of_state(row.brand_id, action, row.id, &row.state, &to, reason),
    )
    .await?;
    row.state = to;
    let at = Some(app.clock.now());
    match to {
        PayoutState::Approved => row.approved_at = at,
        PayoutState::Paid => row.paid_at = at,
        _ => row.cancelled_at = at,
    }
    payout::Entity::update(payout::ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        reference: Set(row.reference.clone()),
        approved_at: Set(row.approved_at),
        paid_at: Set(row.paid_at),
        cancelled_at: Set(row.cancelled_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    announce_in_tx(tx, app, row).await?;
    Ok(())
}

/// Releases a drafted payout.
pub async fn approve_payout(app: &App, actor: &Actor, id: PayoutId) -> Result<payout::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::ApprovePayout, id).await?;
    move_in_tx(
        &tx,
        app,
        actor,
        &mut row,
        &[PayoutState::Draft],
        PayoutState::Approved,
        None,
    )
    .await?;
    app.commit(tx).await?;
    Ok(row)
}

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
            return Ok(Outcome { value, replayed: true });
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
        *amounts.entry(item.commission_id).or_default() += item.amount_minor;
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
        let payable = commission.amount_minor - commission.reversed_minor - commission.reserve_left_minor;
        let is_paid = commission.state == CommissionState::InPayout && paid_minor >= payable;
        if is_paid {
            facts.push(Fact {
                topic: Topic::CommissionPaid,
                brand: commission.brand_id,
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

/// Takes a payout back before it is paid: the money is available again.
pub async fn cancel_payout(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    reason: &str,
    key: &Key,
) -> Result<Outcome<payout::Model>> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::refused_field(
            Code::ReasonInvalid,
            "reason",
            "a reason has 1 to 500 characters",
        ));
    }
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::CancelPayout, id).await?;
    let fingerprint = Fingerprint {
        subject: id.to_string(),
        detail: reason.to_owned(),
    };
    let pending = match start_in_tx(&tx, app, row.brand_id, "cancelPayout", key, &fingerprint).await? {
        Started::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
        Started::Fresh(pending) => pending,
    };
    let open = [PayoutState::Draft, PayoutState::Approved];
    move_in_tx(&tx, app, actor, &mut row, &open, PayoutState::Cancelled, Some(reason)).await?;
    balances::lock_all_available_in_tx(&tx, [row.partnership_id]).await?;
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::PayoutId.eq(row.id))
        .all(&tx)
        .await?;
    reopen_commissions_in_tx(&tx, &items).await?;
    post::post_in_tx(
        &tx,
        app,
        vec![posting(
            app,
            &row,
            "cancelled",
            TransferKind::PayoutCancelled,
            [
                (LedgerAccountKind::InTransit, -row.amount_minor),
                (LedgerAccountKind::Available, row.amount_minor),
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

/// Lets go of what a cancelled payout would have paid. Negative items only netted a commission off: an earlier payout may
/// still be paying it. What came back whole meanwhile is reversed.
async fn reopen_commissions_in_tx(
    tx: &DatabaseTransaction,
    items: &[payout_item::Model],
) -> std::result::Result<(), Fault> {
    let ids: Vec<CommissionId> = items
        .iter()
        .filter(|item| item.amount_minor > 0)
        .map(|item| item.commission_id)
        .collect();
    move_commissions_in_tx(tx, &ids, CommissionState::InPayout, CommissionState::Approved).await?;
    for chunk in ids.chunks(INSERT_CHUNK) {
        commission::Entity::update_many()
            .set(commission::ActiveModel {
                state: Set(CommissionState::Reversed),
                ..Default::default()
            })
            .filter(commission::Column::Id.is_in(chunk.iter().copied()))
            .filter(commission::Column::State.eq(CommissionState::Approved))
            .filter(Expr::col(commission::Column::ReversedMinor).eq(Expr::col(commission::Column::AmountMinor)))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Reach is not enough: not everyone in a brand sees money.
#[must_use]
pub fn may_see_payout(actor: &Actor, row: &payout::Model) -> bool {
    actor
        .authorise(Operation::SeePayouts, Place::brand(row.brand_id))
        .is_ok()
        || actor
            .authorise(Operation::SeeOwnPayouts, Place::partner(row.partner_id))
            .is_ok()
}

/// Whose payouts to list.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Brand(BrandId),
    Partner(PartnerId),
}

pub async fn list_payouts(
    app: &App,
    actor: &Actor,
    of: Of,
    states: &[PayoutState],
    page: &Page,
) -> std::result::Result<Slice<payout::Model>, ApiError> {
    let select = payout::Entity::find_within(&actor.reach());
    let mut select = match of {
        Of::Brand(brand) => {
            actor.authorise(Operation::SeePayouts, Place::brand(brand))?;
            select.filter(payout::Column::BrandId.eq(brand))
        }
        Of::Partner(partner) => {
            actor.authorise(Operation::SeeOwnPayouts, Place::partner(partner))?;
            select.filter(payout::Column::PartnerId.eq(partner))
        }
    };
    if !states.is_empty() {
        select = select.filter(payout::Column::State.is_in(states.iter().copied()));
    }
    page::fetch(
        app.db.read(),
        select,
        payout::Column::Id,
        |row: &payout::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
