//! The demo's payouts: one partner for each rail, a batch a currency, paid by the providers of `--fake-rails`, and what each partner's
//! statement says of it.

use std::{fmt::Write, net::SocketAddr};

use entity::{
    brand,
    ids::{BrandId, ProgramId},
    ledger_account::LedgerAccountKind,
    partner, partnership,
    payout::{self, PayoutRail, PayoutState},
    payout_batch::{self, PayoutBatchState},
    payout_file::PayoutFileFormat,
    program,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::{FINANCE, MAYA, OWNER, PASSWORD, Sold, sell};
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    fake_rails::FakeRails,
    http,
    idempotency::Key,
    infra::rails::instruction::item_key,
    jobs::approve_due::approve_due,
    ledger::entries::{Line, Only},
    money::Money,
    page::Page,
    payouts::{
        batches::service::{self as batches, CreateBatch},
        files::service::{self as files, Export},
        methods::{
            rules::{Details, IbanAccount},
            service::{Confirmation, add_payout_method, list_payout_methods},
        },
        sending::follow,
        service::{self as payouts, CreatePayout},
        statement::service::{Of, list_statement},
    },
    seeding::{self, denied, fault},
};

/// Looks at what providers have done; each of them needs two steps.
const LOOKS: usize = 6;
/// Entries shown of a statement.
const SHOWN: u64 = 20;

