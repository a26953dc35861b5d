//! One use case for one event and for a thousand: earlier events of a batch affect later ones, a bad one harms nobody.

use entity::{commission_rule::ConversionEvent, order::CaptureState};
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::json;
use tributary::{
    accounts::actor::Actor,
    conversions::service::{
        lines::NewLine,
        record::{OnRefusal, RecordEvent, Recording, record_conversions},
    },
    idempotency::Key,
};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Balances, Market, Promoter},
};

fn key(text: &str) -> Key {
    let Ok(key) = Key::parse(text) else {
        panic!("not a key: {text}");
    };
    key
}

/// A sale of 10.00 EUR by its own customer, under a code.
fn sale(market: &Market, order: &str, code: &str) -> RecordEvent {
    RecordEvent {
        brand: market.brand.id.parse().unwrap(),
        event: ConversionEvent::Sale,
        program: None,
        customer_id: Some(format!("customer of {order}")),
        order_id: Some(order.to_owned()),
        amount: Some((Decimal::new(1000, 2), "EUR".to_owned())),
        lines: Vec::new(),
        capture: CaptureState::Captured,
        promo_codes: vec![code.to_owned()],
        click_id: None,
        occurred_at: None,
        idempotency_key: key(order),
    }
}

async fn record(app: &TestApp, market: &Market, events: Vec<RecordEvent>) -> Vec<Recording> {
    record_under(app, market, events, OnRefusal::LeaveItOut).await
}

async fn record_under(
    app: &TestApp,
    market: &Market,
    events: Vec<RecordEvent>,
    on_refusal: OnRefusal,
) -> Vec<Recording> {
    let brand = market.brand.id.parse().unwrap();
    let Ok(recordings) = record_conversions(&app.app, &Actor::system(), brand, events, on_refusal).await else {
        panic!("the batch failed as a whole");
    };
    recordings
}

/// What became of each event, in a word: `new`, `again` or the code.
fn fates(recordings: &[Recording]) -> Vec<&'static str> {
    let fate = |recording: &Recording| match recording {
        Ok(outcome) if outcome.replayed => "again",
        Ok(_) => "new",
        Err(failure) => failure.code(),
    };
    recordings.iter().map(fate).collect()
}

fn credited(recordings: &[Recording]) -> Vec<bool> {
    let credited = recordings.iter().flatten();
    credited.map(|outcome| outcome.value.partnership_id.is_some()).collect()
}

/// A market whose sellers have one above them, with their codes `SELLER0`, `SELLER1`, ….
async fn tree(app: &TestApp, sellers: usize) -> (Market, Promoter, Vec<Promoter>) {
    let market = app.market("aurora").await;
    app.two_levels(&market.owner, &market.program.id).await;
    let top = app.promoter(&market, "top", None).await;
    let mut below = Vec::new();
    for n in 0..sellers {
        let seller = app.promoter(&market, &format!("seller{n}"), Some(&top)).await;
        app.code(&seller, &format!("SELLER{n}"), json!({})).await;
        below.push(seller);
    }
    (market, top, below)
}

#[rstest]
#[tokio::test]
async fn a_batch_costs_the_same_statements_whatever_its_size(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let (market, top, sellers) = tree(&app, 2).await;
        // One of them in a group that has a hold of its own.
        let input = json!({ "programId": market.program.id, "name": "Gold", "holdDays": 3 });
        let group = app
            .done(&market.owner, "createPartnerGroup", input, "partnerGroup { id }")
            .await;
        let input = json!({ "partnershipId": sellers[0].partnership, "groupId": group["partnerGroup"]["id"] });
        app.done(&market.owner, "setPartnershipGroup", input, "partnership { id }")
            .await;
        // The accounts are opened by the first sale of each.
        let first = |n: usize| sale(&market, &format!("first-{n}"), &format!("SELLER{n}"));
        record(&app, &market, vec![first(0), first(1)]).await;
        let mut counts = Vec::new();
        for size in [2, 200] {
            let events = (0..size).map(|n| sale(&market, &format!("{size}-{n}"), &format!("SELLER{}", n % 2)));
            let events: Vec<RecordEvent> = events.collect();
            let count = app
                .count_statements(async || {
                    let recordings = record(&app, &market, events.clone()).await;
                    assert!(credited(&recordings).iter().all(|credited| *credited));
                    assert_eq!(recordings.len(), size);
                })
                .await;
            counts.push(count);
        }
        println!("{database:?}: statements of batches of 2 and 200: {counts:?}");
        // 400 commissions, 800 entries and 600 facts do not fit one insert: two more statements.
        assert!(counts[1] - counts[0] <= 3, "{counts:?}");
        assert!(counts[0] <= 32, "{counts:?}");
        // 202 sales of 10.00 in all: 1.00 to the seller, 0.20 above.
        assert_eq!(
            app.balances(&sellers[0]).await,
            Balances::of("102.00", "0.00", "0.00", "0.00")
        );
        assert_eq!(app.balances(&top).await, Balances::of("40.80", "0.00", "0.00", "0.00"));
    })
    .await;
}

