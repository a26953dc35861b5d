//! Posting: the only way to move money.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Display,
};

use chrono::{DateTime, Utc};
use entity::{
    ids::{
        AdjustmentId, BrandId, CommissionId, CustomerId, LedgerAccountId, LedgerTransferId, PartnerId, PartnershipId,
        PayoutId, StoreCreditRedemptionId,
    },
    ledger_account::{self, LedgerAccountKind},
    ledger_entry,
    ledger_transfer::{self, TransferKind},
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict},
};

use crate::{app::App, error::Fault, infra::db::INSERT_CHUNK, money::Currency};

/// Keys looked for by one statement: below the 32,766 values a statement of SQLite may bind.
const SELECT_CHUNK: usize = 10_000;

/// Who owns an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A liability to a partner, with a cached balance.
    Partnership {
        partnership: PartnershipId,
        partner: PartnerId,
    },
    /// A liability to a customer, with a cached balance.
    Customer { customer: CustomerId },
    /// The brand's own side, summed when asked.
    Brand,
}

/// One side of a transfer. Credits are positive, debits negative.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub owner: Owner,
    pub kind: LedgerAccountKind,
    pub amount_minor: i64,
}

/// A cause and the lines it moves.
#[derive(Clone, Debug)]
pub struct Posting {
    /// Names the cause, with a number where the same thing may happen again.
    pub key: String,
    pub kind: TransferKind,
    pub brand: BrandId,
    pub currency: Currency,
    pub commission: Option<CommissionId>,
    pub payout: Option<PayoutId>,
    pub adjustment: Option<AdjustmentId>,
    pub redemption: Option<StoreCreditRedemptionId>,
    pub occurred_at: DateTime<Utc>,
    pub lines: Vec<Line>,
}

impl Posting {
    fn check(&self) -> Result<(), Fault> {
        let sum: i128 = self.lines.iter().map(|line| i128::from(line.amount_minor)).sum();
        if sum != 0 {
            return Err(Fault::new(format!("transfer {} sums to {sum}, not to zero", self.key)));
        }
        Ok(())
    }
}

fn account_key(brand: BrandId, owner: Owner, kind: LedgerAccountKind, currency: Currency) -> String {
    match owner {
        Owner::Partnership { partnership, .. } => owned_key(&partnership, kind, currency.code()),
        Owner::Customer { customer } => owned_key(&customer, kind, currency.code()),
        Owner::Brand => owned_key(&brand, kind, currency.code()),
    }
}

/// The key of an account, by the id of whoever it belongs to.
pub(super) fn owned_key(owner: &impl Display, kind: LedgerAccountKind, currency: &str) -> String {
    format!("{owner}:{}:{currency}", kind.to_value())
}

/// Posts what was not posted before; a key that stands already is left alone. Lines of zero are dropped.
pub async fn post_in_tx(tx: &DatabaseTransaction, app: &App, postings: Vec<Posting>) -> Result<(), Fault> {
    let mut postings = postings;
    for posting in &mut postings {
        posting.check()?;
        posting.lines.retain(|line| line.amount_minor != 0);
    }
    postings.retain(|posting| !posting.lines.is_empty());
    let mut known: HashSet<String> = HashSet::new();
    for chunk in postings.chunks(SELECT_CHUNK) {
        let keys: Vec<String> = ledger_transfer::Entity::find()
            .select_only()
            .column(ledger_transfer::Column::TransferKey)
            .filter(ledger_transfer::Column::TransferKey.is_in(chunk.iter().map(|posting| posting.key.as_str())))
            .into_tuple()
            .all(tx)
            .await?;
        known.extend(keys);
    }
    postings.retain(|posting| !known.contains(&posting.key));
    if postings.is_empty() {
        return Ok(());
    }
    let accounts = open_accounts_in_tx(tx, app, &postings).await?;
    move_balances_in_tx(tx, &postings).await?;
    insert_rows_in_tx(tx, app, &postings, &accounts).await
}

type Accounts = BTreeMap<String, LedgerAccountId>;