/// A partner of the demo who is paid somewhere.
struct Payee {
    email: &'static str,
    handle: &'static str,
    name: &'static str,
    code: &'static str,
    /// Its one sale, 30 days ago: hundredths, and the currency.
    sold: (i64, &'static str),
    details: Details,
}

fn payees() -> Vec<Payee> {
    vec![
        Payee {
            email: "pau@creators.example",
            handle: "pau-pours",
            name: "Pau pours",
            code: "PAU10",
            sold: (10_000, "EUR"),
            details: Details::Paypal {
                email: "pau@creators.example".to_owned(),
            },
        },
        Payee {
            email: "stella@creators.example",
            handle: "stella-sips",
            name: "Stella sips",
            code: "STELLA10",
            sold: (25_000, "EUR"),
            details: Details::Stripe {
                account: "acct_1DemoStellaSips0".to_owned(),
            },
        },
        Payee {
            email: "ingrid@creators.example",
            handle: "ingrid-grinds",
            name: "Ingrid grinds",
            code: "INGRID10",
            sold: (8_000, "EUR"),
            details: Details::Iban(IbanAccount {
                holder_name: "Ingrid Grund".to_owned(),
                iban: "DE89370400440532013000".to_owned(),
                bic: Some("COBADEFFXXX".to_owned()),
                currency: "EUR".to_owned(),
            }),
        },
        Payee {
            email: "priya@creators.example",
            handle: "priya-filters",
            name: "Priya filters",
            code: "PRIYA10",
            sold: (500_000, "INR"),
            details: Details::Upi {
                address: "priya@okhdfcbank".to_owned(),
            },
        },
    ]
}

/// Pays them, and says what came of it. A second call finds everything paid and says the same.
pub async fn pay(app: &App, fakes: &FakeRails) -> Result<String, Fault> {
    let owner = seeding::user(app, OWNER, "Olivia Owner", PASSWORD).await?;
    let finance = seeding::user(app, FINANCE, "Felix Finance", PASSWORD).await?;
    let brand = super::find_brand(app)
        .await?
        .ok_or_else(|| Fault::new("the demo has no brand"))?;
    let program = program::Entity::find()
        .filter(program::Column::BrandId.eq(brand.id))
        .order_by_asc(program::Column::Id)
        .one(app.db.read())
        .await?
        .ok_or_else(|| Fault::new("the demo has no program"))?;
    let mut paid = Vec::new();
    for payee in payees() {
        if let Details::Stripe { account } = &payee.details {
            fakes.stripe.know(account);
        }
        paid.push((
            payee.name,
            earn(app, &owner, brand.id, program.id, &payee).await?,
            payee.sold.1,
        ));
    }
    approve_due(app).await.map_err(Fault::new)?;
    let mut made = Vec::new();
    for currency in ["EUR", "INR"] {
        made.push(hand_over(app, &owner, &finance, &brand, currency).await?);
    }
    watch(app, fakes).await?;
    for batch in &made {
        bring_to_bank(app, &finance, batch).await?;
    }
    by_hand(app, &owner, &finance, brand.id).await?;
    report(app, &owner, &brand, &paid).await
}

/// A partner with an account, a code, and its sale.
async fn earn(
    app: &App,
    owner: &Actor,
    brand: BrandId,
    program: ProgramId,
    payee: &Payee,
) -> Result<partnership::Model, Fault> {
    let user = seeding::user(app, payee.email, payee.name, PASSWORD).await?;
    let partner = seeding::partner(app, &user, payee.handle, payee.name, "Paid through a rail of the demo.").await?;
    let user = seeding::user(app, payee.email, payee.name, PASSWORD).await?;
    let known = list_payout_methods(app, &user, partner.id, &Page::first(1))
        .await
        .map_err(denied)?;
    if known.items.is_empty() {
        let confirmation = Confirmation {
            current_password: PASSWORD.to_owned(),
            client: None,
        };
        add_payout_method(app, &user, partner.id, payee.details.clone(), confirmation)
            .await
            .map_err(fault)?;
    }
    let partnership = seeding::partnership(app, owner, &user, partner.id, program, None).await?;
    seeding::code(app, &user, &partnership, payee.code).await?;
    let (hundredths, currency) = payee.sold;
    let order = format!("demo-{}", payee.handle);
    let sold = Sold {
        order: &order,
        customer: payee.handle,
        days_ago: 30,
        amount: Decimal::new(hundredths, 2),
        currency,
        code: Some(payee.code),
    };
    sell(app, owner, brand, sold).await?;
    Ok(partnership)
}

fn key(text: &str) -> Result<Key, Fault> {
    Key::parse(text).map_err(denied)
}

/// Everybody who is due in a currency: drafted by the owner, released and handed over by finance.
async fn hand_over(
    app: &App,
    owner: &Actor,
    finance: &Actor,
    brand: &brand::Model,
    currency: &str,
) -> Result<payout_batch::Model, Fault> {
    let command = CreateBatch {
        brand: brand.id,
        currency: currency.to_owned(),
        cutoff: None,
        include: Vec::new(),
        exclude: Vec::new(),
        key: key(&format!("demo-batch-{currency}"))?,
    };
    let mut batch = batches::create_batch(app, owner, command).await.map_err(fault)?.value;
    if batch.state == PayoutBatchState::Draft {
        batch = batches::approve_batch(app, finance, batch.id).await.map_err(fault)?;
    }
    if batch.state == PayoutBatchState::Approved {
        let key = key(&format!("demo-submit-{currency}"))?;
        let submitted = batches::submit_batch(app, finance, batch.id, &key).await;
        batch = submitted.map_err(fault)?.value;
    }
    Ok(batch)
}

/// Sends what is due, and has the providers pay and tell this process's own doors.
async fn watch(app: &App, fakes: &FakeRails) -> Result<(), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::new)?;
    let server = format!("http://{}", listener.local_addr().map_err(Fault::new)?);
    let service = http::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let _serving = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the demo's doors closed");
        }
    }));
    for _ in 0..LOOKS {
        follow(app).await?;
        fakes.step(&server).await;
    }
    Ok(())
}

