//! Reading the entries of one holder's accounts, each with what it left there.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    ids::{CustomerId, LedgerAccountId, LedgerEntryId, LedgerTransferId, PartnershipId},
    ledger_account::{self, LedgerAccountKind},
    ledger_entry,
    ledger_transfer::{self, TransferKind},
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select, Statement,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::{
    app::App,
    error::Fault,
    page::{self, Page, Slice},
};

/// Whose accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Partnership(PartnershipId),
    Customer(CustomerId),
}

/// Which entries; all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Only {
    pub accounts: Option<Vec<LedgerAccountKind>>,
    pub kinds: Option<Vec<TransferKind>>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

impl Only {
    /// Whether entries of this transfer are wanted.
    fn takes(&self, transfer: &ledger_transfer::Model) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&transfer.kind))
            && self.from.is_none_or(|from| transfer.occurred_at >= from)
            && self.until.is_none_or(|until| transfer.occurred_at < until)
    }

    /// The transfers to keep; none when any will do.
    fn transfers(&self) -> Option<Select<ledger_transfer::Entity>> {
        use ledger_transfer::{Column, Entity};
        if self.kinds.is_none() && self.from.is_none() && self.until.is_none() {
            return None;
        }
        let mut select = Entity::find().select_only().column(Column::Id);
        if let Some(kinds) = self.kinds.clone() {
            select = select.filter(Column::Kind.is_in(kinds));
        }
        if let Some(from) = self.from {
            select = select.filter(Column::OccurredAt.gte(from));
        }
        if let Some(until) = self.until {
            select = select.filter(Column::OccurredAt.lt(until));
        }
        Some(select)
    }
}

/// An entry with what it left on its account.
#[derive(Clone, Debug)]
pub struct Line {
    pub entry: ledger_entry::Model,
    pub account: LedgerAccountKind,
    pub transfer: ledger_transfer::Model,
    pub balance_minor: i64,
}

type Accounts = HashMap<LedgerAccountId, LedgerAccountKind>;

async fn find_accounts(app: &App, holder: Holder, currency: &str, only: &Only) -> Result<Accounts, DbErr> {
    use ledger_account::{Column, Entity};
    let mut accounts = Entity::find()
        .filter(match holder {
            Holder::Partnership(id) => Column::PartnershipId.eq(id),
            Holder::Customer(id) => Column::CustomerId.eq(id),
        })
        .filter(Column::Currency.eq(currency));
    if let Some(kinds) = only.accounts.clone() {
        accounts = accounts.filter(Column::Kind.is_in(kinds));
    }
    let rows = accounts.all(app.db.read()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.kind)).collect())
}

fn select(accounts: &Accounts, only: &Only) -> Select<ledger_entry::Entity> {
    let select = ledger_entry::Entity::find().filter(ledger_entry::Column::AccountId.is_in(accounts.keys().copied()));
    match only.transfers() {
        Some(transfers) => select.filter(ledger_entry::Column::TransferId.in_subquery(transfers.into_query())),
        None => select,
    }
}

/// A page of the entries of a holder in a currency, newest first.
pub async fn list_entries(
    app: &App,
    holder: Holder,
    currency: &str,
    only: Only,
    page: &Page,
) -> Result<Slice<Line>, Fault> {
    let accounts = find_accounts(app, holder, currency, &only).await?;
    let slice = page::fetch(
        app.db.read(),
        select(&accounts, &only),
        ledger_entry::Column::Id,
        |row: &ledger_entry::Model| row.id.0,
        page,
    )
    .await?;
    let transfers = load_transfers(app, slice.items.iter().map(|(_, entry)| entry)).await?;
    let balances = balances(app, &slice, page).await?;
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

async fn load_transfers(
    app: &App,
    entries: impl Iterator<Item = &ledger_entry::Model>,
) -> Result<HashMap<LedgerTransferId, ledger_transfer::Model>, DbErr> {
    let rows = ledger_transfer::Entity::find()
        .filter(ledger_transfer::Column::Id.is_in(entries.map(|entry| entry.transfer_id)))
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

#[derive(FromQueryResult)]
struct Left {
    id: LedgerEntryId,
    balance_minor: i64,
}

/// What stands on an account now, less what came after an entry of it.
const FROM_NOW: &str = "SELECT e.id AS id, CAST(a.balance_minor - COALESCE(SUM(e.amount_minor) OVER (
        PARTITION BY e.account_id ORDER BY e.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS BIGINT) AS balance_minor
    FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id WHERE e.id >= $1";

/// What came to an account until an entry of it, and with it.
const FROM_BEGINNING: &str = "SELECT e.id AS id, CAST(SUM(e.amount_minor) OVER (
        PARTITION BY e.account_id ORDER BY e.id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS BIGINT) AS balance_minor
    FROM ledger_entries e WHERE e.id <= $1";