/// The same sale as lines of 5.00, 3.00 and 2.00.
fn in_lines(event: RecordEvent) -> RecordEvent {
    let line = |cents| NewLine {
        line_id: None,
        product_id: None,
        name: None,
        category: None,
        quantity: 1,
        amount: (Decimal::new(cents, 2), "EUR".to_owned()),
        discount: None,
    };
    RecordEvent {
        lines: [500, 300, 200].map(line).to_vec(),
        ..event
    }
}

#[rstest]
#[tokio::test]
async fn lines_cost_one_statement_whatever_their_number(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let (market, top, sellers) = tree(&app, 1).await;
        record(&app, &market, vec![sale(&market, "first", "SELLER0")]).await;
        let mut counts = Vec::new();
        for (name, size, lines) in [("a", 2, false), ("b", 2, true), ("c", 60, true)] {
            let events = (0..size).map(|n| sale(&market, &format!("{name}-{n}"), "SELLER0"));
            let events: Vec<RecordEvent> = events
                .map(|event| if lines { in_lines(event) } else { event })
                .collect();
            let count = app
                .count_statements(async || {
                    let recordings = record(&app, &market, events.clone()).await;
                    assert!(credited(&recordings).iter().all(|credited| *credited));
                })
                .await;
            counts.push(count);
        }
        println!("{database:?}: statements of 2 sales, of 2 and of 60 with lines: {counts:?}");
        assert_eq!(counts[1], counts[0] + 1, "{counts:?}");
        // 360 commissions make 720 entries, which do not fit one insert.
        assert!(counts[2] - counts[1] <= 2, "{counts:?}");
        // 65 sales of 10.00 in all, line by line: 1.00 to the seller, 0.20 above.
        assert_eq!(app.balances(&sellers[0]).await.pending, "65.00");
        assert_eq!(app.balances(&top).await.pending, "13.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn earlier_events_affect_later_ones(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market_with("aurora", json!({ "customerBinding": "FOREVER" })).await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "TWICE", json!({ "usageLimit": 2 })).await;
        let same_order = RecordEvent {
            idempotency_key: key("another-key"),
            ..sale(&market, "A", "TWICE")
        };
        let other_content = RecordEvent {
            order_id: Some("Z".to_owned()),
            ..sale(&market, "A", "TWICE")
        };
        let bound = RecordEvent {
            customer_id: Some("customer of A".to_owned()),
            promo_codes: Vec::new(),
            ..sale(&market, "D", "")
        };
        let events = vec![
            sale(&market, "A", "TWICE"),
            sale(&market, "A", "TWICE"),
            other_content,
            same_order,
            sale(&market, "B", "TWICE"),
            sale(&market, "C", "TWICE"),
            bound,
        ];
        let recordings = record(&app, &market, events.clone()).await;
        assert_eq!(
            fates(&recordings),
            [
                "new",
                "again",
                "IDEMPOTENCY_KEY_REUSED",
                "ORDER_ALREADY_RECORDED",
                "new",
                "new",
                "new"
            ]
        );
        // The code is used up by A and B; C has nobody; D's customer is A's, who belongs to the seller.
        assert_eq!(credited(&recordings), [true, true, true, false, true]);
        let ids: Vec<_> = recordings.iter().flatten().map(|outcome| outcome.value.id).collect();
        assert_eq!(ids[0], ids[1]);
        assert_eq!(app.balances(&seller).await.pending, "3.00");

        // The whole batch again changes nothing.
        let before = app.books().await;
        let again = record(&app, &market, events).await;
        assert_eq!(
            fates(&again),
            [
                "again",
                "again",
                "IDEMPOTENCY_KEY_REUSED",
                "ORDER_ALREADY_RECORDED",
                "again",
                "again",
                "again"
            ]
        );
        assert_eq!(app.books().await, before);
    })
    .await;
}

