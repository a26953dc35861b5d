//! What providers do with what they were sent, and how it is found out.

use chrono::TimeDelta;
use entity::payout_request::{self, PayoutRequestState as State};
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::json;
use tributary::{
    infra::rails::fakes::{Fault, Place},
    ledger::balances::lock_all_available_in_tx,
    money::Money,
    payouts::sending::follow,
};

use super::scene::{Scene, give, iban, key_of, look, partnership_of, paypal, settle, stripe};
use crate::support::{
    answer::{data_at, refusal},
    app::{TestApp, with_rails_app},
    builders::text,
    database::Database,
    marketplace::Balances,
    postgres::until_waiting,
};

/// What a provider says may come twice and in any order, by webhook and by look-up; it is booked once.
#[rstest]
#[tokio::test]
async fn what_came_back_is_owed_again(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1), stripe(2)]).await;
        let batch = scene.submitted(&app, "back").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "PAID", "PAID"]);
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "18.36");

        let payouts = scene.payouts(&app, &batch).await;
        assert!(fakes.paypal.settle(&key_of(&payouts[0]), "RETURNED", None));
        let served = app.serve().await;
        for _ in 0..2 {
            fakes.step(&format!("http://{}", served.address)).await;
        }
        assert_eq!(scene.states(&app, &batch).await, ["RETURNED", "PAID", "PAID"]);
        let mut scene = scene;
        scene.wait(&app, 24).await;
        follow(&app.app).await.unwrap();
        assert_eq!(scene.book(&app, "IN_TRANSIT").await, "0.00");
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        let commissions = app
            .graphql_ok(
                Some(&scene.promoters[0].user.token),
                "query ($id: ID!) { partner(id: $id) { commissions { nodes { state paid { amount } } } } }",
                json!({ "id": scene.promoters[0].partner.id }),
                "partner.commissions.nodes",
            )
            .await;
        assert_eq!(
            commissions,
            json!([{ "state": "APPROVED", "paid": { "amount": "0.00" } }])
        );
        // It is due again, and only it.
        let next = scene.submitted(&app, "next").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        look(&app).await;
        assert_eq!(scene.states(&app, &next).await, ["PAID"]);
        assert_eq!(fakes.paypal.book().len(), 3);
    })
    .await;
}

/// PayPal takes nothing for what it denies. It ends, by webhook as well as by look-up.
#[rstest]
#[tokio::test]
async fn what_paypal_denies_has_failed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1)]).await;
        let batch = scene.submitted(&app, "denied").await;
        follow(&app.app).await.unwrap();
        let payouts = scene.payouts(&app, &batch).await;
        let served = app.serve().await;
        assert!(
            fakes
                .paypal
                .settle(&key_of(&payouts[0]), "DENIED", Some(("DENIED", "no")))
        );
        fakes.step(&format!("http://{}", served.address)).await;
        assert_eq!(scene.states(&app, &batch).await, ["FAILED", "SUBMITTED"]);
        assert!(fakes.paypal.settle(&key_of(&payouts[1]), "DENIED", None));
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["FAILED", "FAILED"]);
        for promoter in &scene.promoters {
            assert_eq!(
                app.balances(promoter).await,
                Balances::of("0.00", "9.00", "1.00", "0.00")
            );
        }
        assert_eq!(fakes.paypal.book(), []);
    })
    .await;
}

/// A batch that was paid, and of which PayPal shows nothing for once: nobody is paid a second time.
#[rstest]
#[tokio::test]
async fn what_is_not_shown_is_not_lost(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1)]).await;
        let batch = scene.submitted(&app, "hidden").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        fakes
            .paypal
            .say_next(json!({ "batch_header": { "batch_status": "SUCCESS" } }));
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["SUBMITTED", "SUBMITTED"]);
        let troubles = "nodes { troubles { code } }";
        let batches = scene
            .ask(&app, &format!("payoutBatches {{ {troubles} }}"), "payoutBatches.nodes")
            .await;
        assert_eq!(batches, json!([{ "troubles": [{ "code": "BATCH_INCOMPLETE" }] }]));
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "PAID"]);
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "18.36");
        assert_eq!(fakes.paypal.book().len(), 2);
    })
    .await;
}

