//! RazorpayX.

use std::time::Duration;

use chrono::TimeDelta;
use tributary::infra::rails::{
    Cancelled, Destination, Instruction, Item, Looked, Rail, RailKind, Request, Sent, Status,
    fakes::{
        Fault, Place,
        razorpay::{ACCOUNT_NUMBER, FakeRazorpay},
    },
    razorpay::{BankMode, Credentials, LowBalance, RazorpayRail, Settings},
};

use super::{
    BATCH, Stage, accepted, found, instruction, key, look_up, money, moved, only, problems, refused, send, send_again,
    unclear, word,
};

struct World {
    stage: Stage,
    fake: FakeRazorpay,
    rail: RazorpayRail,
}

fn settings(fake: &FakeRazorpay) -> Settings {
    Settings {
        base_url: fake.base_url(),
        credentials: fake.credentials(),
        account_number: ACCOUNT_NUMBER.to_owned(),
        bank_mode: BankMode::Immediate,
        low_balance: LowBalance::Queue,
    }
}

async fn world() -> World {
    let stage = Stage::new();
    let fake = FakeRazorpay::start(stage.clock()).await.unwrap();
    let rail = RazorpayRail::new(settings(&fake), stage.around()).unwrap();
    World { stage, fake, rail }
}

fn bank() -> Destination {
    Destination::IndianBank {
        name: "Asha Rao".to_owned(),
        ifsc: "HDFC0000053".to_owned(),
        account_number: "765432123456789".to_owned(),
    }
}

fn upi(address: &str) -> Destination {
    Destination::Upi {
        name: "Asha Rao".to_owned(),
        address: address.to_owned(),
    }
}

fn rupees(number: u128, paise: i64) -> Instruction {
    instruction(number, money(paise, "INR"), bank())
}

fn one(rail: &RazorpayRail) -> Request {
    only(rail.prepare(BATCH, &[rupees(1, 150_000)]))
}

const TO: &str = "HDFC0000053/765432123456789";

