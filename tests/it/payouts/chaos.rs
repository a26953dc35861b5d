//! 500 payouts through providers that drop connections, answer errors after paying and tell things backwards and twice, sent by
//! processes that are killed: everybody is paid exactly once, and the books agree with those of the providers to the unit.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use entity::payout::{self, PayoutRail, PayoutState};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;
use tributary::{
    fake_rails::FakeRails,
    infra::rails::{
        fakes::{Fault, Faults, Manner, Movement, Order, Place},
        instruction::item_key,
    },
    money::Money,
    payouts::{
        methods::rules::{Details, IndianAccount},
        sending::follow,
    },
};

use super::scene::{give, join_paid_by, partnership_of};
use crate::support::{
    app::{TestApp, with_rails_app},
    builders::text,
    database::Database,
    dice::Dice,
    marketplace::Market,
};

const SEED: u64 = 0x0c4a_0500;
const PAYPAL: usize = 200;
const STRIPE: usize = 150;
const RAZORPAY: usize = 150;
/// Processes that are killed while they send.
const LIVES: usize = 10;
/// Faults of each provider that a process meets.
const FAULTS: u64 = 12;
/// Looks until nothing is left to find out, at the most.
const LOOKS: usize = 60;

/// Somebody who is owed something, and where it goes.
fn payee(n: usize) -> (&'static str, i64, Details) {
    let minor = 1_000 + i64::try_from(n).unwrap();
    if n < PAYPAL {
        let email = format!("payee{n}@example.com");
        ("EUR", minor, Details::Paypal { email })
    } else if n < PAYPAL + STRIPE {
        let account = format!("acct_1032D82eZvKY{n:04}");
        ("EUR", minor, Details::Stripe { account })
    } else {
        let account = IndianAccount {
            holder_name: format!("Payee Number {n}"),
            account_number: format!("501001234{n:05}"),
            ifsc: "HDFC0001234".to_owned(),
        };
        ("INR", minor, Details::IndianBankAccount(account))
    }
}

/// Partners who are owed something, and whom providers know.
async fn owe(app: &TestApp, fakes: &FakeRails, market: &Market, number: usize) {
    let like = app.promoter(market, "model", None).await;
    let like = partnership_of(app, &like).await;
    for n in 0..number {
        let (currency, minor, details) = payee(n);
        if let Details::Stripe { account } = &details {
            fakes.stripe.know(account);
        }
        let partnership = join_paid_by(app, &like, n, &details).await;
        give(app, partnership, Money::new(minor, currency.parse().unwrap())).await;
    }
}

/// What goes wrong from now on.
fn plan(dice: &mut Dice, faults: &Faults) {
    for _ in 0..FAULTS {
        let place = if dice.below(3) == 0 { Place::Read } else { Place::Create };
        faults.add(
            place,
            match dice.below(6) {
                0 => Fault::DropBefore,
                1 | 2 => Fault::DropAfter,
                3 => Fault::ErrorBefore,
                4 => Fault::ErrorAfter,
                _ => Fault::TooMany {
                    retry_after_seconds: None,
                },
            },
        );
    }
}

/// A process that sends and is killed: its threads end where they are, and nothing is left of its memory.
async fn live(app: &TestApp, fakes: &Arc<FakeRails>, for_so_long: Duration) {
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .unwrap();
    let (old, fakes) = (app.clone(), Arc::clone(fakes));
    process.spawn(async move {
        let new = old.in_new_process(&fakes).await;
        drop(old);
        follow(&new).await
    });
    tokio::time::sleep(for_so_long).await;
    process.shutdown_background();
}

async fn tell(fakes: &FakeRails, server: &str, manner: Manner) {
    fakes.paypal.tick();
    fakes.razorpay.tick();
    fakes.stripe.tick();
    for (door, events) in [
        ("paypal", fakes.paypal.events()),
        ("razorpay", fakes.razorpay.events()),
        ("stripe", fakes.stripe.events()),
    ] {
        let answers = events.tell(&format!("{server}/webhooks/{door}"), manner).await.unwrap();
        assert!(answers.iter().all(|status| *status == 200), "{door}: {answers:?}");
    }
}

