//! What must hold after every step: the model's numbers, and the ledger's invariants over everything this sequence has posted.

use std::collections::{BTreeMap, BTreeSet};

use entity::ids::{CommissionId, CustomerId, LedgerTransferId, PartnershipId, PayoutId};
use sea_orm::{FromQueryResult, Statement};
use uuid::Uuid;

use super::{
    model::{Account, Commission, Model, Owner},
    operations::Coin,
    world::World,
};

/// Entries with their transfers and accounts. Ids grow, so what is new is behind what was read.
const ENTRIES: &str =
    "SELECT t.id AS transfer_id, t.transfer_key, t.kind AS cause, t.currency, t.commission_id, t.payout_id,
        a.kind, a.currency AS account_currency, a.partnership_id, a.customer_id, e.amount_minor
    FROM ledger_transfers t JOIN ledger_entries e ON e.transfer_id = t.id JOIN ledger_accounts a ON a.id = e.account_id
    WHERE t.id > $1 ORDER BY t.id, e.id";

const BALANCES: &str = "SELECT kind, currency, partnership_id, customer_id, balance_minor FROM ledger_accounts
        WHERE partnership_id IN ($1, $2)
    UNION ALL SELECT kind, currency, partnership_id, customer_id, balance_minor FROM ledger_accounts WHERE customer_id = $3";

const COMMISSIONS: &str = "SELECT conversion_id, partnership_id, currency, amount_minor, reversed_minor, reserve_minor,
        reserve_left_minor, paid_minor
    FROM commissions WHERE partnership_id IN ($1, $2)";

const PAYOUTS: &str =
    "SELECT id, state, amount_minor, fee_minor, fee_currency FROM payouts WHERE partnership_id IN ($1, $2)";

#[derive(FromQueryResult)]
struct Entry {
    transfer_id: LedgerTransferId,
    transfer_key: String,
    cause: String,
    currency: String,
    commission_id: Option<CommissionId>,
    payout_id: Option<PayoutId>,
    kind: String,
    account_currency: String,
    partnership_id: Option<PartnershipId>,
    customer_id: Option<CustomerId>,
    amount_minor: i64,
}

#[derive(FromQueryResult)]
struct Balance {
    kind: String,
    currency: String,
    partnership_id: Option<PartnershipId>,
    customer_id: Option<CustomerId>,
    balance_minor: i64,
}

#[derive(FromQueryResult)]
struct Row {
    conversion_id: entity::ids::ConversionId,
    partnership_id: PartnershipId,
    currency: String,
    amount_minor: i64,
    reversed_minor: i64,
    reserve_minor: i64,
    reserve_left_minor: i64,
    paid_minor: i64,
}

#[derive(FromQueryResult)]
struct PayoutRow {
    id: PayoutId,
    state: String,
    amount_minor: i64,
    fee_minor: Option<i64>,
    fee_currency: Option<String>,
}

/// Sums of accounts, by whose they are, kind and currency.
type Sums = BTreeMap<(Owner, String, String), i64>;

/// What was posted so far.
#[derive(Clone)]
pub struct Seen {
    last: LedgerTransferId,
    keys: BTreeSet<String>,
    /// What may happen to a commission or a payout once only, and has.
    ends: BTreeSet<(&'static str, Uuid)>,
    sums: Sums,
}

fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

impl Seen {
    /// Nothing of what is there now is of this sequence.
    pub fn from_now(world: &World) -> Self {
        Self {
            last: world.app.app.ids.new_id(world.app.now()),
            keys: BTreeSet::new(),
            ends: BTreeSet::new(),
            sums: Sums::new(),
        }
    }

