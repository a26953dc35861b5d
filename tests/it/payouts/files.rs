//! Files for banks, and what banks say became of them.

use entity::{brand, ids::BrandId};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::scene::{IBAN, Scene, exported, iban, imported, paypal};
use crate::support::{
    answer::{data_at, refusal, user_errors},
    app::with_app,
    builders::text,
    database::Database,
    marketplace::{Balances, merged},
};

/// What a brand is called keeps nobody from being paid.
#[rstest]
#[tokio::test]
async fn brands_of_any_name_export_files(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban(), paypal(1)]).await;
        for (n, (name, sepa_words, paypal_words)) in [
            ("Müller & Söhne", "Muller + Sohne payout", "Muller & Sohne payout"),
            ("Café Luna™", "Cafe Luna payout", "Cafe Luna payout"),
            ("=Sum", "Sum payout", "Sum payout"),
        ]
        .into_iter()
        .enumerate()
        {
            let id: BrandId = scene.market.brand.id.parse().unwrap();
            brand::Entity::update_many()
                .col_expr(brand::Column::Name, Expr::value(name))
                .filter(brand::Column::Id.eq(id))
                .exec(app.db_writer())
                .await
                .unwrap();
            for promoter in 0..2 {
                scene.earn(&app, promoter, &format!("order{n}"), "100.00").await;
            }
            let batch = scene.submitted(&app, &format!("named{n}")).await;
            let key = json!({ "idempotencyKey": format!("sepa{n}") });
            let debtor = json!({ "name": "Aurora", "iban": IBAN, "bic": "COBADEFFXXX", "executionDate": "2026-01-20" });
            let sepa = exported(
                &app,
                &scene,
                &batch,
                "SEPA_XML",
                merged(key, json!({ "debtor": debtor })),
            )
            .await;
            let sepa = text(&data_at(&sepa, "exportPayoutFile.file"), "content");
            assert!(sepa.contains(&format!("<Ustrd>{sepa_words}</Ustrd>")), "{sepa}");
            let key = json!({ "idempotencyKey": format!("paypal{n}") });
            let paypal = exported(&app, &scene, &batch, "PAYPAL_CSV", key).await;
            let paypal = text(&data_at(&paypal, "exportPayoutFile.file"), "content");
            assert!(paypal.ends_with(&format!(",{paypal_words}\r\n")), "{paypal}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn files_carry_each_payout_once_and_banks_are_believed_in_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban(), iban(), paypal(2)]).await;
        let batch = scene.batch(&app, "files").await;
        let early = exported(&app, &scene, &batch, "NEUTRAL_CSV", json!({})).await;
        assert_eq!(refusal(&early), "BATCH_NOT_SUBMITTED");
        scene.step(&app, "approvePayoutBatch", &batch).await;
        scene.step(&app, "submitPayoutBatch", &batch).await;

        assert_eq!(
            refusal(&exported(&app, &scene, &batch, "SEPA_XML", json!({})).await),
            "DEBTOR_MISSING"
        );
        let debtor = |iban: &str| {
            json!({ "debtor": { "name": "Aurora", "iban": iban, "bic": "COBADEFFXXX", "executionDate": "2026-01-20" } })
        };
        let wrong = exported(&app, &scene, &batch, "SEPA_XML", debtor("DE00370400440532013000")).await;
        assert_eq!(refusal(&wrong), "LINES_INVALID");
        let sepa = exported(&app, &scene, &batch, "SEPA_XML", debtor(IBAN)).await;
        let file = data_at(&sepa, "exportPayoutFile.file");
        assert_eq!((&file["lineCount"], &file["total"]["amount"]), (&json!(2), &json!("18.00")));
        assert!(text(&file, "content").contains("<CtrlSum>18.00</CtrlSum>"));
        let again = exported(&app, &scene, &batch, "SEPA_XML", debtor(IBAN)).await;
        assert_eq!(data_at(&again, "exportPayoutFile")["replayed"], true);
        assert_eq!(data_at(&again, "exportPayoutFile.file")["content"], file["content"]);
        // They stand in a file; what is left goes to PayPal.
        let left = exported(&app, &scene, &batch, "NEUTRAL_CSV", json!({})).await;
        assert_eq!(refusal(&left), "NOTHING_TO_EXPORT");
        let paypal = exported(&app, &scene, &batch, "PAYPAL_CSV", json!({})).await;
        let paypal = data_at(&paypal, "exportPayoutFile.file");
        assert!(text(&paypal, "content").starts_with("maya2@example.com,9.00,EUR,"), "{paypal}");
        // The rows hold neither.
        let stored: String = crate::support::digest::contents(app.db())
            .await
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert!(!stored.contains(IBAN) && !stored.contains("maya2@example.com"));

        let payouts = scene.payouts(&app, &batch).await;
        let key = |n: usize| {
            let id: entity::ids::PayoutId = text(&payouts[n], "id").parse().unwrap();
            tributary::infra::rails::instruction::item_key(id.0, 1)
        };
        let head = "line_id,status,bank_reference\n";
        let before = app.books().await;
        let unknown = "0193a5b000007000800000000000ffff-1";
        for content in [
            format!("{head}{},paid,R1\n{unknown},paid,R2\n", key(0)),
            format!("{head}{},paid,R1\n{},perhaps,R2\n", key(0), key(1)),
            format!("{head}{},paid,R1\n{},paid,R2\n", key(0), key(0)),
            // Another try of the same payout.
            format!("{head}{},returned,R1\n{},paid,R2\n", key(0), key(0).replace("-1", "-2")),
        ] {
            let answer = imported(&app, &scene, &content).await;
            assert_eq!(refusal(&answer), "RESULTS_INVALID");
            let message = text(&user_errors(&answer)[0], "message");
            assert!(message.contains("line 3"), "{message}");
        }
        assert_eq!(app.books().await, before);

        let results = format!("{head}{},paid,R1\n{},returned,R2\n", key(0), key(1));
        for replayed in [false, true] {
            let answer = data_at(&imported(&app, &scene, &results).await, "importPayoutResults");
            assert_eq!(answer["replayed"], replayed);
            let outcomes: Vec<&Value> = answer["results"]["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| &line["outcome"])
                .collect();
            assert_eq!(outcomes, ["PAID", "RETURNED"]);
        }
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "RETURNED", "SUBMITTED"]);
        assert_eq!(scene.book(&app, "CASH_BANK").await, "9.00");
        assert_eq!(
            app.balances(&scene.promoters[1]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        // The bank takes the first one back, after all: what it paid is owed again, and is paid by the next batch.
        let results = format!("{head}{},returned,R3\n", key(0));
        data_at(&imported(&app, &scene, &results).await, "importPayoutResults.results");
        assert_eq!(scene.book(&app, "CASH_BANK").await, "0.00");
        let next = scene.batch(&app, "next").await;
        let amounts: Vec<String> = scene
            .payouts(&app, &next)
            .await
            .iter()
            .map(|payout| text(&payout["amount"], "amount"))
            .collect();
        assert_eq!(amounts, ["9.00", "9.00"]);
    })
    .await;
}