/// One whom PayPal does not like holds nobody else up, is named with PayPal's own words, and is owed again.
#[rstest]
#[tokio::test]
async fn one_that_paypal_dislikes_fails_alone(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1), paypal(2), paypal(3)]).await;
        for n in [1, 3] {
            fakes.paypal.dislike(&format!("maya{n}@example.com"));
        }
        let batch = scene.submitted(&app, "disliked").await;
        follow(&app.app).await.unwrap();
        assert_eq!(
            scene.states(&app, &batch).await,
            ["SUBMITTED", "FAILED", "SUBMITTED", "FAILED"]
        );
        let payouts = scene.payouts(&app, &batch).await;
        let why = json!({
            "code": "VALIDATION_ERROR", "reason": "receiver: Receiver is invalid or does not match with type",
        });
        assert_eq!((&payouts[1]["failure"], &payouts[3]["failure"]), (&why, &why));
        assert_eq!(payouts[0]["failure"], json!(null));
        assert_eq!(fakes.paypal.creations(), 2);
        assert_eq!(
            requests_of(&app).await,
            [
                (State::Refused, "-1".to_owned(), 4),
                (State::Accepted, "-1-2".to_owned(), 2)
            ]
        );
        // The others are known by their new request, at the door as well as when it is looked at.
        let served = app.serve().await;
        for _ in 0..2 {
            fakes.step(&format!("http://{}", served.address)).await;
        }
        let expected = ["PAID", "FAILED", "PAID", "FAILED"];
        assert_eq!(scene.states(&app, &batch).await, expected);
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, expected);
        let paid: Vec<String> = fakes.paypal.book().into_iter().map(|movement| movement.key).collect();
        assert_eq!(paid, [key_of(&payouts[0]), key_of(&payouts[2])]);
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "18.36");
        assert_eq!(scene.book(&app, "IN_TRANSIT").await, "0.00");
        assert_eq!(
            app.balances(&scene.promoters[1]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        // Whom PayPal does not like alone fails alone, and there is no request without payouts.
        let next = scene.submitted(&app, "next").await;
        follow(&app.app).await.unwrap();
        assert_eq!(scene.states(&app, &next).await, ["FAILED", "FAILED"]);
        assert_eq!(scene.payouts(&app, &next).await[0]["failure"], why);
        assert_eq!(fakes.paypal.creations(), 3);
        assert_eq!(requests_of(&app).await.len(), 3);
    })
    .await;
}