    /// Compares everything with the model; what was posted since the last time.
    pub async fn check(&mut self, world: &World, model: &Model) -> Result<Vec<String>, String> {
        let causes = self.read_entries(world).await?;
        let wanted = sums_of(&model.balances);
        compare("the entries", &self.sums, &wanted)?;
        let balances = balances(world).await?;
        must(
            balances
                .iter()
                .all(|((_, kind, _), sum)| kind == "AVAILABLE" || *sum >= 0),
            || format!("an account that is not AVAILABLE is below zero: {balances:?}"),
        )?;
        let cached = wanted
            .into_iter()
            .filter(|((owner, ..), _)| *owner != Owner::Brand)
            .collect();
        compare("the cached balances", &balances, &cached)?;
        check_commissions(world, model).await?;
        check_payouts(world, model).await?;
        Ok(causes)
    }

    async fn read_entries(&mut self, world: &World) -> Result<Vec<String>, String> {
        let rows: Vec<Entry> = read(world, ENTRIES, [self.last.into()]).await?;
        let mut causes = Vec::new();
        let mut rest = rows.as_slice();
        while let Some(first) = rest.first() {
            let count = rest
                .iter()
                .take_while(|row| row.transfer_id == first.transfer_id)
                .count();
            let (transfer, others) = rest.split_at(count);
            causes.extend(self.read_transfer(world, transfer)?);
            self.last = first.transfer_id;
            rest = others;
        }
        Ok(causes)
    }

