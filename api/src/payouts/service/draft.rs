//! Drafting payouts: what is available moves to `in_transit`, itemised by what brought or took it.

use std::collections::HashMap;

use entity::{
    TenantScoped, adjustment,
    commission::{self, CommissionState},
    conversion,
    ids::{AdjustmentId, CommissionId, PartnershipId, PayoutBatchId, PayoutItemId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    partnership,
    payout::{self, PayoutRail, PayoutState},
    payout_item, payout_method,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, JoinType, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func},
};

use super::{announced, move_commissions_in_tx, of_payout, posting};
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    infra::db::INSERT_CHUNK,
    ledger::post,
    money::{Currency, Money},
    outbox::{self, Fact, Topic},
    payouts::rules::{self, Item, Payable, Source},
};

/// States in which a payout holds money that has not reached its partner.
pub(in crate::payouts) const OPEN: [PayoutState; 4] = [
    PayoutState::Draft,
    PayoutState::Approved,
    PayoutState::Submitted,
    PayoutState::Unknown,
];

/// States in which what a payout was to pay is owed again.
const UNDONE: [PayoutState; 3] = [PayoutState::Cancelled, PayoutState::Failed, PayoutState::Returned];

/// A payout to be made, of a partnership whose available balance is locked.
pub(in crate::payouts) struct Draft {
    pub partnership: partnership::Model,
    pub amount: Money,
    pub rail: PayoutRail,
    pub method: Option<payout_method::Model>,
    /// They add up to the amount.
    pub items: Vec<Item>,
}

/// What several drafts share.
pub(in crate::payouts) struct Drafting<'a> {
    pub actor: &'a Actor,
    pub batch: Option<PayoutBatchId>,
    pub needs_second_person: bool,
}

/// Writes drafts with their items, and sets their money aside.
pub(in crate::payouts) async fn draft_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    drafting: &Drafting<'_>,
    drafts: Vec<Draft>,
) -> Result<Vec<payout::Model>, Fault> {
    let mut rows = Vec::with_capacity(drafts.len());
    let mut items = Vec::new();
    let mut paid_from = Vec::new();
    let mut postings = Vec::with_capacity(drafts.len());
    let mut facts = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let total: i64 = draft.items.iter().map(|item| item.amount_minor).sum();
        if total != draft.amount.amount_minor {
            return Err(Fault::new(format!(
                "items of {total} do not add up to {}",
                draft.amount.amount_minor
            )));
        }
        paid_from.extend(draft.items.iter().filter_map(Item::paid_commission));
        let row = new_payout(app, drafting, &draft);
        items.extend(draft.items.iter().map(|item| new_item(app, &row, item)));
        postings.push(posting(
            app,
            &row,
            "requested",
            TransferKind::PayoutRequested,
            [
                (LedgerAccountKind::Available, -row.amount_minor),
                (LedgerAccountKind::InTransit, row.amount_minor),
            ],
        )?);
        facts.push(Fact {
            topic: Topic::PayoutChanged,
            brand: Some(row.brand_id),
            partner: Some(row.partner_id),
            subject: row.id.0,
            payload: announced(row.state),
        });
        rows.push(row);
    }
    for chunk in rows.chunks(INSERT_CHUNK) {
        payout::Entity::insert_many(chunk.iter().cloned().map(payout::ActiveModel::from))
            .exec_without_returning(tx)
            .await?;
    }
    for chunk in items.chunks(INSERT_CHUNK) {
        payout_item::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    move_commissions_in_tx(tx, &paid_from, CommissionState::Approved, CommissionState::InPayout).await?;
    post::post_in_tx(tx, app, postings).await?;
    outbox::enqueue_all_in_tx(tx, app, facts).await?;
    Ok(rows)
}

fn new_payout(app: &App, drafting: &Drafting<'_>, draft: &Draft) -> payout::Model {
    let now = app.clock.now();
    payout::Model {
        id: app.ids.new_id(now),
        brand_id: draft.partnership.brand_id,
        program_id: draft.partnership.program_id,
        partnership_id: draft.partnership.id,
        partner_id: draft.partnership.partner_id,
        state: PayoutState::Draft,
        rail: draft.rail,
        currency: draft.amount.currency.code().to_owned(),
        amount_minor: draft.amount.amount_minor,
        reference: None,
        created_at: now,
        approved_at: None,
        paid_at: None,
        cancelled_at: None,
        payout_method_id: draft.method.as_ref().map(|method| method.id),
        payout_method_kind: draft.method.as_ref().map(|method| method.kind),
        payout_method_masked: draft.method.as_ref().map(|method| method.masked.clone()),
        batch_id: drafting.batch,
        request_id: None,
        file_id: None,
        created_by: drafting.actor.user().ok(),
        needs_second_person: drafting.needs_second_person,
        provider_id: None,
        provider_state: None,
        fee_minor: None,
        fee_currency: None,
        failure_code: None,
        failure_reason: None,
        attention: None,
        submitted_at: None,
        failed_at: None,
        returned_at: None,
    }
}

