//! Writing what conversions earn.

use std::collections::HashMap;

use entity::{
    commission::{self, CommissionState},
    conversion,
    ids::{CommissionId, ConversionId, OrderLineId, PartnerId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    partnership, program,
};
use sea_orm::{DatabaseTransaction, EntityTrait};

use super::{fact_of, posting, tariff::Assessed};
use crate::{app::App, commissions::rules::Earning, error::Fault, infra::db::INSERT_CHUNK, ledger::post, outbox::Fact};

/// A conversion whose commissions are to be written.
pub struct Accrual<'a> {
    pub conversion: &'a conversion::Model,
    pub program: &'a program::Model,
    pub partnership: &'a partnership::Model,
    pub assessed: &'a Assessed,
}

/// Writes the commissions of conversions and accrues them in the ledger. What is to be announced of them comes back with
/// its conversion, in order.
pub async fn accrue_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    accruals: &[Accrual<'_>],
) -> Result<Vec<(ConversionId, Fact)>, Fault> {
    let mut rows: Vec<commission::Model> = Vec::new();
    for accrual in accruals {
        // The level-0 commission of each line, or of the event.
        let mut sources: HashMap<Option<OrderLineId>, CommissionId> = HashMap::new();
        for earning in &accrual.assessed.earnings.earnings {
            let row = new_row(app, accrual, earning, sources.get(&earning.line).copied())?;
            sources.entry(earning.line).or_insert(row.id);
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    for chunk in rows.chunks(INSERT_CHUNK) {
        let models: Vec<commission::ActiveModel> = chunk.iter().cloned().map(Into::into).collect();
        commission::Entity::insert_many(models)
            .exec_without_returning(tx)
            .await?;
    }
    let mut facts = Vec::new();
    let mut postings = Vec::new();
    for row in &rows {
        let posting = posting(
            row,
            "accrued",
            TransferKind::CommissionAccrued,
            row.occurred_at,
            [
                (LedgerAccountKind::CommissionExpense, -row.amount_minor),
                (LedgerAccountKind::Pending, row.amount_minor),
            ],
        )?;
        let Some(posting) = posting else { continue };
        facts.extend(fact_of(&posting).map(|fact| (row.conversion_id, fact)));
        postings.push(posting);
    }
    post::post_in_tx(tx, app, postings).await?;
    Ok(facts)
}

fn partner_of(earning: &Earning, accrual: &Accrual<'_>) -> Result<PartnerId, Fault> {
    if earning.level == 0 {
        return Ok(accrual.partnership.partner_id);
    }
    accrual
        .assessed
        .upline
        .iter()
        .find(|(_, row)| row.id == earning.partnership)
        .map(|(_, row)| row.partner_id)
        .ok_or_else(|| Fault::new("an override for somebody who is not above"))
}

fn new_row(
    app: &App,
    accrual: &Accrual<'_>,
    earning: &Earning,
    source_id: Option<CommissionId>,
) -> Result<commission::Model, Fault> {
    let Accrual {
        conversion, program, ..
    } = accrual;
    let partner_id = partner_of(earning, accrual)?;
    let now = app.clock.now();
    Ok(commission::Model {
        id: app.ids.new_id(now),
        conversion_id: conversion.id,
        brand_id: conversion.brand_id,
        mode: conversion.mode,
        program_id: program.id,
        partnership_id: earning.partnership,
        partner_id,
        level: earning.level,
        order_line_id: earning.line,
        source_id,
        state: CommissionState::Pending,
        currency: earning.amount.currency.code().to_owned(),
        base_minor: earning.base.map_or(0, |base| base.amount_minor),
        amount_minor: earning.amount.amount_minor,
        reversed_minor: 0,
        reserve_minor: 0,
        reserve_left_minor: 0,
        paid_minor: 0,
        rule_snapshot: earning.snapshot.clone(),
        arithmetic: earning.arithmetic.clone(),
        hold_until: accrual.assessed.hold_until,
        occurred_at: conversion.occurred_at,
        created_at: now,
    })
}