    /// What caused it; nothing where it is not of this sequence.
    fn read_transfer(&mut self, world: &World, entries: &[Entry]) -> Result<Option<String>, String> {
        let key = &entries[0].transfer_key;
        let sum: i64 = entries.iter().map(|entry| entry.amount_minor).sum();
        must(sum == 0 && entries.len() > 1, || format!("{key} sums to {sum}"))?;
        must(
            entries.iter().all(|entry| entry.currency == entry.account_currency),
            || format!("{key} mixes currencies"),
        )?;
        must(self.keys.insert(key.clone()), || format!("{key} was posted twice"))?;
        let owners: Option<Vec<Owner>> = entries
            .iter()
            .map(|entry| world.owner(entry.partnership_id, entry.customer_id))
            .collect();
        // A reserve of an earlier sequence whose time has come.
        let Some(owners) = owners else { return Ok(None) };
        let once = match entries[0].cause.as_str() {
            "RESERVE_RELEASED" => entries[0].commission_id.map(|id| ("release", id.0)),
            "PAYOUT_CANCELLED" | "PAYOUT_FAILED" | "PAYOUT_RETURNED" => entries[0].payout_id.map(|id| ("return", id.0)),
            "PAYOUT_PAID" => entries[0].payout_id.map(|id| ("payment", id.0)),
            _ => None,
        };
        if let Some(once) = once {
            must(self.ends.insert(once), || format!("{key} is a second {}", once.0))?;
        }
        for (owner, entry) in owners.into_iter().zip(entries) {
            let account = (owner, entry.kind.clone(), entry.currency.clone());
            *self.sums.entry(account).or_default() += entry.amount_minor;
        }
        Ok(Some(entries[0].cause.clone()))
    }
}

impl World {
    /// Whose an account is; none of another sequence's.
    fn owner(&self, partnership: Option<PartnershipId>, customer: Option<CustomerId>) -> Option<Owner> {
        match (partnership, customer) {
            (Some(id), _) => self.parties.iter().position(|party| *party == id).map(Owner::Party),
            (None, Some(id)) => (self.customer == Some(id)).then_some(Owner::Customer),
            (None, None) => Some(Owner::Brand),
        }
    }
}

async fn read<T: FromQueryResult, const N: usize>(
    world: &World,
    sql: &str,
    values: [sea_orm::Value; N],
) -> Result<Vec<T>, String> {
    let db = world.app.db();
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    T::find_by_statement(statement)
        .all(db)
        .await
        .map_err(|error| error.to_string())
}

fn sums_of(balances: &BTreeMap<Account, i64>) -> Sums {
    let own =
        |((owner, kind, coin), sum): (&Account, &i64)| ((*owner, (*kind).to_owned(), coin.code().to_owned()), *sum);
    balances.iter().map(own).collect()
}

/// An account that was never opened holds nothing.
fn compare(what: &str, found: &Sums, wanted: &Sums) -> Result<(), String> {
    let accounts: BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
    let at = |sums: &Sums, account: &_| sums.get(account).copied().unwrap_or(0);
    let wrong: Vec<String> = accounts
        .into_iter()
        .filter(|account| at(found, account) != at(wanted, account))
        .map(|account| {
            let (owner, kind, currency) = account;
            let (found, wanted) = (at(found, account), at(wanted, account));
            format!("{owner:?} {kind} {currency} is {found}, not {wanted}")
        })
        .collect();
    must(wrong.is_empty(), || format!("{what}: {}", wrong.join("; ")))
}

async fn balances(world: &World) -> Result<Sums, String> {
    let [one, two] = world.parties;
    let customer = world.customer.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<Balance> = read(world, BALANCES, [one.into(), two.into(), customer.into()]).await?;
    let mut sums = Sums::new();
    for row in rows {
        if let Some(owner) = world.owner(row.partnership_id, row.customer_id) {
            sums.insert((owner, row.kind, row.currency), row.balance_minor);
        }
    }
    Ok(sums)
}

fn coin(code: &str) -> Coin {
    match code {
        "EUR" => Coin::Eur,
        "USD" => Coin::Usd,
        _ => Coin::Gbp,
    }
}

async fn check_commissions(world: &World, model: &Model) -> Result<(), String> {
    let [one, two] = world.parties;
    let rows: Vec<Row> = read(world, COMMISSIONS, [one.into(), two.into()]).await?;
    let mut found: Vec<Commission> = Vec::with_capacity(rows.len());
    for row in rows {
        let order = world.orders.iter().position(|(id, _)| *id == row.conversion_id);
        let party = world.parties.iter().position(|id| *id == row.partnership_id);
        let (Some(order), Some(party)) = (order, party) else {
            return Err("a commission of nothing that was sold".to_owned());
        };
        must(
            row.reversed_minor >= 0 && row.reversed_minor <= row.amount_minor,
            || {
                format!(
                    "{} of a commission of {} are reversed",
                    row.reversed_minor, row.amount_minor
                )
            },
        )?;
        found.push(Commission {
            order,
            party,
            coin: coin(&row.currency),
            amount: row.amount_minor,
            reversed: row.reversed_minor,
            reserve: row.reserve_minor,
            reserve_left: row.reserve_left_minor,
            paid: row.paid_minor,
        });
    }
    found.sort_by_key(|row| (row.order, row.party));
    must(found == model.commissions, || {
        format!("the commissions are {found:?}, not {:?}", model.commissions)
    })
}

async fn check_payouts(world: &World, model: &Model) -> Result<(), String> {
    let [one, two] = world.parties;
    let rows: Vec<PayoutRow> = read(world, PAYOUTS, [one.into(), two.into()]).await?;
    must(rows.len() == model.payouts.len(), || {
        format!("{} payouts, not {}", rows.len(), model.payouts.len())
    })?;
    for (index, wanted) in model.payouts.iter().enumerate() {
        let id = world.payouts[index];
        let row = rows.iter().find(|row| row.id == id).ok_or("a payout is gone")?;
        let fee = (row.fee_minor, row.fee_currency.as_deref());
        let known = (wanted.fee.map(|fee| fee.minor), wanted.fee.map(|fee| fee.coin.code()));
        must(
            row.state == wanted.state.text() && row.amount_minor == wanted.amount && fee == known,
            || {
                let state = wanted.state.text();
                format!(
                    "payout {index} is {} of {} with a fee of {fee:?}, not {state} of {} with {known:?}",
                    row.state, row.amount_minor, wanted.amount
                )
            },
        )?;
    }
    Ok(())
}