fn new_item(app: &App, payout: &payout::Model, item: &Item) -> payout_item::ActiveModel {
    let (commission, adjustment) = match item.source {
        Source::Commission(id) => (Some(id), None),
        Source::Adjustment(id) => (None, Some(id)),
    };
    let id: PayoutItemId = app.ids.new_id(payout.created_at);
    payout_item::ActiveModel {
        id: Set(id),
        payout_id: Set(payout.id),
        commission_id: Set(commission),
        adjustment_id: Set(adjustment),
        amount_minor: Set(item.amount_minor),
    }
}

/// What is still to be paid of partnerships in a currency: of their commissions, oldest first, and then of their adjustments.
/// What comes of it for one adds up to what it has available.
pub(in crate::payouts) async fn find_items(
    db: &impl ConnectionTrait,
    partnerships: &[PartnershipId],
    currency: Currency,
) -> Result<HashMap<PartnershipId, Vec<Item>>, Fault> {
    let mut payables: HashMap<PartnershipId, Vec<Payable>> = HashMap::new();
    for chunk in partnerships.chunks(INSERT_CHUNK) {
        for (partnership, payable) in payable_commissions(db, chunk, currency).await? {
            payables.entry(partnership).or_default().push(payable);
        }
        for (partnership, payable) in payable_adjustments(db, chunk, currency).await? {
            payables.entry(partnership).or_default().push(payable);
        }
    }
    Ok(payables
        .into_iter()
        .map(|(partnership, payables)| (partnership, rules::items(&payables)))
        .collect())
}

/// Open items of these partnerships' payouts.
fn open_items(partnerships: &[PartnershipId], currency: Currency) -> sea_orm::Select<payout_item::Entity> {
    payout_item::Entity::find()
        .select_only()
        .join(JoinType::InnerJoin, of_payout())
        .filter(payout::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(payout::Column::Currency.eq(currency.code()))
        .filter(payout::Column::State.is_in(OPEN))
}

async fn payable_commissions(
    db: &impl ConnectionTrait,
    partnerships: &[PartnershipId],
    currency: Currency,
) -> Result<Vec<(PartnershipId, Payable)>, DbErr> {
    let mut in_transit: HashMap<CommissionId, i64> = HashMap::new();
    let items: Vec<(CommissionId, i64)> = open_items(partnerships, currency)
        .column(payout_item::Column::CommissionId)
        .column(payout_item::Column::AmountMinor)
        .filter(payout_item::Column::CommissionId.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    for (commission, amount_minor) in items {
        *in_transit.entry(commission).or_default() += amount_minor;
    }
    let settled = [
        CommissionState::Approved,
        CommissionState::InPayout,
        CommissionState::Paid,
        // Taken back whole: nothing is payable, but a payout may have paid it before.
        CommissionState::Reversed,
    ];
    // What was paid as it stands is most of a long history, and is left out.
    let unsettled = Condition::any()
        .add(Expr::cust(
            "commissions.amount_minor - commissions.reversed_minor - commissions.reserve_left_minor <> commissions.paid_minor",
        ))
        .add(commission::Column::Id.in_subquery(
            open_items(partnerships, currency).column(payout_item::Column::CommissionId).into_query(),
        ));
    let rows: Vec<(commission::Model, Option<conversion::Model>)> = commission::Entity::find_live()
        .select_also(conversion::Entity)
        .join(
            JoinType::InnerJoin,
            commission::Entity::belongs_to(conversion::Entity)
                .from(commission::Column::ConversionId)
                .to(conversion::Column::Id)
                .into(),
        )
        .filter(commission::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(commission::Column::Currency.eq(currency.code()))
        .filter(commission::Column::State.is_in(settled))
        .filter(unsettled)
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(row, conversion)| {
            let payable = Payable {
                source: Source::Commission(row.id),
                payable_minor: row.amount_minor - row.reversed_minor - row.reserve_left_minor,
                itemised_minor: row.paid_minor + in_transit.get(&row.id).copied().unwrap_or(0),
                since: conversion.and_then(|conversion| conversion.approved_at),
            };
            (row.partnership_id, payable)
        })
        .collect())
}

async fn payable_adjustments(
    db: &impl ConnectionTrait,
    partnerships: &[PartnershipId],
    currency: Currency,
) -> Result<Vec<(PartnershipId, Payable)>, DbErr> {
    let items: Vec<(AdjustmentId, i64)> = payout_item::Entity::find()
        .select_only()
        .column(payout_item::Column::AdjustmentId)
        .column_as(
            Func::sum(Expr::col(payout_item::Column::AmountMinor.as_column_ref())).cast_as("bigint"),
            "sum",
        )
        .join(JoinType::InnerJoin, of_payout())
        .filter(payout::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(payout::Column::Currency.eq(currency.code()))
        .filter(payout::Column::State.is_not_in(UNDONE))
        .filter(payout_item::Column::AdjustmentId.is_not_null())
        .group_by(payout_item::Column::AdjustmentId)
        .into_tuple()
        .all(db)
        .await?;
    let itemised: HashMap<AdjustmentId, i64> = items.into_iter().collect();
    let rows = adjustment::Entity::find()
        .filter(adjustment::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .filter(adjustment::Column::Currency.eq(currency.code()))
        .order_by_asc(adjustment::Column::Id)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let payable = Payable {
                source: Source::Adjustment(row.id),
                payable_minor: row.amount_minor,
                itemised_minor: itemised.get(&row.id).copied().unwrap_or(0),
                since: Some(row.created_at),
            };
            (row.partnership_id, payable)
        })
        .collect())
}
