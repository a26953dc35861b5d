//! Reading balances.

use std::collections::BTreeMap;

use entity::{
    ids::{BrandId, CustomerId, LedgerAccountId, PartnershipId},
    ledger_account::{self, LedgerAccountKind},
    ledger_entry,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};

use crate::app::App;

/// What one partnership holds in one currency, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub pending_minor: i64,
    pub available_minor: i64,
    pub reserve_minor: i64,
    pub in_transit_minor: i64,
}

/// Balances of partnerships by currency.
pub async fn list_balances(
    app: &App,
    partnerships: &[PartnershipId],
) -> Result<BTreeMap<PartnershipId, BTreeMap<String, Balance>>, DbErr> {
    let rows = ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.is_in(partnerships.iter().copied()))
        .all(app.db.read())
        .await?;
    let mut balances: BTreeMap<PartnershipId, BTreeMap<String, Balance>> = BTreeMap::new();
    for row in rows {
        let Some(partnership) = row.partnership_id else {
            continue;
        };
        let balance = balances
            .entry(partnership)
            .or_default()
            .entry(row.currency)
            .or_default();
        let amount = row.balance_minor.unwrap_or(0);
        match row.kind {
            LedgerAccountKind::Pending => balance.pending_minor = amount,
            LedgerAccountKind::Available => balance.available_minor = amount,
            LedgerAccountKind::Reserve => balance.reserve_minor = amount,
            LedgerAccountKind::InTransit => balance.in_transit_minor = amount,
            LedgerAccountKind::StoreCredit
            | LedgerAccountKind::CommissionExpense
            | LedgerAccountKind::PenaltyIncome
            | LedgerAccountKind::BadDebt
            | LedgerAccountKind::StoreCreditRedeemed
            | LedgerAccountKind::PayoutFeeExpense
            | LedgerAccountKind::Funding
            | LedgerAccountKind::CashBank
            | LedgerAccountKind::CashRazorpayx
            | LedgerAccountKind::CashPaypal
            | LedgerAccountKind::CashStripe => {}
        }
    }
    Ok(balances)
}

/// A partnership's available balance, locked until the transaction ends.
pub async fn lock_available_in_tx(
    tx: &DatabaseTransaction,
    partnership: PartnershipId,
    currency: &str,
) -> Result<i64, DbErr> {
    let account = ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.eq(partnership))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::Available))
        .filter(ledger_account::Column::Currency.eq(currency))
        .lock_exclusive()
        .one(tx)
        .await?;
    Ok(account.and_then(|account| account.balance_minor).unwrap_or(0))
}

/// Whether a partnership has ever held anything in a currency.
pub async fn has_account_in_tx(
    tx: &DatabaseTransaction,
    partnership: PartnershipId,
    currency: &str,
) -> Result<bool, DbErr> {
    ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.eq(partnership))
        .filter(ledger_account::Column::Currency.eq(currency))
        .count(tx)
        .await
        .map(|accounts| accounts > 0)
}

/// What customers have of store credit, by currency, in minor units.
pub async fn list_store_credit(
    app: &App,
    customers: &[CustomerId],
) -> Result<BTreeMap<CustomerId, BTreeMap<String, i64>>, DbErr> {
    let rows = ledger_account::Entity::find()
        .filter(ledger_account::Column::CustomerId.is_in(customers.iter().copied()))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::StoreCredit))
        .all(app.db.read())
        .await?;
    let mut credit: BTreeMap<CustomerId, BTreeMap<String, i64>> = BTreeMap::new();
    for row in rows {
        if let Some(customer) = row.customer_id {
            let of_customer = credit.entry(customer).or_default();
            of_customer.insert(row.currency, row.balance_minor.unwrap_or(0));
        }
    }
    Ok(credit)
}

/// What a customer has of store credit in a currency, locked until the transaction ends.
pub async fn lock_store_credit_in_tx(
    tx: &DatabaseTransaction,
    customer: CustomerId,
    currency: &str,
) -> Result<i64, DbErr> {
    let account = ledger_account::Entity::find()
        .filter(ledger_account::Column::CustomerId.eq(customer))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::StoreCredit))
        .filter(ledger_account::Column::Currency.eq(currency))
        .lock_exclusive()
        .one(tx)
        .await?;
    Ok(account.and_then(|account| account.balance_minor).unwrap_or(0))
}

/// Locks the available balances of partnerships until the transaction ends, in sorted order.
///
/// Money is always locked in this order, whoever moves it: available balances, commissions, other balances. A refund that
/// held a commission and waited for the balance would block a payout that holds the balance and waits for the commission.
pub async fn lock_all_available_in_tx(
    tx: &DatabaseTransaction,
    partnerships: impl IntoIterator<Item = PartnershipId>,
) -> Result<(), DbErr> {
    ledger_account::Entity::find()
        .select_only()
        .column(ledger_account::Column::Id)
        .filter(ledger_account::Column::PartnershipId.is_in(partnerships))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::Available))
        .order_by_asc(ledger_account::Column::AccountKey)
        .lock_exclusive()
        .into_tuple::<LedgerAccountId>()
        .all(tx)
        .await
        .map(drop)
}

/// The same in one currency, with what is there, where that is not nothing.
pub async fn lock_available_of_in_tx(
    tx: &DatabaseTransaction,
    partnerships: impl IntoIterator<Item = PartnershipId>,
    currency: &str,
) -> Result<Vec<(LedgerAccountId, PartnershipId, i64)>, DbErr> {
    let rows = ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.is_in(partnerships))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::Available))
        .filter(ledger_account::Column::Currency.eq(currency))
        .order_by_asc(ledger_account::Column::AccountKey)
        .lock_exclusive()
        .all(tx)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some((
                row.id,
                row.partnership_id?,
                row.balance_minor.filter(|balance| *balance != 0)?,
            ))
        })
        .collect())
}

/// The sum of one kind of a brand's accounts in one currency.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct KindTotal {
    pub kind: String,
    pub currency: String,
    pub total_minor: i64,
}

/// Every kind of account of a brand, summed over its entries: liabilities to partners and customers, and the brand's own side.
pub async fn list_brand_totals(app: &App, brand: BrandId) -> Result<Vec<KindTotal>, DbErr> {
    let connection = app.db.read();
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        format!(
            "SELECT a.kind AS kind, a.currency AS currency, CAST(SUM(e.amount_minor) AS BIGINT) AS total_minor
             FROM {entries} e JOIN {accounts} a ON a.id = e.account_id
             WHERE a.brand_id = $1 GROUP BY a.kind, a.currency",
            entries = sea_orm::EntityName::table_name(&ledger_entry::Entity),
            accounts = sea_orm::EntityName::table_name(&ledger_account::Entity),
        ),
        [brand.into()],
    );
    let mut totals = KindTotal::find_by_statement(statement).all(connection).await?;
    totals.sort_by(|a, b| (&a.currency, &a.kind).cmp(&(&b.currency, &b.kind)));
    Ok(totals)
}