#[tokio::test]
async fn a_payout_is_written_to_the_byte() {
    let World { rail, .. } = world().await;
    let mut noted = rupees(1, 150_000);
    noted.narration = "May payout".to_owned();
    let request = only(rail.prepare(BATCH, &[noted]));
    assert_eq!(request.key, key(1));
    let expected = concat!(
        r#"{"account_number":"7878780080316316","amount":150000,"currency":"INR","mode":"IMPS","purpose":"payout","#,
        r#""fund_account":{"account_type":"bank_account","bank_account":{"name":"Asha Rao","ifsc":"HDFC0000053","#,
        r#""account_number":"765432123456789"},"contact":{"name":"Asha Rao"}},"queue_if_low_balance":true,"#,
        r#""reference_id":"01920000000070008000000000000001-1","narration":"May payout"}"#,
    );
    assert_eq!(request.body, expected);
    let request = only(rail.prepare(BATCH, &[instruction(2, money(100, "INR"), upi("asha@okbank"))]));
    assert!(
        request.body.contains(r#""mode":"UPI","purpose":"payout","fund_account":{"account_type":"vpa","vpa":{"address":"asha@okbank"},"contact""#),
        "{}",
        request.body
    );
    assert!(!request.body.contains("narration"), "{}", request.body);
}

#[tokio::test]
async fn the_mode_follows_from_amount_and_account() {
    let World { stage, fake, rail } = world().await;
    let neft = RazorpayRail::new(
        Settings {
            bank_mode: BankMode::Neft,
            ..settings(&fake)
        },
        stage.around(),
    )
    .unwrap();
    for (number, rail, paise, destination, expected) in [
        (1, &rail, 100, bank(), "IMPS"),
        (2, &rail, 50_000_000, bank(), "IMPS"),
        (3, &rail, 50_000_001, bank(), "RTGS"),
        (4, &rail, 10_000_000, upi("asha@okbank"), "UPI"),
        (5, &neft, 100, bank(), "NEFT"),
        (6, &neft, 50_000_001, bank(), "NEFT"),
        (7, &neft, 100, upi("asha@okbank"), "UPI"),
    ] {
        let request = only(rail.prepare(BATCH, &[instruction(number, money(paise, "INR"), destination)]));
        assert!(
            request.body.contains(&format!(r#""mode":"{expected}""#)),
            "{}",
            request.body
        );
        accepted(send(rail, &request).await);
    }
}

#[tokio::test]
async fn what_razorpay_would_refuse_is_not_sent() {
    let World { rail, fake: _fake, .. } = world().await;
    let of = |destination| instruction(1, money(100, "INR"), destination);
    let at = |ifsc: &str, number: &str| {
        of(Destination::IndianBank {
            name: "Asha Rao".to_owned(),
            ifsc: ifsc.to_owned(),
            account_number: number.to_owned(),
        })
    };
    let named = |name: &str| {
        of(Destination::Upi {
            name: name.to_owned(),
            address: "asha@okbank".to_owned(),
        })
    };
    let narrated = |text: &str| Instruction {
        narration: text.to_owned(),
        ..rupees(1, 100)
    };
    for (instruction, expected) in [
        (rupees(1, 100), &[][..]),
        (rupees(1, 99), &["AMOUNT_BELOW_MINIMUM"]),
        (instruction(1, money(100, "USD"), bank()), &["CURRENCY_NOT_CARRIED"]),
        (
            instruction(1, money(10_000_001, "INR"), upi("asha@okbank")),
            &["AMOUNT_ABOVE_MAXIMUM"],
        ),
        (at("HDFC0000053", "12345"), &[]),
        (at("HDFC0000053", "1234"), &["DESTINATION_INVALID"]),
        (at("HDFC0000053", &"1".repeat(36)), &["DESTINATION_INVALID"]),
        (at("HDFC0000053", "1234-567"), &["DESTINATION_INVALID"]),
        (at("HDFC1000053", "12345"), &["DESTINATION_INVALID"]),
        (at("HDFC000005", "12345"), &["DESTINATION_INVALID"]),
        (at("hdfc0000053", "1"), &["DESTINATION_INVALID", "DESTINATION_INVALID"]),
        (of(upi("asha")), &["DESTINATION_INVALID"]),
        (of(upi("@okbank")), &["DESTINATION_INVALID"]),
        (of(upi("as ha@okbank")), &["DESTINATION_INVALID"]),
        (named("Al"), &["NAME_INVALID"]),
        (named(&"x".repeat(120)), &[]),
        (named(&"x".repeat(121)), &["NAME_INVALID"]),
        (named(" Asha"), &["NAME_INVALID"]),
        (narrated(&"x".repeat(30)), &[]),
        (narrated(&"x".repeat(31)), &["NARRATION_NOT_CARRIED"]),
        (narrated("May, 2026"), &["NARRATION_NOT_CARRIED"]),
        (
            of(Destination::StripeAccount {
                account: "acct_1".into(),
            }),
            &["DESTINATION_NOT_CARRIED"],
        ),
    ] {
        assert_eq!(problems(&rail, instruction.clone()), expected, "{instruction:?}");
    }
    assert_eq!(
        problems(
            &rail,
            narrated(&RailKind::Razorpayx.narration("May, 2026: payout of Café & Co"))
        ),
        [""; 0]
    );
    // The longest name is cut for its contact.
    accepted(send(&rail, &only(rail.prepare(BATCH, &[named(&"x".repeat(120))]))).await);
}

#[tokio::test]
async fn a_payout_is_paid_and_says_so() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let Sent::Accepted { provider_id, items, .. } = send(&rail, &request).await else {
        panic!("it was not taken");
    };
    assert_eq!(
        (provider_id.as_str(), word(&items[0].status)),
        ("pout_00000000000001", "waiting")
    );
    fake.tick();
    let paid = Item {
        key: Some(key(1)),
        provider_id: "pout_00000000000001".to_owned(),
        state: "processed".to_owned(),
        status: Status::Paid {
            fee: Some(money(590, "INR")),
            reference: Some("UTR0000000000001".to_owned()),
        },
    };
    // By its id and by our reference.
    for id in [Some("pout_00000000000001"), None] {
        assert_eq!(
            found(look_up(&rail, &request, id, stage.now()).await),
            std::slice::from_ref(&paid)
        );
    }
    assert_eq!(fake.book(), [moved(&key(1), TO, 150_000, "INR")]);
    // And comes back.
    fake.settle(
        &key(1),
        "reversed",
        Some(("beneficiary_bank_offline", "The bank is down.")),
    );
    let back = found(look_up(&rail, &request, Some(&provider_id), stage.now()).await);
    let returned = Status::Returned {
        code: "beneficiary_bank_offline".to_owned(),
        reason: "The bank is down.".to_owned(),
        fee: Some(money(590, "INR")),
    };
    assert_eq!(back[0].status, returned);
}

#[tokio::test]
async fn every_state_comes_down_to_one_of_ours() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    accepted(send(&rail, &request).await);
    for (state, expected) in [
        ("pending", "waiting"),
        ("queued", "waiting"),
        ("scheduled", "waiting"),
        ("processing", "waiting"),
        ("processed", "paid"),
        ("reversed", "returned"),
        ("cancelled", "failed"),
        ("rejected", "failed"),
        ("failed", "failed"),
        ("invented_tomorrow", "waiting"),
        ("PROCESSED", "waiting"),
    ] {
        assert!(fake.settle(&key(1), state, None));
        let items = found(look_up(&rail, &request, None, stage.now()).await);
        assert_eq!((items[0].state.as_str(), word(&items[0].status)), (state, expected));
    }
}

#[tokio::test]
async fn a_lost_answer_is_unclear_until_the_same_is_sent_again() {
    for (fault, code) in [
        (Fault::DropAfter, "CONNECTION_LOST"),
        (Fault::HangAfter, "TIMEOUT"),
        (Fault::ErrorAfter, "SERVER_ERROR"),
    ] {
        let World { stage, fake, rail } = world().await;
        let request = one(&rail);
        let first = stage.now();
        fake.faults().add(Place::Create, fault);
        assert_eq!(unclear(&send(&rail, &request).await), code);
        // At 1, 2 and 5 minutes, then it is looked up.
        let pauses = [1, 2, 3, 4].map(|sends| rail.resend_after(sends));
        let minutes = |count: u64| Some(Duration::from_secs(count * 60));
        assert_eq!(pauses, [minutes(1), minutes(2), minutes(5), None]);
        stage.pass(TimeDelta::minutes(1));
        assert_eq!(
            accepted(send_again(&rail, &request, first).await).0,
            "pout_00000000000001"
        );
        fake.tick();
        // The latest state, not the first.
        let Sent::Accepted { items, .. } = send_again(&rail, &request, first).await else {
            panic!("it was not taken");
        };
        assert_eq!(word(&items[0].status), "paid");
        assert_eq!(fake.book(), [moved(&key(1), TO, 150_000, "INR")], "{fault:?}");
    }
}

#[tokio::test]
async fn it_is_absent_for_good_an_hour_after_it_was_sent_last() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    fake.faults().add(Place::Create, Fault::DropBefore);
    assert_eq!(unclear(&send(&rail, &request).await), "CONNECTION_LOST");
    let sent = stage.now();
    stage.pass(TimeDelta::minutes(60) - TimeDelta::seconds(1));
    let absent = |is_final| Looked::Absent { is_final };
    assert_eq!(look_up(&rail, &request, None, sent).await, absent(false));
    stage.pass(TimeDelta::seconds(1));
    assert_eq!(look_up(&rail, &request, None, sent).await, absent(true));
    // While Razorpay is away, nothing is known.
    for _ in 0..4 {
        fake.faults().add(Place::Read, Fault::ErrorBefore);
    }
    assert!(matches!(look_up(&rail, &request, None, sent).await, Looked::Unclear(_)));
}

