//! PayPal Payouts.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tributary::infra::rails::{
    Cancelled, Destination, Instruction, Item, Looked, PayPalReceiver, PayPalWallet, Rail, RefusedItem, Request, Sent,
    Status,
    fakes::{Fault, Place, paypal::FakePayPal},
    paypal::{Credentials, PayPalRail, Settings},
};

use super::{
    BATCH, Stage, accepted, found, instruction, key, look_up, money, moved, only, problems, refused, send, send_again,
    unclear, word,
};

struct World {
    stage: Stage,
    fake: FakePayPal,
    rail: PayPalRail,
}

async fn world() -> World {
    let stage = Stage::new();
    let fake = FakePayPal::start(stage.clock()).await.unwrap();
    let settings = Settings::new(&fake.base_url(), fake.credentials(), "You have a payout");
    let rail = PayPalRail::new(settings, stage.around()).unwrap();
    World { stage, fake, rail }
}

fn to(email: &str) -> Destination {
    Destination::PayPal {
        receiver: PayPalReceiver::Email(email.to_owned()),
        wallet: PayPalWallet::PayPal,
    }
}

fn dollars(number: u128, cents: i64) -> Instruction {
    instruction(number, money(cents, "USD"), to(&format!("p{number}@example.org")))
}

fn one(rail: &PayPalRail) -> Request {
    only(rail.prepare(BATCH, &[dollars(1, 1_250)]))
}