/// Writes the file for the bank, and plays the bank: it pays everything.
async fn bring_to_bank(app: &App, finance: &Actor, batch: &payout_batch::Model) -> Result<(), Fault> {
    let waiting = payout::Entity::find()
        .filter(payout::Column::BatchId.eq(batch.id))
        .filter(payout::Column::Rail.eq(PayoutRail::BankFile))
        .filter(payout::Column::State.eq(PayoutState::Submitted))
        .order_by_asc(payout::Column::Id)
        .all(app.db.read())
        .await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let export = Export {
        batch: batch.id,
        format: PayoutFileFormat::NeutralCsv,
        debtor: None,
        columns: Vec::new(),
        key: key(&format!("demo-file-{}", batch.currency))?,
    };
    files::export_file(app, finance, export).await.map_err(fault)?;
    let mut answer = "line_id,status,bank_reference\n".to_owned();
    for (n, row) in waiting.iter().enumerate() {
        let _ = writeln!(answer, "{},paid,BANK-{}", item_key(row.id.0, 1), n + 1);
    }
    files::import_results(app, finance, batch.brand_id, &answer)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Maya has named nothing to be paid by: somebody pays her by hand.
async fn by_hand(app: &App, owner: &Actor, finance: &Actor, brand: BrandId) -> Result<(), Fault> {
    let maya = seeding::user(app, MAYA, "Maya Moreno", PASSWORD).await?;
    let partnership = partnership::Entity::find()
        .filter(partnership::Column::BrandId.eq(brand))
        .filter(partnership::Column::PartnerId.is_in(maya.partners.iter().copied()))
        .one(app.db.read())
        .await?
        .ok_or_else(|| Fault::new("the demo has no Maya"))?;
    let command = CreatePayout {
        partnership: partnership.id,
        currency: "EUR".to_owned(),
        idempotency_key: key("demo-by-hand")?,
    };
    let drafted = payouts::create_payout(app, owner, command).await.map_err(fault)?.value;
    if drafted.state == PayoutState::Draft {
        payouts::approve_payout(app, finance, drafted.id).await.map_err(fault)?;
    }
    payouts::mark_payout_paid(app, finance, drafted.id, "TRANSFER-1", &key("demo-by-hand")?)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn report(
    app: &App,
    owner: &Actor,
    brand: &brand::Model,
    paid: &[(&str, partnership::Model, &str)],
) -> Result<String, Fault> {
    let rows = payout::Entity::find()
        .filter(payout::Column::BrandId.eq(brand.id))
        .order_by_asc(payout::Column::Id)
        .all(app.db.read())
        .await?;
    let mut text = String::from("Payouts, by providers on this machine: no money moved.\n\n");
    for row in rows {
        let partner = partner::Entity::find_by_id(row.partner_id).one(app.db.read()).await?;
        let name = partner.map(|partner| partner.display_name).unwrap_or_default();
        let amount = money(row.amount_minor, &row.currency)?;
        let fee = match row.fee_minor.zip(row.fee_currency.as_deref()) {
            Some((minor, currency)) => format!(", fee {}", money(minor, currency)?),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "  {:<10} {:<14} {:>11}  {:<9} {}{fee}",
            row.rail.to_value(),
            name,
            amount.to_string(),
            row.state.to_value(),
            row.reference.as_deref().unwrap_or("-"),
        );
    }
    for (name, partnership, currency) in paid {
        let of = Of {
            partnership: partnership.id,
            brand: partnership.brand_id,
            partner: partnership.partner_id,
        };
        let slice = list_statement(app, owner, of, currency, Only::default(), &Page::first(SHOWN))
            .await
            .map_err(denied)?;
        let _ = writeln!(text, "\nStatement of {name} in {currency}\n");
        for (_, line) in slice.items.iter().rev() {
            text.push_str(&entry(line, currency)?);
        }
    }
    Ok(text)
}

fn entry(line: &Line, currency: &str) -> Result<String, Fault> {
    Ok(format!(
        "  {}  {:<20} {:<11} {:>12}  leaves {:>11}\n",
        line.transfer.occurred_at.format("%Y-%m-%d"),
        line.transfer.kind.to_value(),
        account(line.account),
        money(line.entry.amount_minor, currency)?.to_string(),
        money(line.balance_minor, currency)?.to_string(),
    ))
}

fn account(kind: LedgerAccountKind) -> String {
    kind.to_value().to_lowercase()
}

fn money(minor: i64, currency: &str) -> Result<Money, Fault> {
    Ok(Money::new(minor, currency.parse().map_err(Fault::new)?))
}
