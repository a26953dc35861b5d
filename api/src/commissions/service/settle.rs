//! Keeping commissions in line with what their conversion comes to: what is taken back, restored and raised.

use std::collections::HashMap;

use entity::{
    commission::{self, CommissionState},
    conversion::{self, ConversionState},
    ids::{ConversionId, OrderLineId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};

use super::{lock_of_conversion_in_tx, post_and_announce_in_tx, posting};
use crate::{app::App, commissions::rules, error::Fault, ledger::post::Posting, money::Money};

/// What commissions are computed on, and what of it is gone, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    pub base_minor: i64,
    pub gone_minor: i64,
}

/// The measures of a conversion's amount as a whole, and of its order's lines.
pub struct Measures {
    pub whole: Measure,
    pub lines: HashMap<OrderLineId, Measure>,
}

impl Measures {
    /// What a commission is measured by: its line, or without lines the whole.
    pub fn of(&self, row: &commission::Model) -> Result<Measure, Fault> {
        match row.order_line_id {
            None => Ok(self.whole),
            Some(line) => self
                .lines
                .get(&line)
                .copied()
                .ok_or_else(|| Fault::new("a commission on a line of another order")),
        }
    }
}

/// Brings every level in line with what is gone in all of the conversion's amount, or of each line of it. `cause` names what
/// changed it. When more is gone than before, each commission's share of it is taken back; when less is, because a
/// chargeback was won or an order amended upward, its share is restored.
pub async fn settle_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    conversion: &conversion::Model,
    measures: &Measures,
    cause: &str,
) -> Result<(), Fault> {
    // What was rejected earns nothing, whatever comes back.
    if conversion.state == ConversionState::Rejected {
        return Ok(());
    }
    let mut postings = Vec::new();
    for row in lock_of_conversion_in_tx(tx, conversion.id).await? {
        let gone = measures.of(&row)?.gone_minor;
        let cumulative = rules::cumulative_reversal(row.amount_minor, row.base_minor, gone);
        let settled = match cumulative - row.reversed_minor {
            _ if row.state == CommissionState::Rejected => continue,
            0 => continue,
            amount if amount > 0 => reverse(app, &row, amount, cause)?,
            amount => restore(app, &row, -amount, conversion.approved_at.is_some(), cause)?,
        };
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(settled.state),
            reversed_minor: Set(cumulative),
            reserve_left_minor: Set(row.reserve_left_minor - settled.from_reserve_minor),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
        postings.extend(settled.posting);
    }
    post_and_announce_in_tx(tx, app, postings).await
}

/// A commission's part of a settlement.
struct Settled {
    /// None of a commission that only shows what would be earned.
    posting: Option<Posting>,
    state: CommissionState,
    from_reserve_minor: i64,
}

fn is_pending(row: &commission::Model) -> bool {
    matches!(row.state, CommissionState::Pending | CommissionState::OnHold)
}

/// Before approval the pending amount shrinks; after it, the reserve gives first and the available balance next.
fn reverse(app: &App, row: &commission::Model, amount_minor: i64, cause: &str) -> Result<Settled, Fault> {
    let pending = is_pending(row);
    let (from_reserve, from_available) = if pending {
        (0, 0)
    } else {
        rules::split_clawback(amount_minor, row.reserve_left_minor)
    };
    let kind = if pending {
        TransferKind::CommissionReversed
    } else {
        TransferKind::CommissionClawedBack
    };
    let posting = posting(
        row,
        &format!("reversed:{cause}"),
        kind,
        app.clock.now(),
        [
            (LedgerAccountKind::Pending, if pending { -amount_minor } else { 0 }),
            (LedgerAccountKind::Reserve, -from_reserve),
            (LedgerAccountKind::Available, -from_available),
            (LedgerAccountKind::CommissionExpense, amount_minor),
        ],
    )?;
    // A later clawback never changes PAID, nor a payout that is on its way.
    let ends =
        row.reversed_minor + amount_minor == row.amount_minor && (pending || row.state == CommissionState::Approved);
    Ok(Settled {
        posting,
        state: if ends { CommissionState::Reversed } else { row.state },
        from_reserve_minor: from_reserve,
    })
}

/// What comes again goes where it would be: to the pending amount before approval, after it to the available balance. The
/// reserve, once taken, stays taken.
fn restore(
    app: &App,
    row: &commission::Model,
    amount_minor: i64,
    is_approved: bool,
    cause: &str,
) -> Result<Settled, Fault> {
    let (account, reopened) = if is_approved {
        (LedgerAccountKind::Available, CommissionState::Approved)
    } else {
        (LedgerAccountKind::Pending, CommissionState::Pending)
    };
    let posting = posting(
        row,
        &format!("restored:{cause}"),
        TransferKind::CommissionRestored,
        app.clock.now(),
        [
            (LedgerAccountKind::CommissionExpense, -amount_minor),
            (account, amount_minor),
        ],
    )?;
    Ok(Settled {
        posting,
        state: if row.state == CommissionState::Reversed {
            reopened
        } else {
            row.state
        },
        from_reserve_minor: 0,
    })
}

/// Raises what a conversion that is not approved yet comes to, and its lines: every level earns on the whole of it, by its
/// frozen rule. `cause` names the amendment.
pub async fn raise_base_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    conversion: ConversionId,
    measures: &Measures,
    cause: &str,
) -> Result<(), Fault> {
    let mut postings = Vec::new();
    let mut sources: HashMap<Option<OrderLineId>, Money> = HashMap::new();
    for row in lock_of_conversion_in_tx(tx, conversion).await? {
        let earned = Money::new(row.amount_minor, row.currency.parse().map_err(Fault::new)?);
        let base = Money::new(measures.of(&row)?.base_minor, earned.currency);
        if base.amount_minor == row.base_minor {
            // Of a raise over many lines nothing fell to this one.
            sources.entry(row.order_line_id).or_insert(earned);
            continue;
        }
        let source = sources.get(&row.order_line_id).copied().unwrap_or(earned);
        let raised = rules::earn_again(&row.rule_snapshot, base, source)?;
        let (amount, arithmetic) = raised.unwrap_or((earned, row.arithmetic.clone()));
        sources.entry(row.order_line_id).or_insert(amount);
        let more = amount.amount_minor - row.amount_minor;
        // A commission that rounding had reversed whole has something left again.
        let state = match row.state {
            CommissionState::Reversed if more > 0 => CommissionState::Pending,
            state => state,
        };
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(state),
            base_minor: Set(base.amount_minor),
            amount_minor: Set(amount.amount_minor),
            arithmetic: Set(arithmetic),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
        postings.extend(posting(
            &row,
            &format!("accrued:{cause}"),
            TransferKind::CommissionAccrued,
            app.clock.now(),
            [
                (LedgerAccountKind::CommissionExpense, -more),
                (LedgerAccountKind::Pending, more),
            ],
        )?);
    }
    post_and_announce_in_tx(tx, app, postings).await
}
