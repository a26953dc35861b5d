//! Reading entries with their balances.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, LedgerAccountId, LedgerEntryId, LedgerTransferId, PartnerId, PartnershipId},
    ledger_account::{self, LedgerAccountKind},
    ledger_entry,
    ledger_transfer::{self, TransferKind},
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, QueryTrait, Select, Statement,
};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Fault},
    page::{self, Page, Slice},
};

/// Whose statement.
#[derive(Clone, Copy, Debug)]
pub struct Of {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

/// Which entries; all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Only {
    pub accounts: Option<Vec<LedgerAccountKind>>,
    pub kinds: Option<Vec<TransferKind>>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// An entry with what it left on its account.
#[derive(Clone, Debug)]
pub struct Line {
    pub entry: ledger_entry::Model,
    pub account: LedgerAccountKind,
    pub transfer: ledger_transfer::Model,
    pub balance_minor: i64,
}

/// A page of the entries of a partnership in a currency, newest first.
pub async fn list_statement(
    app: &App,
    actor: &Actor,
    of: Of,
    currency: &str,
    only: Only,
    page: &Page,
) -> Result<Slice<Line>, ApiError> {
    actor.authorise(Operation::SeeStatement, Place::shared(of.brand, of.partner))?;
    read(app, of.partnership, currency, only, page)
        .await
        .map_err(ApiError::from)
}

async fn read(
    app: &App,
    partnership: PartnershipId,
    currency: &str,
    only: Only,
    page: &Page,
) -> Result<Slice<Line>, Fault> {
    let mut accounts = ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.eq(partnership))
        .filter(ledger_account::Column::Currency.eq(currency));
    if let Some(kinds) = only.accounts.clone() {
        accounts = accounts.filter(ledger_account::Column::Kind.is_in(kinds));
    }
    let accounts: HashMap<LedgerAccountId, LedgerAccountKind> = accounts
        .all(app.db.read())
        .await?
        .into_iter()
        .map(|row| (row.id, row.kind))
        .collect();
    let mut select =
        ledger_entry::Entity::find().filter(ledger_entry::Column::AccountId.is_in(accounts.keys().copied()));
    if let Some(transfers) = transfers(&only) {
        select = select.filter(ledger_entry::Column::TransferId.in_subquery(transfers.into_query()));
    }
    let slice = page::fetch(
        app.db.read(),
        select,
        ledger_entry::Column::Id,
        |row: &ledger_entry::Model| row.id.0,
        page,
    )
    .await?;
    let transfers = load_transfers(app, &slice).await?;
    let balances = balances(app, partnership, currency, &slice).await?;
    let mut lines = HashMap::new();
    for (_, entry) in &slice.items {
        let missing = || Fault::new(format!("entry {} stands alone", entry.id));
        let line = Line {
            entry: entry.clone(),
            account: *accounts.get(&entry.account_id).ok_or_else(missing)?,
            transfer: transfers.get(&entry.transfer_id).cloned().ok_or_else(missing)?,
            balance_minor: balances.get(&entry.id).copied().ok_or_else(missing)?,
        };
        lines.insert(entry.id, line);
    }
    Ok(Slice {
        items: slice
            .items
            .into_iter()
            .filter_map(|(cursor, entry)| Some((cursor, lines.remove(&entry.id)?)))
            .collect(),
        has_previous_page: slice.has_previous_page,
        has_next_page: slice.has_next_page,
        total: slice.total,
    })
}

/// The transfers to keep; none when any will do.
fn transfers(only: &Only) -> Option<Select<ledger_transfer::Entity>> {
    use ledger_transfer::{Column, Entity};
    if only.kinds.is_none() && only.from.is_none() && only.until.is_none() {
        return None;
    }
    let mut select = Entity::find().select_only().column(Column::Id);
    if let Some(kinds) = only.kinds.clone() {
        select = select.filter(Column::Kind.is_in(kinds));
    }
    if let Some(from) = only.from {
        select = select.filter(Column::OccurredAt.gte(from));
    }
    if let Some(until) = only.until {
        select = select.filter(Column::OccurredAt.lt(until));
    }
    Some(select)
}

async fn load_transfers(
    app: &App,
    slice: &Slice<ledger_entry::Model>,
) -> Result<HashMap<LedgerTransferId, ledger_transfer::Model>, DbErr> {
    let rows = ledger_transfer::Entity::find()
        .filter(ledger_transfer::Column::Id.is_in(slice.items.iter().map(|(_, entry)| entry.transfer_id)))
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

#[derive(FromQueryResult)]
struct Left {
    id: LedgerEntryId,
    balance_minor: i64,
}

/// What each entry left on its account: what stands there now, less what came after it. One statement, so that both are of the
/// same moment.
async fn balances(
    app: &App,
    partnership: PartnershipId,
    currency: &str,
    slice: &Slice<ledger_entry::Model>,
) -> Result<HashMap<LedgerEntryId, i64>, DbErr> {
    let Some(oldest) = slice.items.iter().map(|(_, entry)| entry.id).min() else {
        return Ok(HashMap::new());
    };
    let connection = app.db.read();
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT e.id AS id, CAST(a.balance_minor - COALESCE(SUM(e.amount_minor) OVER (
                PARTITION BY e.account_id ORDER BY e.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS BIGINT) AS balance_minor
         FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
         WHERE a.partnership_id = $1 AND a.currency = $2 AND e.id >= $3",
        [partnership.into(), currency.into(), oldest.into()],
    );
    let rows = Left::find_by_statement(statement).all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.balance_minor)).collect())
}
