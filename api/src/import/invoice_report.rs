//! The table at the end of a replay. All of it but the last line is read from the database or follows from the file, so
//! every run over the same file prints the same, on both databases.

use std::{collections::BTreeMap, fmt::Write};

use entity::{commission, conversion, ids::BrandId, order, refund};
use sea_orm::{DbErr, EntityName, FromQueryResult, Statement};

use super::invoice_file::Line;
use crate::{
    app::App,
    error::Fault,
    ledger::{balances, verify},
    money::Money,
};

/// Examples shown of each kind of refused line.
const EXAMPLES: usize = 3;

/// What a run met, beside what the database remembers.
#[derive(Default)]
pub struct Tally {
    recorded: u64,
    replayed: u64,
    refused: BTreeMap<&'static str, (u64, Vec<String>)>,
    partly_unmatched: u64,
    partly_unmatched_minor: i64,
}

impl Tally {
    pub fn recorded(&mut self, replayed: bool) {
        if replayed {
            self.replayed += 1;
        } else {
            self.recorded += 1;
        }
    }

    pub fn refuse(&mut self, line: &Line, code: &'static str) {
        let (count, examples) = self.refused.entry(code).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(format!("{} (line {})", line.invoice, line.number));
        }
    }

    /// A cancellation of which more than was left of the customer's orders was asked.
    pub fn partly_unmatched(&mut self, unmatched_minor: i64) {
        self.partly_unmatched += 1;
        self.partly_unmatched_minor += unmatched_minor;
    }
}

#[derive(FromQueryResult)]
struct Sum {
    count: i64,
    amount_minor: i64,
    currency: String,
}

#[derive(FromQueryResult)]
struct Group {
    name: String,
    state: String,
    count: i64,
    amount_minor: i64,
    reversed_minor: i64,
    currency: String,
}

async fn read<T: FromQueryResult>(app: &App, brand: BrandId, sql: &str) -> Result<Vec<T>, DbErr> {
    let connection = app.db.read();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [brand.into()]);
    T::find_by_statement(statement).all(connection).await
}

fn money(amount_minor: i64, currency: &str) -> Result<String, Fault> {
    Ok(Money::new(amount_minor, currency.parse().map_err(Fault::new)?).to_string())
}

/// Writes the table.
pub async fn write(app: &App, brand: BrandId, tally: &Tally) -> Result<String, Fault> {
    let mut out = String::new();
    write_events(app, brand, &mut out).await?;
    write_refused(tally, &mut out)?;
    write_commissions(app, brand, &mut out).await?;
    out.push_str("\nMoney by account\n");
    for total in balances::list_brand_totals(app, brand).await? {
        let _ = writeln!(
            out,
            "  {:<22}{:>20}",
            total.kind,
            money(total.total_minor, &total.currency)?
        );
    }
    let verified = verify::verify(app).await.map_err(Fault::new)?;
    let _ = writeln!(out, "\n{verified}");
    let _ = writeln!(
        out,
        "\nThis run: {} events recorded, {} were there before",
        tally.recorded, tally.replayed
    );
    Ok(out)
}

async fn write_events(app: &App, brand: BrandId, out: &mut String) -> Result<(), Fault> {
    let orders = order::Entity.table_name();
    for (name, table) in [("Orders", orders), ("Refunds", refund::Entity.table_name())] {
        let sql = format!(
            "SELECT COUNT(*) AS count, CAST(SUM(amount_minor) AS BIGINT) AS amount_minor, currency
             FROM {table} WHERE brand_id = $1 GROUP BY currency ORDER BY currency"
        );
        for sum in read::<Sum>(app, brand, &sql).await? {
            let _ = writeln!(
                out,
                "{name:<24}{:>8}{:>20}",
                sum.count,
                money(sum.amount_minor, &sum.currency)?
            );
        }
    }
    for (name, condition) in [
        ("of guests", "customer_id IS NULL"),
        ("for nothing", "amount_minor = 0"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) AS amount_minor,
                    COALESCE(MIN(currency), 'GBP') AS currency
             FROM {orders} WHERE brand_id = $1 AND {condition}"
        );
        for sum in read::<Sum>(app, brand, &sql).await? {
            let _ = writeln!(
                out,
                "  orders {name:<15}{:>8}{:>20}",
                sum.count,
                money(sum.amount_minor, &sum.currency)?
            );
        }
    }
    let sql = format!(
        "SELECT event AS name, CASE WHEN partnership_id IS NULL THEN 'uncredited' ELSE 'credited' END || ' ' || state
                AS state, COUNT(*) AS count, CAST(SUM(amount_minor) AS BIGINT) AS amount_minor,
                CAST(SUM(refunded_minor) AS BIGINT) AS reversed_minor, 'GBP' AS currency
         FROM {} WHERE brand_id = $1 GROUP BY 1, 2",
        conversion::Entity.table_name()
    );
    out.push_str("\nConversions                        count              amount            refunded\n");
    write_groups(read(app, brand, &sql).await?, out)
}

fn write_refused(tally: &Tally, out: &mut String) -> Result<(), Fault> {
    out.push_str("\nRefused lines\n");
    for (code, (count, examples)) in &tally.refused {
        let _ = writeln!(out, "  {code:<30}{count:>8}   e.g. {}", examples.join(", "));
    }
    let unmatched = money(tally.partly_unmatched_minor, "GBP")?;
    let _ = writeln!(
        out,
        "  {:<30}{:>8}   {unmatched} more was cancelled than was left of the orders",
        "(matched in part)", tally.partly_unmatched
    );
    Ok(())
}

async fn write_commissions(app: &App, brand: BrandId, out: &mut String) -> Result<(), Fault> {
    let sql = format!(
        "SELECT 'level ' || CAST(level AS TEXT) AS name, state, COUNT(*) AS count,
                CAST(SUM(amount_minor) AS BIGINT) AS amount_minor,
                CAST(SUM(reversed_minor) AS BIGINT) AS reversed_minor, currency
         FROM {} WHERE brand_id = $1 GROUP BY 1, 2, currency",
        commission::Entity.table_name()
    );
    out.push_str("\nCommissions                        count              amount            reversed\n");
    write_groups(read(app, brand, &sql).await?, out)
}

/// Sorted here: the databases do not agree on the order of texts.
fn write_groups(mut groups: Vec<Group>, out: &mut String) -> Result<(), Fault> {
    groups.sort_by(|a, b| (&a.name, &a.state).cmp(&(&b.name, &b.state)));
    for group in groups {
        let _ = writeln!(
            out,
            "  {:<8}{:<22}{:>8}{:>20}{:>20}",
            group.name,
            group.state,
            group.count,
            money(group.amount_minor, &group.currency)?,
            money(group.reversed_minor, &group.currency)?
        );
    }
    Ok(())
}