/// The requests, the oldest first: the state, the end of the key and how many payouts are in it.
async fn requests_of(app: &TestApp) -> Vec<(State, String, usize)> {
    let rows = payout_request::Entity::find()
        .order_by_asc(payout_request::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    let of = |row: payout_request::Model| {
        let items: Vec<String> = serde_json::from_str(&row.items).unwrap();
        (row.state, row.request_key[32..].to_owned(), items.len())
    };
    rows.into_iter().map(of).collect()
}

/// Who was asked too often is asked again after a minute, whatever the provider calls it; what a person must put right, after fifteen.
#[rstest]
#[tokio::test]
async fn who_is_asked_too_often_is_asked_again_soon(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_rails_app(database, |app, fakes| async move {
        let upi = json!({ "upi": { "address": "maya@okbank" } });
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1), upi]).await;
        let like = partnership_of(&app, &scene.promoters[2]).await;
        give(&app, like.id, Money::new(50_000, "INR".parse().unwrap())).await;
        let fault = Fault::TooMany {
            retry_after_seconds: Some(60),
        };
        for faults in [fakes.paypal.faults(), fakes.stripe.faults(), fakes.razorpay.faults()] {
            faults.add(Place::Create, fault);
        }
        let euros = scene.submitted(&app, "euros").await;
        let made = scene.try_batch(&app, "rupees", json!({ "currency": "INR" })).await;
        let rupees = text(&data_at(&made, "createPayoutBatch.batch"), "id");
        for step in ["approvePayoutBatch", "submitPayoutBatch"] {
            scene.step(&app, step, &rupees).await;
        }
        follow(&app.app).await.unwrap();
        let waiting = requests_of(&app).await;
        assert_eq!(waiting.len(), 3);
        assert!(
            waiting.iter().all(|(state, ..)| *state == State::Prepared),
            "{waiting:?}"
        );
        app.advance(TimeDelta::seconds(59));
        assert_eq!(follow(&app.app).await.unwrap(), 0);
        app.advance(TimeDelta::seconds(1));
        assert_eq!(follow(&app.app).await.unwrap(), 3);
        let taken = requests_of(&app).await;
        assert!(taken.iter().all(|(state, ..)| *state == State::Accepted), "{taken:?}");
        assert_eq!(scene.states(&app, &euros).await, ["SUBMITTED", "PAID"]);
        assert_eq!(scene.states(&app, &rupees).await, ["SUBMITTED"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_nobody_claims_is_recalled(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1)]).await;
        let batch = scene.submitted(&app, "recall").await;
        let payouts = scene.payouts(&app, &batch).await;
        let recall = async |n: usize| {
            let input = json!({ "id": payouts[n]["id"] });
            let token = Some(scene.market.owner.token.as_str());
            app.mutation(token, "recallPayout", input, "payout { state }").await
        };
        // Nobody knows yet what PayPal calls it.
        assert_eq!(refusal(&recall(0).await), "RECALL_NOT_POSSIBLE");
        follow(&app.app).await.unwrap();
        assert!(fakes.paypal.settle(&key_of(&payouts[0]), "UNCLAIMED", None));
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["SUBMITTED", "PAID"]);
        assert_eq!(refusal(&recall(1).await), "INVALID_TRANSITION");

        let recalled = recall(0).await;
        assert_eq!(data_at(&recalled, "recallPayout.payout")["state"], "RETURNED");
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "0.00");
        assert_eq!(refusal(&recall(0).await), "INVALID_TRANSITION");
    })
    .await;
}

/// What a fake does is asked of it by the tests of each rail; here, that nothing of it is lost on the way to the books.
#[rstest]
#[tokio::test]
async fn what_is_unclear_is_found_out(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1)]).await;
        for faults in [fakes.paypal.faults(), fakes.stripe.faults()] {
            faults.add(Place::Create, Fault::ErrorAfter);
        }
        let batch = scene.submitted(&app, "unclear").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        assert_eq!(
            fakes.paypal.book().len() + fakes.stripe.book().len(),
            2,
            "both were paid"
        );
        let mut scene = scene;
        scene.wait(&app, 0).await;
        assert_eq!(scene.states(&app, &batch).await, ["SUBMITTED", "UNKNOWN"]);
        // PayPal was sent the same again at once, and said what it has. Stripe keeps its first answer, an error, under the key, and is
        // asked once three repetitions have brought nothing else.
        for hours in [1, 1, 1, 2, 2] {
            scene.wait(&app, hours).await;
            follow(&app.app).await.unwrap();
        }
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "PAID"]);
        assert_eq!(fakes.paypal.book().len() + fakes.stripe.book().len(), 2);
    })
    .await;
}

/// A batch of PayPal, Stripe and a file. PayPal takes nothing of it, so that has not left; what is at Stripe stays there.
#[rstest]
#[tokio::test]
async fn what_never_left_is_taken_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let mut scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1), iban(), paypal(3)]).await;
        let batch = scene.submitted(&app, "stuck").await;
        let take_back = async |key: &str| {
            let input = json!({ "idempotencyKey": key, "id": batch, "reason": "PayPal closed the account" });
            let token = Some(scene.market.owner.token.as_str());
            app.mutation(token, "cancelPayoutBatch", input, "replayed batch { id state }")
                .await
        };
        fakes.paypal.faults().add(
            Place::Create,
            Fault::TooMany {
                retry_after_seconds: Some(60),
            },
        );
        follow(&app.app).await.unwrap();
        assert_eq!(
            scene.states(&app, &batch).await,
            ["SUBMITTED", "PAID", "SUBMITTED", "SUBMITTED"]
        );
        for replayed in [false, true] {
            let answer = data_at(&take_back("back").await, "cancelPayoutBatch");
            assert_eq!(
                (&answer["replayed"], &answer["batch"]["state"]),
                (&json!(replayed), &json!("SUBMITTED"))
            );
            assert_eq!(
                scene.states(&app, &batch).await,
                ["CANCELLED", "PAID", "CANCELLED", "CANCELLED"]
            );
        }
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        assert_eq!(refusal(&take_back("again").await), "INVALID_TRANSITION");
        // Nothing is sent any more, and what is due again is paid by another batch.
        scene.wait(&app, 1).await;
        follow(&app.app).await.unwrap();
        assert!(fakes.paypal.book().is_empty());
        let next = scene.submitted(&app, "next").await;
        assert_eq!(scene.states(&app, &next).await, ["SUBMITTED", "SUBMITTED", "SUBMITTED"]);
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        look(&app).await;
        assert_eq!(fakes.paypal.book().len(), 2);
    })
    .await;
}