/// A refused event leaves neither its key nor its customer behind; the key goes to who comes next.
#[rstest]
#[tokio::test]
async fn a_refused_event_leaves_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        record(&app, &market, vec![sale(&market, "A", "X1X")]).await;
        let before = app.books().await;
        let refused = RecordEvent {
            customer_id: Some("a stranger".to_owned()),
            idempotency_key: key("shared"),
            ..sale(&market, "A", "X1X")
        };
        assert_eq!(
            fates(&record(&app, &market, vec![refused.clone()]).await),
            ["ORDER_ALREADY_RECORDED"]
        );
        assert_eq!(app.books().await, before);

        let next = RecordEvent {
            idempotency_key: key("shared"),
            ..sale(&market, "B", "X1X")
        };
        let events = vec![refused, next.clone()];
        assert_eq!(
            fates(&record_under(&app, &market, events.clone(), OnRefusal::RefuseAll).await),
            ["ORDER_ALREADY_RECORDED", "CONFLICT"]
        );
        assert_eq!(app.books().await, before);
        assert_eq!(
            fates(&record(&app, &market, events).await),
            ["ORDER_ALREADY_RECORDED", "new"]
        );
        assert_eq!(fates(&record(&app, &market, vec![next]).await), ["again"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn one_bad_event_in_a_thousand_harms_nobody(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let mut events: Vec<RecordEvent> = (0..1_000).map(|n| sale(&market, &format!("A-{n}"), "SELLER")).collect();
        events[500].amount = Some((Decimal::new(-1, 0), "EUR".to_owned()));
        let before = app.books().await;
        let recordings = record_under(&app, &market, events.clone(), OnRefusal::RefuseAll).await;
        assert_eq!(fates(&recordings)[500], "AMOUNT_NEGATIVE");
        assert_eq!(fates(&recordings)[0], "CONFLICT");
        assert_eq!(app.books().await, before);
        let recordings = record(&app, &market, events).await;
        assert_eq!(fates(&recordings)[500], "AMOUNT_NEGATIVE");
        assert_eq!(recordings.iter().flatten().count(), 999);
        assert_eq!(app.balances(&seller).await.pending, "999.00");
    })
    .await;
}

/// Two servers send the same customers, orders, codes and keys in opposite order, at once: none waits for ever, and each
/// event has one effect.
#[rstest]
#[tokio::test]
async fn batches_at_once_agree(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (market, top, _) = tree(&app, 2).await;
        let events = (0..40).map(|n| sale(&market, &format!("A-{n}"), &format!("SELLER{}", n % 2)));
        let events: Vec<RecordEvent> = events.collect();
        let renamed = events.iter().map(|event| RecordEvent {
            idempotency_key: key(&format!("second-{}", event.order_id.as_deref().unwrap())),
            ..event.clone()
        });
        let mut backwards: Vec<RecordEvent> = events.clone();
        backwards.reverse();
        let mut renamed: Vec<RecordEvent> = renamed.collect();
        renamed.reverse();
        let (one, two, three) = tokio::join!(
            record(&app, &market, events),
            record(&app, &market, backwards),
            record(&app, &market, renamed),
        );
        let all: Vec<&str> = [&one, &two, &three].iter().flat_map(|batch| fates(batch)).collect();
        assert_eq!(all.iter().filter(|fate| **fate == "new").count(), 40, "{all:?}");
        assert!(
            all.iter()
                .all(|fate| ["new", "again", "ORDER_ALREADY_RECORDED"].contains(fate)),
            "{all:?}"
        );
        assert_eq!(app.balances(&top).await.pending, "8.00");
    })
    .await;
}
