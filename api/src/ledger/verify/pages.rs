//! What the databases cannot count, page by page.

use entity::{
    ids::{BrandId, CommissionId, CustomerId, PartnershipId},
    ledger_account::LedgerAccountKind,
};
use sea_orm::{ActiveEnum, DatabaseConnection, DbErr, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::VerifyError;
use crate::{ledger::post::owned_key, money::proportion};

/// What commissions are reversed by, and how much they are; what was rejected is not settled any more.
const REVERSALS: &str = "SELECT c.id, c.arithmetic, c.amount_minor, c.base_minor, c.reversed_minor,
        COALESCE(l.refunded_minor + l.shared_minor, v.refunded_minor) AS gone_minor
    FROM commissions c JOIN conversions v ON v.id = c.conversion_id LEFT JOIN order_lines l ON l.id = c.order_line_id
    WHERE c.state <> 'REJECTED' AND v.state <> 'REJECTED' AND c.id > $1 ORDER BY c.id LIMIT 1000";

const ACCOUNTS: &str = "SELECT account_key, brand_id, partnership_id, customer_id, kind, currency
    FROM ledger_accounts WHERE account_key > $1 ORDER BY account_key LIMIT 1000";

#[derive(FromQueryResult)]
struct Reversal {
    id: CommissionId,
    arithmetic: String,
    amount_minor: i64,
    base_minor: i64,
    reversed_minor: i64,
    gone_minor: i64,
}

impl Reversal {
    /// round-half-even(C × r / B): the product is too large for the arithmetic of the databases.
    fn wrong(&self) -> Option<String> {
        let gone = self.gone_minor.min(self.base_minor);
        let right = proportion(self.amount_minor, gone, self.base_minor);
        (self.reversed_minor != right).then(|| {
            format!(
                "{} ({} of {}: {})",
                self.id, self.reversed_minor, self.amount_minor, self.arithmetic
            )
        })
    }
}

#[derive(FromQueryResult)]
struct Account {
    account_key: String,
    brand_id: BrandId,
    partnership_id: Option<PartnershipId>,
    customer_id: Option<CustomerId>,
    kind: String,
    currency: String,
}

impl Account {
    /// What its key has to be; none where its kind is of other owners.
    fn right_key(&self) -> Option<String> {
        let kind = LedgerAccountKind::try_from_value(&self.kind).ok()?;
        let owner = match (kind, self.partnership_id, self.customer_id) {
            (
                LedgerAccountKind::Pending
                | LedgerAccountKind::Available
                | LedgerAccountKind::Reserve
                | LedgerAccountKind::InTransit,
                partnership,
                None,
            ) => partnership?.to_string(),
            (LedgerAccountKind::StoreCredit, None, customer) => customer?.to_string(),
            (
                LedgerAccountKind::CommissionExpense
                | LedgerAccountKind::PenaltyIncome
                | LedgerAccountKind::BadDebt
                | LedgerAccountKind::StoreCreditRedeemed
                | LedgerAccountKind::PayoutFeeExpense
                | LedgerAccountKind::Funding
                | LedgerAccountKind::CashBank
                | LedgerAccountKind::CashRazorpayx
                | LedgerAccountKind::CashPaypal
                | LedgerAccountKind::CashStripe,
                None,
                None,
            ) => self.brand_id.to_string(),
            _ => return None,
        };
        Some(owned_key(&owner, kind, &self.currency))
    }

    fn wrong(&self) -> Option<String> {
        match self.right_key() {
            Some(right) if right == self.account_key => None,
            Some(right) => Some(format!("{} (it is {right})", self.account_key)),
            None => Some(format!("{} (it is {} of somebody else)", self.account_key, self.kind)),
        }
    }
}

/// Reads pages of rows, each behind the last row of the one before, until one is wrong.
async fn first_wrong<Row: FromQueryResult>(
    connection: &DatabaseConnection,
    sql: &str,
    start: Value,
    key: impl Fn(&Row) -> Value,
    wrong: impl Fn(&Row) -> Option<String>,
) -> Result<Option<String>, DbErr> {
    let mut last = start;
    loop {
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [last]);
        let rows = Row::find_by_statement(statement).all(connection).await?;
        if let Some(wrong) = rows.iter().find_map(&wrong) {
            return Ok(Some(wrong));
        }
        match rows.last() {
            Some(row) => last = key(row),
            None => return Ok(None),
        }
    }
}

fn must_be_right(invariant: &'static str, wrong: Option<String>) -> Result<(), VerifyError> {
    match wrong {
        Some(row) => Err(VerifyError::Broken { invariant, row }),
        None => Ok(()),
    }
}

pub(super) async fn verify_reversals(connection: &DatabaseConnection) -> Result<(), VerifyError> {
    let start = CommissionId(Uuid::nil()).into();
    let key = |row: &Reversal| row.id.into();
    let wrong = first_wrong(connection, REVERSALS, start, key, Reversal::wrong).await?;
    must_be_right("a commission has lost its share of what is gone", wrong)
}

pub(super) async fn verify_accounts(connection: &DatabaseConnection) -> Result<(), VerifyError> {
    let key = |row: &Account| row.account_key.as_str().into();
    let wrong = first_wrong(connection, ACCOUNTS, "".into(), key, Account::wrong).await?;
    must_be_right("an account's key says whose it is, of what kind and currency", wrong)
}