/// A batch that was handed over and has not been sent at all is cancelled as a whole.
#[rstest]
#[tokio::test]
async fn a_batch_of_which_nothing_left_is_cancelled(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1)]).await;
        let batch = scene.submitted(&app, "whole").await;
        let input = json!({ "idempotencyKey": "whole", "id": batch, "reason": "the wrong day" });
        let answer = app
            .done(&scene.market.owner, "cancelPayoutBatch", input, "batch { state }")
            .await;
        assert_eq!(answer["batch"]["state"], "CANCELLED");
        assert_eq!(scene.states(&app, &batch).await, ["CANCELLED", "CANCELLED"]);
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        assert!(fakes.paypal.book().is_empty());
    })
    .await;
}

/// What was prepared may have been sealed under another key while it was sent, and is not written back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_out_of_a_request_leaves_alone_what_was_prepared() {
    with_rails_app(Database::Postgres, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0)]).await;
        let batch = scene.submitted(&app, "sealed").await;
        let other = app.app.db.begin().await.unwrap();
        other
            .execute_unprepared("SELECT id FROM payouts FOR UPDATE")
            .await
            .unwrap();
        let follower = app.clone();
        let following = tokio::spawn(async move { follow(&follower.app).await });
        until_waiting(&app, 1).await;
        other
            .execute_unprepared("UPDATE payout_requests SET items = items || ' '")
            .await
            .unwrap();
        other.commit().await.unwrap();
        following.await.unwrap().unwrap();
        let request = payout_request::Entity::find().one(app.db()).await.unwrap().unwrap();
        assert_eq!(request.state, State::Accepted);
        assert!(request.items.ends_with(' '), "{}", request.items);
        assert_eq!(scene.states(&app, &batch).await, ["SUBMITTED"]);
    })
    .await;
}

/// A refund holds the balances of everyone who earned of its sale, and then wants their commissions. What is booked of one payout
/// must not hold a commission while what is booked of the next waits for a balance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_many_holds_no_commission_while_it_waits_for_a_balance() {
    with_rails_app(Database::Postgres, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1)]).await;
        let batch = scene.submitted(&app, "many").await;
        follow(&app.app).await.unwrap();
        let payouts = scene.payouts(&app, &batch).await;
        assert!(fakes.paypal.settle(&key_of(&payouts[0]), "SUCCESS", None));
        assert!(fakes.paypal.settle(
            &key_of(&payouts[1]),
            "FAILED",
            Some(("RECEIVER_ACCOUNT_LOCKED", "locked"))
        ));
        app.advance(TimeDelta::minutes(2));

        let refund = app.app.db.begin().await.unwrap();
        let partnerships = scene
            .promoters
            .iter()
            .map(|promoter| promoter.partnership.parse().unwrap());
        lock_all_available_in_tx(&refund, partnerships).await.unwrap();
        let follower = app.clone();
        let following = tokio::spawn(async move { follow(&follower.app).await });
        until_waiting(&app, 1).await;
        refund
            .execute_unprepared("SELECT id FROM commissions FOR UPDATE NOWAIT")
            .await
            .unwrap();
        refund.rollback().await.unwrap();
        following.await.unwrap().unwrap();
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "FAILED"]);
    })
    .await;
}