async fn unfinished(app: &TestApp) -> u64 {
    payout::Entity::find()
        .filter(payout::Column::State.is_in([PayoutState::Submitted, PayoutState::Unknown]))
        .count(app.db())
        .await
        .unwrap()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_paid_exactly_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        println!("seed {SEED:#x}");
        let mut dice = Dice(SEED);
        let market = app.market("aurora").await;
        owe(&app, &fakes, &market, PAYPAL + STRIPE + RAZORPAY).await;
        for currency in ["EUR", "INR"] {
            let input = json!({ "idempotencyKey": currency, "brandId": market.brand.id, "currency": currency });
            let made = app
                .done(
                    &market.owner,
                    "createPayoutBatch",
                    input,
                    "batch { id totals { count } }",
                )
                .await;
            let id = text(&made["batch"], "id");
            app.done(
                &market.owner,
                "approvePayoutBatch",
                json!({ "id": id }),
                "batch { state }",
            )
            .await;
            let input = json!({ "idempotencyKey": currency, "id": id });
            app.done(&market.owner, "submitPayoutBatch", input, "batch { state }")
                .await;
        }
        assert_eq!(unfinished(&app).await, 500);

        let served = app.serve().await;
        let server = format!("http://{}", served.address);
        for life in 0..LIVES {
            for faults in [fakes.paypal.faults(), fakes.razorpay.faults(), fakes.stripe.faults()] {
                plan(&mut dice, faults);
            }
            live(&app, &fakes, Duration::from_millis(120 + dice.below(300))).await;
            if life % 3 == 2 {
                let manner = Manner {
                    copies: 2,
                    order: Order::Backwards,
                    ..Manner::default()
                };
                tell(&fakes, &server, manner).await;
            }
            // What it held is free again, and what is unclear is due.
            app.advance(TimeDelta::minutes(11));
        }
        println!("{} payouts are left after {LIVES} lives", unfinished(&app).await);
        for _ in 0..LOOKS {
            follow(&app.app).await.unwrap();
            if unfinished(&app).await == 0 {
                break;
            }
            tell(&fakes, &server, Manner::default()).await;
            app.advance(TimeDelta::minutes(20));
        }
        agree(&app, &fakes).await;
    })
    .await;
}

/// Each payout is paid, and stands in its provider's book once, to the unit; nothing else does.
async fn agree(app: &TestApp, fakes: &FakeRails) {
    let rows = payout::Entity::find().all(app.db()).await.unwrap();
    assert_eq!(rows.len(), PAYPAL + STRIPE + RAZORPAY);
    for (rail, book) in [
        (PayoutRail::Paypal, fakes.paypal.book()),
        (PayoutRail::Stripe, fakes.stripe.book()),
        (PayoutRail::Razorpayx, fakes.razorpay.book()),
    ] {
        let mut theirs: Vec<(String, i64, String)> = book
            .into_iter()
            .map(|movement: Movement| (movement.key, movement.amount_minor, movement.currency))
            .collect();
        let of_rail = rows.iter().filter(|row| row.rail == rail);
        let mut ours: Vec<(String, i64, String)> = of_rail
            .clone()
            .map(|row| (item_key(row.id.0, 1), row.amount_minor, row.currency.clone()))
            .collect();
        theirs.sort();
        ours.sort();
        assert_eq!(theirs, ours, "{rail:?}");
        let states: BTreeMap<String, usize> = of_rail.fold(BTreeMap::new(), |mut states, row| {
            *states.entry(format!("{:?}", row.state)).or_default() += 1;
            states
        });
        assert_eq!(states.into_keys().collect::<Vec<_>>(), ["Paid"], "{rail:?}");
    }
    let paid: i64 = rows.iter().map(|row| row.amount_minor).sum();
    let fees: i64 = rows.iter().filter_map(|row| row.fee_minor).sum();
    let booked: BTreeMap<String, i64> = cash(app).await;
    assert_eq!(booked.values().sum::<i64>(), paid + fees);
}

/// What the ledger says left by each rail.
async fn cash(app: &TestApp) -> BTreeMap<String, i64> {
    let brands = entity::brand::Entity::find().all(app.db()).await.unwrap();
    let totals = tributary::ledger::balances::list_brand_totals(&app.app, brands[0].id)
        .await
        .unwrap();
    let mut cash = BTreeMap::new();
    for total in totals.into_iter().filter(|total| total.kind.starts_with("CASH")) {
        *cash.entry(total.kind).or_default() += total.total_minor;
    }
    cash
}