/// What each entry of a page left on its account, counted from that end of the account which the page was asked from. An account may
/// have any number of entries on the way to the page: the database counts them, and only the page's own are read. One statement, so
/// that all is of the same moment.
async fn balances(
    app: &App,
    slice: &Slice<ledger_entry::Model>,
    page: &Page,
) -> Result<HashMap<LedgerEntryId, i64>, DbErr> {
    let entries = || slice.items.iter().map(|(_, entry)| entry);
    let (counted, farthest) = if page.from_end {
        (FROM_BEGINNING, entries().map(|entry| entry.id).max())
    } else {
        (FROM_NOW, entries().map(|entry| entry.id).min())
    };
    let Some(farthest) = farthest else {
        return Ok(HashMap::new());
    };
    let accounts: BTreeSet<LedgerAccountId> = entries().map(|entry| entry.account_id).collect();
    let places = |from: usize, count: usize| -> String {
        let places: Vec<String> = (from..from + count).map(|place| format!("${place}")).collect();
        places.join(", ")
    };
    let sql = format!(
        "SELECT id, balance_minor FROM ({counted} AND e.account_id IN ({})) counted WHERE id IN ({})",
        places(2, accounts.len()),
        places(2 + accounts.len(), slice.items.len())
    );
    let values = std::iter::once(farthest.into())
        .chain(accounts.iter().map(|id| (*id).into()))
        .chain(entries().map(|entry| entry.id.into()));
    let connection = app.db.read();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = Left::find_by_statement(statement).all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.balance_minor)).collect())
}

/// Entries that one statement reads.
const CHUNK: u64 = 1_000;

/// All wanted entries of a holder as they were when it was opened, oldest first, a bounded piece at a time. Every entry
/// between the first and the last wanted one is read, so that what each left is known.
pub struct History {
    app: App,
    only: Only,
    accounts: Accounts,
    balances: HashMap<LedgerAccountId, i64>,
    /// Behind which entry to go on; none before the first.
    after: Option<LedgerEntryId>,
    /// From the first to the last; none when there is nothing.
    ends: Option<(LedgerEntryId, LedgerEntryId)>,
    /// How many are wanted.
    pub count: u64,
}

impl History {
    /// Looks how many there are.
    pub async fn open(app: &App, holder: Holder, currency: &str, only: Only) -> Result<Self, Fault> {
        let accounts = find_accounts(app, holder, currency, &only).await?;
        let wanted = select(&accounts, &only);
        let last = first_id(app, wanted.clone().order_by_desc(ledger_entry::Column::Id)).await?;
        let mut history = Self {
            app: app.clone(),
            only,
            accounts,
            balances: HashMap::new(),
            after: None,
            ends: None,
            count: 0,
        };
        let Some(last) = last else {
            return Ok(history);
        };
        let wanted = wanted.filter(ledger_entry::Column::Id.lte(last));
        history.count = wanted.clone().count(app.db.read()).await?;
        let first = first_id(app, wanted.order_by_asc(ledger_entry::Column::Id)).await?;
        if let Some(first) = first {
            history.ends = Some((first, last));
            history.balances = history.balances_before(first).await?;
        }
        Ok(history)
    }

    async fn balances_before(&self, first: LedgerEntryId) -> Result<HashMap<LedgerAccountId, i64>, DbErr> {
        use ledger_entry::{Column, Entity};
        let rows: Vec<(LedgerAccountId, i64)> = Entity::find()
            .select_only()
            .column(Column::AccountId)
            .column_as(Func::sum(Expr::col(Column::AmountMinor)).cast_as("bigint"), "sum")
            .filter(Column::AccountId.is_in(self.accounts.keys().copied()))
            .filter(Column::Id.lt(first))
            .group_by(Column::AccountId)
            .into_tuple()
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// The next piece, which may hold nothing that is wanted; none behind the last entry.
    pub async fn next(&mut self) -> Result<Option<Vec<Line>>, Fault> {
        use ledger_entry::{Column, Entity};
        let Some((first, last)) = self.ends else {
            return Ok(None);
        };
        let from = match self.after {
            Some(after) => Column::Id.gt(after),
            None => Column::Id.gte(first),
        };
        let entries = Entity::find()
            .filter(Column::AccountId.is_in(self.accounts.keys().copied()))
            .filter(from)
            .filter(Column::Id.lte(last))
            .order_by_asc(Column::Id)
            .limit(CHUNK)
            .all(self.app.db.read())
            .await?;
        let Some(end) = entries.last() else {
            return Ok(None);
        };
        self.after = Some(end.id);
        let transfers = load_transfers(&self.app, entries.iter()).await?;
        let mut lines = Vec::new();
        for entry in entries {
            let missing = || Fault::new(format!("entry {} stands alone", entry.id));
            let balance = self.balances.entry(entry.account_id).or_insert(0);
            *balance += entry.amount_minor;
            let transfer = transfers.get(&entry.transfer_id).ok_or_else(missing)?;
            if self.only.takes(transfer) {
                lines.push(Line {
                    account: *self.accounts.get(&entry.account_id).ok_or_else(missing)?,
                    balance_minor: *balance,
                    transfer: transfer.clone(),
                    entry,
                });
            }
        }
        Ok(Some(lines))
    }
}

async fn first_id(app: &App, ordered: Select<ledger_entry::Entity>) -> Result<Option<LedgerEntryId>, DbErr> {
    ordered
        .select_only()
        .column(ledger_entry::Column::Id)
        .limit(1)
        .into_tuple()
        .one(app.db.read())
        .await
}