#[tokio::test]
async fn a_key_with_another_body_is_no_refusal() {
    let World { fake, rail, .. } = world().await;
    accepted(send(&rail, &one(&rail)).await);
    let other = only(rail.prepare(BATCH, &[rupees(1, 150_001)]));
    assert_eq!(unclear(&send(&rail, &other).await), "KEY_REUSED");
    fake.tick();
    assert_eq!(fake.book(), [moved(&key(1), TO, 150_000, "INR")]);
}

#[tokio::test]
async fn a_key_that_may_be_forgotten_is_not_sent_again() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    let first = stage.now();
    accepted(send(&rail, &request).await);
    stage.pass(TimeDelta::days(7));
    assert_eq!(unclear(&send_again(&rail, &request, first).await), "KEY_EXPIRED");
    fake.tick();
    assert_eq!(fake.book().len(), 1);
}

#[tokio::test]
async fn without_money_it_waits_or_is_refused() {
    let World { stage, fake, rail } = world().await;
    fake.set_balance(149_999);
    let strict = RazorpayRail::new(
        Settings {
            low_balance: LowBalance::Refuse,
            ..settings(&fake)
        },
        stage.around(),
    )
    .unwrap();
    assert_eq!(
        refused(&send(&strict, &only(strict.prepare(BATCH, &[rupees(1, 150_000)]))).await),
        ("insufficient_funds", true)
    );
    // The repetition of what may have been taken proves nothing.
    let again = send_again(
        &strict,
        &only(strict.prepare(BATCH, &[rupees(1, 150_000)])),
        stage.now(),
    )
    .await;
    assert_eq!(unclear(&again), "insufficient_funds");
    let request = only(rail.prepare(BATCH, &[rupees(2, 150_000)]));
    let (id, _) = accepted(send(&rail, &request).await);
    fake.tick();
    let items = found(look_up(&rail, &request, None, stage.now()).await);
    assert_eq!((items[0].state.as_str(), word(&items[0].status)), ("queued", "waiting"));
    let Cancelled::Done(item) = rail.cancel(&id).await else {
        panic!("it was not taken back");
    };
    assert_eq!((item.state.as_str(), word(&item.status)), ("cancelled", "failed"));
    let Cancelled::Refused(no) = rail.cancel(&id).await else {
        panic!("it was taken back twice");
    };
    assert_eq!(no.code, "BAD_REQUEST_ERROR");
    // What waited is paid when there is money.
    let third = only(rail.prepare(BATCH, &[rupees(3, 150_000)]));
    accepted(send(&rail, &third).await);
    fake.set_balance(150_000);
    fake.tick();
    fake.tick();
    assert_eq!(fake.book(), [moved(&key(3), TO, 150_000, "INR")]);
}

