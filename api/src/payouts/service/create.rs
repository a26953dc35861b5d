//! Drafting a payout: what is available moves to `in_transit`, itemised by what brought or took it.

use std::collections::HashMap;

use chrono::SecondsFormat;
use entity::{
    TenantScoped, adjustment, brand,
    commission::{self, CommissionState},
    ids::{CommissionId, PartnershipId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    partnership::{self, PartnershipState},
    payout::{self, PayoutRail, PayoutState},
    payout_item, payout_method,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{
    Code, Fingerprint, Result, Started, announce_in_tx, move_commissions_in_tx, of_payout, posting, start_in_tx,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{Key, Outcome},
    infra::db::INSERT_CHUNK,
    ledger::{balances, post},
    money::{Currency, Money},
    payouts::{
        methods::service as methods,
        rules::{self, Item, Payable, Source},
    },
};

#[derive(Clone, Debug)]
pub struct CreatePayout {
    pub partnership: PartnershipId,
    pub currency: String,
    pub idempotency_key: Key,
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
            return Ok(Outcome {
                value: *value,
                replayed: true,
            });
        }
        Started::Fresh(pending) => pending,
    };
    refuse_unreviewed_in_tx(&tx, &partnership).await?;
    let available = balances::lock_available_in_tx(&tx, partnership.id, currency.code()).await?;
    check_payable(&tx, &partnership, Money::new(available, currency)).await?;
    let method = find_method_in_tx(&tx, app, &partnership, currency).await?;
    let row = draft_in_tx(&tx, app, &partnership, Money::new(available, currency), method).await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(row.brand_id, "payout.drafted", row.id)).await?;
    announce_in_tx(&tx, app, &row).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// What was earned is owed, also when the partnership is over. Whoever was banned is not paid before somebody has decided
/// on all that is pending.
async fn refuse_unreviewed_in_tx(tx: &DatabaseTransaction, partnership: &partnership::Model) -> Result<()> {
    if partnership.state != PartnershipState::Banned {
        return Ok(());
    }
    let pending = commission::Entity::find_live()
        .filter(commission::Column::PartnershipId.eq(partnership.id))
        .filter(commission::Column::State.eq(CommissionState::Pending))
        .count(tx)
        .await?;
    if pending > 0 {
        return Err(Failure::refused_field(
            Code::PartnershipNotPayable,
            "partnershipId",
            format!("this partner was banned: approve or reject its {pending} pending commissions first"),
        ));
    }
    Ok(())
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

/// Where the partner wants it. Whoever has changed that a moment ago may have been a thief: its people have been told, and
/// have some days to undo it.
async fn find_method_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    partnership: &partnership::Model,
    currency: Currency,
) -> Result<Option<payout_method::Model>> {
    let method = methods::find_chosen_in_tx(tx, partnership.partner_id, currency.code()).await?;
    if let Some(method) = &method
        && method.cooling_off_until > app.clock.now()
    {
        let until = method.cooling_off_until.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Err(Failure::refused_field(
            Code::PayoutMethodCoolingOff,
            "partnershipId",
            format!("this partner changed where it is paid in {currency}: no payout before {until}"),
        ));
    }
    Ok(method)
}

async fn draft_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    partnership: &partnership::Model,
    amount: Money,
    method: Option<payout_method::Model>,
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
        payout_method_id: method.as_ref().map(|method| method.id),
        payout_method_kind: method.as_ref().map(|method| method.kind),
        payout_method_masked: method.map(|method| method.masked),
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
        .map(|item| {
            let (commission, adjustment) = match item.source {
                Source::Commission(id) => (Some(id), None),
                Source::Adjustment(id) => (None, Some(id)),
            };
            payout_item::ActiveModel {
                id: Set(app.ids.new_id(now)),
                payout_id: Set(row.id),
                commission_id: Set(commission),
                adjustment_id: Set(adjustment),
                amount_minor: Set(item.amount_minor),
            }
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
        .filter_map(|item| match item.source {
            Source::Commission(id) => Some(id),
            Source::Adjustment(_) => None,
        })
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

/// What is still to be paid of a partnership's commissions, oldest first, and then of its adjustments.
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
    let commissions = commission::Entity::find_live()
        .filter(commission::Column::PartnershipId.eq(partnership))
        .filter(commission::Column::Currency.eq(currency.code()))
        .filter(commission::Column::State.is_in(settled))
        .order_by_asc(commission::Column::Id)
        .all(tx)
        .await?;
    let adjustments = adjustment::Entity::find()
        .filter(adjustment::Column::PartnershipId.eq(partnership))
        .filter(adjustment::Column::Currency.eq(currency.code()))
        .order_by_asc(adjustment::Column::Id)
        .all(tx)
        .await?;
    let itemised = itemised_in_tx(tx, partnership, currency).await?;
    let payable = |source, payable_minor| Payable {
        source,
        payable_minor,
        itemised_minor: itemised.get(&source).copied().unwrap_or(0),
    };
    let of_commission = |row: &commission::Model| {
        payable(
            Source::Commission(row.id),
            row.amount_minor - row.reversed_minor - row.reserve_left_minor,
        )
    };
    let of_adjustment = |row: &adjustment::Model| payable(Source::Adjustment(row.id), row.amount_minor);
    let payables: Vec<Payable> = commissions
        .iter()
        .map(of_commission)
        .chain(adjustments.iter().map(of_adjustment))
        .collect();
    Ok(rules::items(&payables))
}

/// What payouts that stand have paid, or are about to pay, of each source.
async fn itemised_in_tx(
    tx: &DatabaseTransaction,
    partnership: PartnershipId,
    currency: Currency,
) -> std::result::Result<HashMap<Source, i64>, Fault> {
    let items = payout_item::Entity::find()
        .join(JoinType::InnerJoin, of_payout())
        .filter(payout::Column::PartnershipId.eq(partnership))
        .filter(payout::Column::Currency.eq(currency.code()))
        .filter(payout::Column::State.is_not_in([PayoutState::Cancelled, PayoutState::Failed, PayoutState::Returned]))
        .all(tx)
        .await?;
    let mut itemised: HashMap<Source, i64> = HashMap::new();
    for item in items {
        let of_commission = item.commission_id.map(Source::Commission);
        let source = of_commission.or(item.adjustment_id.map(Source::Adjustment));
        let source = source.ok_or_else(|| Fault::new(format!("item {} pays nothing", item.id)))?;
        *itemised.entry(source).or_default() += item.amount_minor;
    }
    Ok(itemised)
}