/// The accounts of these postings, made where they are missing.
async fn open_accounts_in_tx(tx: &DatabaseTransaction, app: &App, postings: &[Posting]) -> Result<Accounts, Fault> {
    let now = app.clock.now();
    let mut wanted = BTreeMap::new();
    for posting in postings {
        for line in &posting.lines {
            let key = account_key(posting.brand, line.owner, line.kind, posting.currency);
            let (partnership_id, partner_id, customer_id) = match line.owner {
                Owner::Partnership { partnership, partner } => (Some(partnership), Some(partner), None),
                Owner::Customer { customer } => (None, None, Some(customer)),
                Owner::Brand => (None, None, None),
            };
            wanted
                .entry(key.clone())
                .or_insert_with(|| ledger_account::ActiveModel {
                    id: Set(app.ids.new_id(now)),
                    account_key: Set(key),
                    brand_id: Set(posting.brand),
                    partnership_id: Set(partnership_id),
                    partner_id: Set(partner_id),
                    customer_id: Set(customer_id),
                    kind: Set(line.kind),
                    currency: Set(posting.currency.code().to_owned()),
                    balance_minor: Set((line.owner != Owner::Brand).then_some(0)),
                });
        }
    }
    let mut accounts = find_accounts_in_tx(tx, wanted.keys()).await?;
    let missing: Vec<_> = wanted
        .iter()
        .filter(|(key, _)| !accounts.contains_key(*key))
        .map(|(_, row)| row.clone())
        .collect();
    for chunk in missing.chunks(INSERT_CHUNK) {
        ledger_account::Entity::insert_many(chunk.to_vec())
            .on_conflict(
                OnConflict::column(ledger_account::Column::AccountKey)
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    if !missing.is_empty() {
        accounts = find_accounts_in_tx(tx, wanted.keys()).await?;
    }
    Ok(accounts)
}

async fn find_accounts_in_tx(tx: &DatabaseTransaction, keys: impl Iterator<Item = &String>) -> Result<Accounts, Fault> {
    let rows: Vec<(String, LedgerAccountId)> = ledger_account::Entity::find()
        .select_only()
        .column(ledger_account::Column::AccountKey)
        .column(ledger_account::Column::Id)
        .filter(ledger_account::Column::AccountKey.is_in(keys.map(String::as_str)))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Moves the cached balances: several are locked in the order of their accounts' keys first, so that two transactions
/// never wait for each other.
async fn move_balances_in_tx(tx: &DatabaseTransaction, postings: &[Posting]) -> Result<(), Fault> {
    use ledger_account::{Column, Entity};
    let mut moves: BTreeMap<String, i64> = BTreeMap::new();
    for posting in postings {
        for line in posting.lines.iter().filter(|line| line.owner != Owner::Brand) {
            let key = account_key(posting.brand, line.owner, line.kind, posting.currency);
            *moves.entry(key).or_insert(0) += line.amount_minor;
        }
    }
    let moves: Vec<(String, i64)> = moves.into_iter().collect();
    for chunk in moves.chunks(INSERT_CHUNK) {
        let keys = || chunk.iter().map(|(key, _)| key.as_str());
        if chunk.len() > 1 {
            let _locked: Vec<LedgerAccountId> = Entity::find()
                .select_only()
                .column(Column::Id)
                .filter(Column::AccountKey.is_in(keys()))
                .order_by_asc(Column::AccountKey)
                .lock_exclusive()
                .into_tuple()
                .all(tx)
                .await?;
        }
        let delta = chunk.iter().fold(CaseStatement::new(), |case, (key, delta)| {
            case.case(Expr::col(Column::AccountKey).eq(key), Expr::value(*delta))
        });
        let balance = Expr::col(Column::BalanceMinor).add(Expr::expr(delta));
        let moved = Entity::update_many()
            .col_expr(Column::BalanceMinor, balance.clone())
            .filter(Column::AccountKey.is_in(keys()))
            .filter(
                Condition::any()
                    .add(Column::Kind.eq(LedgerAccountKind::Available))
                    .add(balance.gte(0)),
            )
            .exec(tx)
            .await?
            .rows_affected;
        if moved != chunk.len() as u64 {
            return Err(Fault::new(format!("these accounts cannot move so: {chunk:?}")));
        }
    }
    Ok(())
}

async fn insert_rows_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    postings: &[Posting],
    accounts: &Accounts,
) -> Result<(), Fault> {
    let now = app.clock.now();
    let mut transfers = Vec::new();
    let mut entries = Vec::new();
    for posting in postings {
        let transfer: LedgerTransferId = app.ids.new_id(now);
        transfers.push(ledger_transfer::ActiveModel {
            id: Set(transfer),
            transfer_key: Set(posting.key.clone()),
            brand_id: Set(posting.brand),
            kind: Set(posting.kind),
            currency: Set(posting.currency.code().to_owned()),
            commission_id: Set(posting.commission),
            payout_id: Set(posting.payout),
            adjustment_id: Set(posting.adjustment),
            redemption_id: Set(posting.redemption),
            occurred_at: Set(posting.occurred_at),
        });
        for line in &posting.lines {
            let key = account_key(posting.brand, line.owner, line.kind, posting.currency);
            let account = accounts
                .get(&key)
                .ok_or_else(|| Fault::new(format!("account {key} was not opened")))?;
            entries.push(ledger_entry::ActiveModel {
                id: Set(app.ids.new_id(now)),
                transfer_id: Set(transfer),
                account_id: Set(*account),
                amount_minor: Set(line.amount_minor),
            });
        }
    }
    for chunk in transfers.chunks(INSERT_CHUNK) {
        ledger_transfer::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    for chunk in entries.chunks(INSERT_CHUNK) {
        ledger_entry::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}
