//! A statement as a file: every entry, oldest first, with what it left. Read a piece at a time, so that a long one takes no more
//! memory than a short one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped, adjustment,
    ids::{AdjustmentId, CommissionId, LedgerEntryId, PartnershipId, PayoutId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::{self, TransferKind},
    partnership, payout,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Fault},
    ledger::entries::{History, Holder, Line, Only},
    money::{Currency, Money},
};

/// The most entries of one file: a spreadsheet takes no more than a million, and people fewer.
pub const MAX_ROWS: u64 = 100_000;

/// Why there is no file.
#[derive(Debug)]
pub enum NoExport {
    /// There are more entries than a file holds; nothing was left out silently.
    TooManyRows {
        count: u64,
        at_most: u64,
    },
    Api(ApiError),
}

impl From<ApiError> for NoExport {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// An entry as the file tells it.
#[derive(Clone, Debug)]
pub struct Row {
    pub entry: LedgerEntryId,
    pub occurred_at: DateTime<Utc>,
    pub account: LedgerAccountKind,
    pub kind: TransferKind,
    pub amount: Money,
    /// What was on the account then.
    pub balance: Money,
    pub commission: Option<CommissionId>,
    pub payout: Option<PayoutId>,
    pub adjustment: Option<AdjustmentId>,
    /// In somebody's words: a payout's reference, an adjustment's reason.
    pub details: Option<String>,
}

/// A statement about to be read.
pub struct Export {
    pub currency: Currency,
    app: App,
    history: History,
}

/// Opens the statement of a partnership in a currency, for whoever may read it in pages.
pub async fn open(
    app: &App,
    actor: &Actor,
    partnership: PartnershipId,
    currency: Currency,
    only: Only,
    max_rows: u64,
) -> Result<Export, NoExport> {
    let partnership = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(partnership))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    let place = Place::shared(partnership.brand_id, partnership.partner_id);
    actor.authorise(Operation::SeeStatement, place)?;
    let holder = Holder::Partnership(partnership.id);
    let history = History::open(app, holder, currency.code(), only)
        .await
        .map_err(ApiError::from)?;
    if history.count > max_rows {
        return Err(NoExport::TooManyRows {
            count: history.count,
            at_most: max_rows,
        });
    }
    Ok(Export {
        currency,
        app: app.clone(),
        history,
    })
}

impl Export {
    /// The next rows, which may be none; nothing behind the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, Fault> {
        let Some(lines) = self.history.next().await? else {
            return Ok(None);
        };
        let references = self.references(&lines).await?;
        let reasons = self.reasons(&lines).await?;
        let row = |line: Line| {
            let transfer = line.transfer;
            let reference = transfer.payout_id.and_then(|id| references.get(&id));
            let reason = transfer.adjustment_id.and_then(|id| reasons.get(&id));
            Row {
                entry: line.entry.id,
                occurred_at: transfer.occurred_at,
                account: line.account,
                kind: transfer.kind,
                amount: Money::new(line.entry.amount_minor, self.currency),
                balance: Money::new(line.balance_minor, self.currency),
                commission: transfer.commission_id,
                payout: transfer.payout_id,
                adjustment: transfer.adjustment_id,
                details: reference.or(reason).cloned(),
            }
        };
        Ok(Some(lines.into_iter().map(row).collect()))
    }

    async fn references(&self, lines: &[Line]) -> Result<HashMap<PayoutId, String>, DbErr> {
        let ids = ids(lines, |transfer| transfer.payout_id);
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = payout::Entity::find()
            .filter(payout::Column::Id.is_in(ids))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| Some((row.id, row.reference?)))
            .collect())
    }

    async fn reasons(&self, lines: &[Line]) -> Result<HashMap<AdjustmentId, String>, DbErr> {
        let ids = ids(lines, |transfer| transfer.adjustment_id);
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = adjustment::Entity::find()
            .filter(adjustment::Column::Id.is_in(ids))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.reason)).collect())
    }
}

fn ids<T>(lines: &[Line], of: impl Fn(&ledger_transfer::Model) -> Option<T>) -> Vec<T> {
    lines.iter().filter_map(|line| of(&line.transfer)).collect()
}