#[tokio::test]
async fn who_is_busy_is_given_time_and_who_is_unknown_refused() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    fake.faults().add(
        Place::Create,
        Fault::TooMany {
            retry_after_seconds: None,
        },
    );
    fake.faults().add(
        Place::Create,
        Fault::TooMany {
            retry_after_seconds: None,
        },
    );
    accepted(send(&rail, &request).await);
    assert_eq!(stage.pace.slept(), [Duration::from_millis(500), Duration::from_secs(1)]);
    let credentials = Credentials {
        key_id: "rzp_test_fake".to_owned(),
        key_secret: "hunter2".to_owned(),
    };
    assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    let wrong = RazorpayRail::new(
        Settings {
            credentials,
            ..settings(&fake)
        },
        stage.around(),
    )
    .unwrap();
    let (code, is_final) = ("BAD_REQUEST_ERROR", false);
    assert_eq!(refused(&send(&wrong, &request).await), (code, is_final));
    assert_eq!(unclear(&send_again(&wrong, &request, stage.now()).await), code);
    assert!(matches!(
        look_up(&wrong, &request, None, stage.now()).await,
        Looked::Unclear(_)
    ));
}

#[tokio::test]
async fn a_page_of_somebody_else_is_no_answer() {
    let World { stage, fake, rail } = world().await;
    let request = one(&rail);
    for status in [200, 302, 404, 409, 422] {
        fake.faults().add(Place::Create, Fault::Page { status });
        let sent = send(&rail, &request).await;
        assert!(
            matches!(&sent, Sent::Unclear(doubt) if doubt.code == "ANSWER_UNREADABLE"),
            "{status}: {sent:?}"
        );
    }
    // A list that is none is not an empty one.
    for status in [200, 404] {
        fake.faults().add(Place::Read, Fault::Page { status });
        assert!(matches!(
            look_up(&rail, &request, None, stage.now()).await,
            Looked::Unclear(_)
        ));
    }
}