#[tokio::test]
async fn a_batch_is_written_to_the_byte() {
    let World { rail, .. } = world().await;
    let mut second = dollars(2, 5);
    second.narration = "May payout".to_owned();
    let request = only(rail.prepare(BATCH, &[dollars(1, 1_250), second]));
    assert_eq!(request.key, "01920000000070008000000000000b00-1");
    assert_eq!(request.items, [key(1), key(2)]);
    let expected = concat!(
        r#"{"sender_batch_header":{"sender_batch_id":"01920000000070008000000000000b00-1","email_subject":"You have a payout"},"#,
        r#""items":[{"recipient_type":"EMAIL","amount":{"currency":"USD","value":"12.50"},"receiver":"p1@example.org","#,
        r#""sender_item_id":"01920000000070008000000000000001-1","recipient_wallet":"PAYPAL"},"#,
        r#"{"recipient_type":"EMAIL","amount":{"currency":"USD","value":"0.05"},"receiver":"p2@example.org","#,
        r#""sender_item_id":"01920000000070008000000000000002-1","recipient_wallet":"PAYPAL","note":"May payout"}]}"#,
    );
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn a_batch_has_one_currency_and_its_decimals() {
    let World { rail, .. } = world().await;
    let of = |number, minor, code| instruction(number, money(minor, code), to("a@example.org"));
    let prepared = rail.prepare(
        BATCH,
        &[
            of(1, 500, "JPY"),
            of(2, 1_200, "EUR"),
            of(3, 40_000, "HUF"),
            of(4, 1, "EUR"),
        ],
    );
    assert_eq!(prepared.rejected, []);
    let keys: Vec<_> = prepared
        .requests
        .iter()
        .map(|request| (request.key.as_str(), &request.items[..]))
        .collect();
    assert_eq!(
        keys,
        [
            ("01920000000070008000000000000b00-1", &[key(2), key(4)][..]),
            ("01920000000070008000000000000b00-2", &[key(3)][..]),
            ("01920000000070008000000000000b00-3", &[key(1)][..]),
        ]
    );
    // HUF has decimals and PayPal takes none of them; JPY has none.
    assert!(
        prepared.requests[1].body.contains(r#""value":"400""#),
        "{}",
        prepared.requests[1].body
    );
    assert!(
        prepared.requests[2].body.contains(r#""value":"500""#),
        "{}",
        prepared.requests[2].body
    );
}

#[tokio::test]
async fn more_items_than_a_batch_holds_are_several() {
    let World { rail, .. } = world().await;
    let many: Vec<Instruction> = (1..=15_001).map(|number| dollars(number, 100)).collect();
    let prepared = rail.prepare(BATCH, &many);
    let sizes: Vec<usize> = prepared.requests.iter().map(|request| request.items.len()).collect();
    assert_eq!(sizes, [15_000, 1]);
}

#[tokio::test]
async fn what_paypal_would_refuse_is_not_sent() {
    let World { rail, .. } = world().await;
    let of = |destination| instruction(1, money(100, "USD"), destination);
    let receiver = |receiver, wallet| Destination::PayPal { receiver, wallet };
    let email = |text: &str| to(text);
    let long = |chars: usize| format!("{}@{}.example", "a".repeat(64), "b".repeat(chars - 73));
    let mut noted = dollars(1, 100);
    noted.narration = "Grüße".to_owned();
    let mut tired = dollars(1, 100);
    tired.attempt = 1_000;
    let mut unborn = dollars(1, 100);
    unborn.attempt = 0;
    for (instruction, expected) in [
        (dollars(1, 2_000_000), &[][..]),
        (dollars(1, 2_000_001), &["AMOUNT_ABOVE_MAXIMUM"]),
        (dollars(1, 0), &["AMOUNT_BELOW_MINIMUM"]),
        (dollars(1, -5), &["AMOUNT_BELOW_MINIMUM"]),
        (
            instruction(1, money(100, "INR"), to("a@b.c")),
            &["CURRENCY_NOT_CARRIED"],
        ),
        (instruction(1, money(101, "TWD"), to("a@b.c")), &["AMOUNT_TOO_FINE"]),
        (of(email("nobody")), &["DESTINATION_INVALID"]),
        (of(email("a b@c.d")), &["DESTINATION_INVALID"]),
        (of(email("a..b@c.d")), &["DESTINATION_INVALID"]),
        (of(email("\"a b\"@c.d")), &["DESTINATION_INVALID"]),
        (of(email("mü@c.d")), &["DESTINATION_INVALID"]),
        (of(email("a@b")), &["DESTINATION_INVALID"]),
        (of(email("a@b@c.d")), &["DESTINATION_INVALID"]),
        (of(email(&long(127))), &[]),
        (of(email(&long(128))), &["DESTINATION_INVALID"]),
        (
            of(receiver(
                PayPalReceiver::Phone("+1-408-555-0100".into()),
                PayPalWallet::Venmo,
            )),
            &[],
        ),
        (
            of(receiver(PayPalReceiver::Phone("call me".into()), PayPalWallet::Venmo)),
            &["DESTINATION_INVALID"],
        ),
        (
            of(receiver(
                PayPalReceiver::PayPalId("9C9M6PZ43YFQE".into()),
                PayPalWallet::RecipientSelected,
            )),
            &[],
        ),
        (
            of(receiver(PayPalReceiver::UserHandle("@ada".into()), PayPalWallet::Venmo)),
            &[],
        ),
        (
            instruction(
                1,
                money(1, "EUR"),
                receiver(PayPalReceiver::UserHandle("@ada".into()), PayPalWallet::Venmo),
            ),
            &["CURRENCY_NOT_CARRIED"],
        ),
        (
            of(Destination::StripeAccount {
                account: "acct_1".into(),
            }),
            &["DESTINATION_NOT_CARRIED"],
        ),
        (noted, &["NARRATION_NOT_CARRIED"]),
        (tired, &["ATTEMPT_TOO_HIGH"]),
        (unborn, &["ATTEMPT_TOO_HIGH"]),
    ] {
        assert_eq!(problems(&rail, instruction.clone()), expected, "{instruction:?}");
    }
    let twice = rail.prepare(BATCH, &[dollars(1, 100), dollars(1, 100)]);
    assert_eq!(twice.requests[0].items, [key(1)]);
    assert_eq!(twice.rejected[0].problems[0].code.as_str(), "DUPLICATE_ITEM");
    // The fake takes what was let through.
    let World { fake, rail, .. } = world().await;
    let phone = receiver(PayPalReceiver::Phone("+1-408-555-0100".into()), PayPalWallet::Venmo);
    accepted(send(&rail, &only(rail.prepare(BATCH, &[dollars(2, 2_000_000), of(phone)]))).await);
    assert_eq!(fake.creations(), 1);
}

/// PayPal takes nothing of a batch in which it does not like one item. It says which, and the others are sent without it.
#[tokio::test]
async fn one_that_paypal_dislikes_is_named_and_the_others_are_sent_without_it() {
    let World { stage, fake, rail } = world().await;
    let all = [dollars(1, 1_250), dollars(2, 1_000), dollars(3, 750), dollars(4, 500)];
    let request = only(rail.prepare(BATCH, &all));
    for receiver in ["p2@example.org", "p4@example.org"] {
        fake.dislike(receiver);
    }
    let Sent::Refused(no) = send(&rail, &request).await else {
        panic!("it was taken");
    };
    assert_eq!((no.code.as_str(), no.is_final), ("VALIDATION_ERROR", true));
    let issue = "Receiver is invalid or does not match with type";
    assert_eq!(
        no.message,
        format!("Invalid request - see details: items[1].receiver: {issue}")
    );
    let disliked = |number| RefusedItem {
        key: key(number),
        message: format!("receiver: {issue}"),
    };
    assert_eq!(no.items, [disliked(2), disliked(4)]);

    let keys: BTreeSet<String> = no.items.into_iter().map(|item| item.key).collect();
    let rest = rail.without(&request, &keys).unwrap();
    assert_eq!(rest.key, "01920000000070008000000000000b00-1-2");
    assert_eq!(rest.items, [key(1), key(3)]);
    assert_eq!(rail.without(&request, &keys), Some(rest.clone()));
    fake.dislike("p3@example.org");
    assert_eq!(refused(&send(&rail, &rest).await), ("VALIDATION_ERROR", true));
    let last = rail.without(&rest, &BTreeSet::from([key(3)])).unwrap();
    assert_eq!(last.key, "01920000000070008000000000000b00-1-3");
    accepted(send(&rail, &last).await);
    fake.tick();
    fake.tick();
    assert_eq!(fake.book(), [moved(&key(1), "p1@example.org", 1_250, "USD")]);
    assert_eq!(rail.without(&last, &BTreeSet::from([key(1)])), None);
    // When it is not known what became of the first time, nothing is.
    let again = send_again(&rail, &request, stage.now()).await;
    assert_eq!(unclear(&again), "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_batch_is_paid_and_its_items_say_so() {
    let World { stage, fake, rail } = world().await;
    let request = only(rail.prepare(BATCH, &[dollars(1, 1_250), dollars(2, 1_000)]));
    let (batch, is_replay) = accepted(send(&rail, &request).await);
    assert_eq!((batch.as_str(), is_replay), ("BATCH00000001", false));
    let look = || look_up(&rail, &request, Some(&batch), stage.now());
    let states = |items: Vec<Item>| items.iter().map(|item| word(&item.status)).collect::<Vec<_>>();
    assert_eq!(states(found(look().await)), ["waiting", "waiting"]);
    fake.tick();
    assert_eq!(states(found(look().await)), ["waiting", "waiting"]);
    fake.tick();
    let items = found(look().await);
    // A fiftieth of 12.50 and of 10.00.
    let paid = |fee, transaction: &str| Status::Paid {
        fee: Some(money(fee, "USD")),
        reference: Some(transaction.to_owned()),
    };
    assert_eq!(
        items,
        [
            Item {
                key: Some(key(1)),
                provider_id: "ITEMBATCH00000001000001".to_owned(),
                state: "SUCCESS".to_owned(),
                status: paid(25, "00000000000000002"),
            },
            Item {
                key: Some(key(2)),
                provider_id: "ITEMBATCH00000001000002".to_owned(),
                state: "SUCCESS".to_owned(),
                status: paid(20, "00000000000000003"),
            },
        ]
    );
    let expected = [
        moved(&key(1), "p1@example.org", 1_250, "USD"),
        moved(&key(2), "p2@example.org", 1_000, "USD"),
    ];
    assert_eq!(fake.book(), expected);
}

#[tokio::test]
async fn every_state_comes_down_to_one_of_ours() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let (batch, _) = accepted(send(&rail, &request).await);
    for (state, expected) in [
        ("PENDING", "waiting"),
        ("ONHOLD", "waiting"),
        ("UNCLAIMED", "waiting"),
        ("SUCCESS", "paid"),
        ("FAILED", "failed"),
        ("BLOCKED", "failed"),
        ("DENIED", "failed"),
        ("RETURNED", "returned"),
        ("REFUNDED", "returned"),
        ("REVERSED", "returned"),
        ("INVENTED_TOMORROW", "waiting"),
        ("success", "waiting"),
    ] {
        assert!(fake.settle(&key(1), state, None));
        let items = found(look_up(&rail, &request, Some(&batch), stage.now()).await);
        assert_eq!((items[0].state.as_str(), word(&items[0].status)), (state, expected));
    }
    fake.settle(
        &key(1),
        "FAILED",
        Some(("RECEIVER_UNREGISTERED", "Receiver is unregistered")),
    );
    let items = found(look_up(&rail, &request, Some(&batch), stage.now()).await);
    let failed = Status::Failed {
        code: "RECEIVER_UNREGISTERED".to_owned(),
        reason: "Receiver is unregistered".to_owned(),
    };
    assert_eq!(items[0].status, failed);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_batch_adopted() {
    for fault in [Fault::DropAfter, Fault::HangAfter, Fault::ErrorAfter] {
        let World { stage, fake, rail } = world().await;
        let request = one(&rail);
        fake.faults().add(Place::Create, fault);
        assert_eq!(
            accepted(send(&rail, &request).await),
            ("BATCH00000001".to_owned(), true),
            "{fault:?}"
        );
        assert_eq!(fake.creations(), 2);
        // Half of the pause is by chance, of which this pace takes all.
        assert_eq!(stage.pace.slept(), [Duration::from_millis(500)]);
        fake.tick();
        fake.tick();
        assert_eq!(
            fake.book(),
            [moved(&key(1), "p1@example.org", 1_250, "USD")],
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_process_that_died_sends_the_same_again_and_pays_once() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let first = stage.now();
    for _ in 0..4 {
        fake.faults().add(Place::Create, Fault::DropAfter);
    }
    assert_eq!(unclear(&send(&rail, &request).await), "CONNECTION_LOST");
    let looked = look_up(&rail, &request, None, first).await;
    assert_eq!(looked, Looked::OnlyBySending);
    assert_eq!(rail.resend_after(1), Some(Duration::from_secs(60)));
    stage.pass(TimeDelta::minutes(1));
    // Stored and read back, it is the same to the byte.
    let stored: Request = serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap();
    assert_eq!(stored, request);
    assert_eq!(
        accepted(send_again(&rail, &stored, first).await),
        ("BATCH00000001".to_owned(), true)
    );
    fake.tick();
    fake.tick();
    assert_eq!(fake.book().len(), 1);
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_proves_nothing() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    fake.set_balance("USD", 1_249);
    assert_eq!(refused(&send(&rail, &request).await), ("INSUFFICIENT_FUNDS", true));
    // Within one call, and from an earlier one.
    fake.faults().add(Place::Create, Fault::ErrorBefore);
    assert_eq!(unclear(&send(&rail, &request).await), "INSUFFICIENT_FUNDS");
    assert_eq!(
        unclear(&send_again(&rail, &request, stage.now()).await),
        "INSUFFICIENT_FUNDS"
    );
    fake.set_balance("USD", 1_250);
    accepted(send_again(&rail, &request, stage.now()).await);
    // The one that was away did not hear of it.
    assert_eq!(fake.creations(), 4);
}

#[tokio::test]
async fn a_key_that_may_be_forgotten_is_not_sent_again() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let first = stage.now();
    accepted(send(&rail, &request).await);
    stage.pass(TimeDelta::days(30) - TimeDelta::seconds(1));
    assert!(accepted(send_again(&rail, &request, first).await).1);
    stage.pass(TimeDelta::seconds(1));
    assert_eq!(unclear(&send_again(&rail, &request, first).await), "KEY_EXPIRED");
    assert_eq!(fake.creations(), 2);
}

#[tokio::test]
async fn a_batch_that_has_our_id_and_not_our_items_pays_nothing_of_ours() {
    let World { stage, fake, rail } = world().await;
    accepted(send(&rail, &one(&rail)).await);
    // The same name for another set: the caller's mistake.
    let other = only(rail.prepare(BATCH, &[dollars(2, 300)]));
    let (batch, is_replay) = accepted(send(&rail, &other).await);
    assert!(is_replay);
    let looked = |absent| Looked::Found {
        provider_id: batch.clone(),
        items: Vec::new(),
        absent,
    };
    // While PayPal works on it, they may still come.
    assert_eq!(
        look_up(&rail, &other, Some(&batch), stage.now()).await,
        looked(Vec::new())
    );
    fake.tick();
    fake.tick();
    assert_eq!(
        look_up(&rail, &other, Some(&batch), stage.now()).await,
        looked(vec![key(2)])
    );
}

/// What is called absent is paid again, so it is not concluded from an answer in which something is missing.
#[tokio::test]
async fn nothing_is_absent_from_a_batch_that_is_not_shown_whole() {
    let World { stage, fake, rail } = world().await;
    let request = only(rail.prepare(BATCH, &[dollars(1, 1_250), dollars(2, 1_000)]));
    let (batch, _) = accepted(send(&rail, &request).await);
    let header = |state: &str| json!({"payout_batch_id": batch, "batch_status": state});
    let item = |number: u128, key: Option<String>| {
        let mut item = json!({"payout_item_id": format!("ITEM{number}"), "transaction_status": "SUCCESS"});
        if let Some(key) = key {
            item["payout_item"] = json!({"sender_item_id": key});
        }
        item
    };
    let [first, second] = [1, 2].map(|number| item(number, Some(key(number))));
    let keyless = item(2, None);
    let strange = item(2, Some(key(2).to_uppercase().replace("-1", "-01")));
    let whole = |total: usize, items: &[&Value]| json!({"batch_header": header("SUCCESS"), "total_items": total, "total_pages": 1, "items": items});
    for said in [
        json!({"batch_header": header("SUCCESS")}),
        json!({"batch_header": header("SUCCESS"), "items": []}),
        json!({"batch_header": header("SUCCESS"), "items": [], "total_items": 0, "total_pages": 0}),
        json!({"batch_header": header("DENIED"), "items": [], "total_items": 2, "total_pages": 1}),
        json!({"batch_header": header("CANCELED")}),
        json!({"batch_header": header("SUCCESS"), "items": [first], "total_pages": 1}),
        whole(2, &[&first]),
        whole(2, &[&first, &keyless]),
        whole(2, &[&first, &strange]),
        // One that is shown twice hides another.
        whole(2, &[&first, &first]),
        whole(1, &[&first, &keyless]),
    ] {
        fake.say_next(said.clone());
        let looked = look_up(&rail, &request, Some(&batch), stage.now()).await;
        let Looked::Unclear(doubt) = looked else {
            panic!("{said}: {looked:?}");
        };
        assert_eq!(doubt.code, "BATCH_INCOMPLETE", "{said}");
    }
    let absent_from = async |said: Value| {
        fake.say_next(said);
        match look_up(&rail, &request, Some(&batch), stage.now()).await {
            Looked::Found { items, absent, .. } => (items.len(), absent),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(absent_from(whole(1, &[&first])).await, (1, vec![key(2)]));
    assert_eq!(absent_from(whole(2, &[&first, &second])).await, (2, Vec::new()));
    let denied = json!({"batch_header": header("DENIED"), "items": [], "total_items": 0, "total_pages": 0});
    assert_eq!(absent_from(denied).await, (0, vec![key(1), key(2)]));
    // What is there is believed, however it is counted.
    assert_eq!(absent_from(whole(7, &[&first, &second])).await, (2, Vec::new()));
}

#[tokio::test]
async fn a_token_is_kept_until_it_ends_or_is_refused() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let (batch, _) = accepted(send(&rail, &request).await);
    let look = || look_up(&rail, &request, Some(&batch), stage.now());
    assert_eq!(found(look().await).len(), 1);
    assert_eq!(fake.tokens_given(), 1);
    fake.forget_tokens();
    assert_eq!(found(look().await).len(), 1);
    assert_eq!(fake.tokens_given(), 2);
    // It is not used in its last minute.
    stage.pass(TimeDelta::seconds(32_400 - 61));
    assert_eq!(found(look().await).len(), 1);
    assert_eq!(fake.tokens_given(), 2);
    stage.pass(TimeDelta::seconds(1));
    assert_eq!(found(look().await).len(), 1);
    assert_eq!(fake.tokens_given(), 3);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let World { stage, fake, rail } = world().await;
    let credentials = Credentials {
        client_id: "fake-client".to_owned(),
        secret: "hunter2".to_owned(),
    };
    assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    let wrong = PayPalRail::new(Settings::new(&fake.base_url(), credentials, "x"), stage.around()).unwrap();
    let request = one(&rail);
    assert_eq!(refused(&send(&wrong, &request).await), ("invalid_client", false));
    // Of the first time, nothing is known by that.
    assert_eq!(
        unclear(&send_again(&wrong, &request, stage.now()).await),
        "invalid_client"
    );
    fake.faults().add(Place::Token, Fault::ErrorBefore);
    assert_eq!(refused(&send(&rail, &request).await), ("TOKEN_UNAVAILABLE", false));
    assert_eq!(fake.creations(), 0);
}

#[tokio::test]
async fn who_is_busy_is_given_time() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let too_many = |retry_after_seconds| Fault::TooMany { retry_after_seconds };
    fake.faults().add(Place::Create, too_many(None));
    fake.faults().add(Place::Create, too_many(Some(7)));
    accepted(send(&rail, &request).await);
    assert_eq!(stage.pace.slept(), [Duration::from_millis(500), Duration::from_secs(7)]);
    // Too long to wait for: whoever asked comes again.
    fake.faults().add(Place::Create, too_many(Some(21)));
    let other = only(rail.prepare(uuid::Uuid::from_u128(2), &[dollars(2, 100)]));
    assert_eq!(refused(&send(&rail, &other).await), ("RATE_LIMIT_REACHED", false));
    for _ in 0..4 {
        fake.faults().add(Place::Create, too_many(None));
    }
    assert_eq!(refused(&send(&rail, &other).await), ("RATE_LIMIT_REACHED", false));
    // Each pause is twice the one before.
    let slept = stage.pace.slept();
    assert_eq!(slept[2..], [500, 1_000, 2_000].map(Duration::from_millis));
    assert_eq!(fake.creations(), 1);
}

#[tokio::test]
async fn a_large_batch_is_read_page_by_page() {
    let World { stage, fake, rail } = world().await;
    let many: Vec<Instruction> = (1..=2_001).map(|number| dollars(number, 100)).collect();
    let request = only(rail.prepare(BATCH, &many));
    let (batch, _) = accepted(send(&rail, &request).await);
    fake.faults().add(Place::Read, Fault::DropBefore);
    let items = found(look_up(&rail, &request, Some(&batch), stage.now()).await);
    let keys: Vec<_> = items.into_iter().filter_map(|item| item.key).collect();
    assert_eq!(keys, request.items);
}

#[tokio::test]
async fn what_nobody_claimed_is_taken_back_and_nothing_else() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let (batch, _) = accepted(send(&rail, &request).await);
    fake.settle(&key(1), "SUCCESS", None);
    let item = found(look_up(&rail, &request, Some(&batch), stage.now()).await)
        .remove(0)
        .provider_id;
    let Cancelled::Refused(no) = rail.cancel(&item).await else {
        panic!("it was taken back");
    };
    assert_eq!(no.code, "ITEM_INCORRECT_STATUS");
    fake.settle(&key(1), "UNCLAIMED", None);
    let Cancelled::Done(back) = rail.cancel(&item).await else {
        panic!("it was not taken back");
    };
    assert_eq!((back.state.as_str(), word(&back.status)), ("RETURNED", "returned"));
    fake.faults().add(Place::Cancel, Fault::DropAfter);
    assert!(matches!(rail.cancel(&item).await, Cancelled::Unclear(_)));
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let stage = Stage::new();
    for (url, subject) in [
        ("http://api.paypal.com", "x"),
        ("https://a:b@api.paypal.com", "x"),
        ("nowhere", "x"),
        ("https://api.paypal.com", ""),
        ("https://api.paypal.com", &"x".repeat(256)),
    ] {
        let credentials = Credentials {
            client_id: "a".to_owned(),
            secret: "b".to_owned(),
        };
        let made = PayPalRail::new(Settings::new(url, credentials, subject), stage.around());
        assert!(made.is_err(), "{url} {subject}");
    }
}

/// Nor is it taken for PayPal's word what somebody in between says.
#[tokio::test]
async fn a_page_of_somebody_else_is_no_answer() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    for status in [200, 302, 404, 409, 422] {
        fake.faults().add(Place::Create, Fault::Page { status });
        assert_eq!(unclear(&send(&rail, &request).await), "ANSWER_UNREADABLE", "{status}");
    }
    let (batch, _) = accepted(send(&rail, &request).await);
    fake.faults().add(Place::Read, Fault::Page { status: 200 });
    assert!(matches!(
        look_up(&rail, &request, Some(&batch), stage.now()).await,
        Looked::Unclear(_)
    ));
    fake.faults().add(Place::Cancel, Fault::Page { status: 404 });
    assert!(matches!(rail.cancel("ITEM").await, Cancelled::Unclear(_)));
}
