//! Stripe transfers.

use std::time::Duration;

use chrono::TimeDelta;
use tributary::infra::rails::{
    Cancelled, Destination, Instruction, Looked, Rail, Request, Sent, Status,
    fakes::{Fault, Place, stripe::FakeStripe},
    stripe::{
        Credentials, Settings, StripeRail,
        onboarding::{Account, NewAccount, OnboardingError},
    },
};
use url::Url;

use super::{
    BATCH, Stage, accepted, found, instruction, key, look_up, money, moved, only, problems, refused, send, send_again,
    unclear, word,
};

struct World {
    stage: Stage,
    fake: FakeStripe,
    rail: StripeRail,
    account: String,
}

fn whose(reference: &str) -> NewAccount {
    NewAccount {
        reference: reference.to_owned(),
        country: "DE".to_owned(),
        email: Some("ada@example.org".to_owned()),
    }
}

async fn world() -> World {
    let stage = Stage::new();
    let fake = FakeStripe::start(stage.clock()).await.unwrap();
    let settings = Settings {
        base_url: fake.base_url(),
        credentials: fake.credentials(),
    };
    let rail = StripeRail::new(settings, stage.around()).unwrap();
    let account = rail.create_account(&whose("partner-1")).await.unwrap().id;
    assert!(fake.complete(&account));
    World {
        stage,
        fake,
        rail,
        account,
    }
}

impl World {
    fn euros(&self, number: u128, cents: i64) -> Instruction {
        let account = self.account.clone();
        instruction(number, money(cents, "EUR"), Destination::StripeAccount { account })
    }

    fn one(&self) -> Request {
        only(self.rail.prepare(BATCH, &[self.euros(1, 1_250)]))
    }
}

#[tokio::test]
async fn a_transfer_is_written_to_the_byte() {
    let world = world().await;
    let mut noted = world.euros(1, 1_250);
    noted.narration = "May & June".to_owned();
    let request = only(world.rail.prepare(BATCH, &[noted]));
    assert_eq!(request.key, key(1));
    let expected = concat!(
        "amount=1250&currency=eur&destination=acct_0000000000000001&transfer_group=01920000000070008000000000000001-1",
        "&description=May+%26+June&metadata%5Bpayout%5D=01920000-0000-7000-8000-000000000001",
    );
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn what_stripe_would_refuse_is_not_sent() {
    let world = world().await;
    let of = |minor, code: &str| {
        let account = world.account.clone();
        instruction(1, money(minor, code), Destination::StripeAccount { account })
    };
    let to = |account: &str| {
        let account = account.to_owned();
        instruction(1, money(100, "EUR"), Destination::StripeAccount { account })
    };
    for (instruction, expected) in [
        (of(1, "EUR"), &[][..]),
        (of(0, "EUR"), &["AMOUNT_BELOW_MINIMUM"]),
        (of(500, "JPY"), &[]),
        (of(1_230, "KWD"), &[]),
        (of(1_234, "KWD"), &["AMOUNT_TOO_FINE"]),
        (of(100, "ISK"), &["CURRENCY_NOT_CARRIED"]),
        (of(100, "UGX"), &["CURRENCY_NOT_CARRIED"]),
        (to("acct_"), &["DESTINATION_INVALID"]),
        (to("acct_1/../x"), &["DESTINATION_INVALID"]),
        (to("ada@example.org"), &["DESTINATION_INVALID"]),
        (
            instruction(
                1,
                money(1, "EUR"),
                Destination::Upi {
                    name: "Ada".into(),
                    address: "a@b".into(),
                },
            ),
            &["DESTINATION_NOT_CARRIED"],
        ),
    ] {
        assert_eq!(problems(&world.rail, instruction.clone()), expected, "{instruction:?}");
    }
    let mut noted = of(1, "EUR");
    noted.narration = "two\nlines".to_owned();
    assert_eq!(problems(&world.rail, noted), ["NARRATION_NOT_CARRIED"]);
    // Three decimals, of which Stripe takes two.
    accepted(send(&world.rail, &only(world.rail.prepare(BATCH, &[of(1_230, "KWD")]))).await);
    assert_eq!(world.fake.book(), [moved(&key(1), &world.account, 1_230, "KWD")]);
}

#[tokio::test]
async fn a_transfer_is_done_when_it_is_answered() {
    let world = world().await;
    let request = world.one();
    let Sent::Accepted {
        provider_id,
        items,
        is_replay,
    } = send(&world.rail, &request).await
    else {
        panic!("it was not taken");
    };
    assert_eq!((provider_id.as_str(), is_replay), ("tr_00000000000002", false));
    let paid = Status::Paid {
        fee: None,
        reference: Some("txn_00000000000002".to_owned()),
    };
    assert_eq!((items[0].key.clone(), &items[0].status), (Some(key(1)), &paid));
    assert!(
        accepted(send_again(&world.rail, &request, world.stage.now()).await).1,
        "a replay says so"
    );
    let look = |id| look_up(&world.rail, &request, id, world.stage.now());
    let state = |looked| {
        let items = found(looked);
        (items[0].state.clone(), word(&items[0].status))
    };
    assert_eq!(state(look(Some(&provider_id)).await), ("paid".to_owned(), "paid"));
    assert!(world.fake.reverse(&key(1), 250));
    assert_eq!(state(look(None).await), ("partially_reversed".to_owned(), "paid"));
    assert!(world.fake.reverse(&key(1), 1_000) && !world.fake.reverse(&key(1), 1));
    assert_eq!(state(look(None).await), ("reversed".to_owned(), "returned"));
    assert_eq!(world.fake.book(), [moved(&key(1), &world.account, 1_250, "EUR")]);
    assert_eq!(world.rail.cancel(&provider_id).await, Cancelled::NotOffered);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_replayed() {
    for fault in [Fault::DropAfter, Fault::HangAfter] {
        let world = world().await;
        world.fake.faults().add(Place::Create, fault);
        let (id, is_replay) = accepted(send(&world.rail, &world.one()).await);
        assert_eq!((id.as_str(), is_replay), ("tr_00000000000002", true), "{fault:?}");
        assert_eq!(world.fake.book().len(), 1);
    }
    let world = world().await;
    world.fake.faults().add(Place::Create, Fault::ErrorBefore);
    world.fake.faults().add(
        Place::Create,
        Fault::TooMany {
            retry_after_seconds: Some(3),
        },
    );
    assert!(!accepted(send(&world.rail, &world.one()).await).1);
    assert_eq!(
        world.stage.pace.slept(),
        [Duration::from_millis(500), Duration::from_secs(3)]
    );
}

#[tokio::test]
async fn an_error_that_is_kept_is_looked_behind() {
    let world = world().await;
    let request = world.one();
    let first = world.stage.now();
    world.fake.faults().add(Place::Create, Fault::ErrorAfter);
    // The key brings the same error back, for a day.
    assert_eq!(unclear(&send(&world.rail, &request).await), "api_error");
    assert_eq!(unclear(&send_again(&world.rail, &request, first).await), "api_error");
    let items = found(look_up(&world.rail, &request, None, first).await);
    assert_eq!(word(&items[0].status), "paid");
    assert_eq!(world.fake.book().len(), 1);
}

#[tokio::test]
async fn it_is_absent_for_good_when_its_key_is_forgotten() {
    let world = world().await;
    let request = world.one();
    let sent = world.stage.now();
    for _ in 0..4 {
        world.fake.faults().add(Place::Create, Fault::DropBefore);
    }
    assert_eq!(unclear(&send(&world.rail, &request).await), "CONNECTION_LOST");
    let absent = |is_final| Looked::Absent { is_final };
    world.stage.pass(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(look_up(&world.rail, &request, None, sent).await, absent(false));
    world.stage.pass(TimeDelta::seconds(1));
    assert_eq!(look_up(&world.rail, &request, None, sent).await, absent(true));
    assert_eq!(unclear(&send_again(&world.rail, &request, sent).await), "KEY_EXPIRED");
    assert_eq!(world.fake.book(), []);
}

#[tokio::test]
async fn a_key_with_another_body_is_no_refusal() {
    let world = world().await;
    accepted(send(&world.rail, &world.one()).await);
    let other = only(world.rail.prepare(BATCH, &[world.euros(1, 1_251)]));
    assert_eq!(unclear(&send(&world.rail, &other).await), "KEY_REUSED");
    assert_eq!(world.fake.book(), [moved(&key(1), &world.account, 1_250, "EUR")]);
}

#[tokio::test]
async fn a_shortage_is_the_outcome_of_its_key() {
    let world = world().await;
    let request = world.one();
    world.fake.set_balance("eur", 1_249);
    assert_eq!(
        refused(&send(&world.rail, &request).await),
        ("balance_insufficient", true)
    );
    // Also when there is money again: it takes another attempt.
    world.fake.set_balance("eur", 1_250);
    let again = send_again(&world.rail, &request, world.stage.now()).await;
    assert_eq!(refused(&again), ("balance_insufficient", true));
    let mut second = world.euros(1, 1_250);
    second.attempt = 2;
    accepted(send(&world.rail, &only(world.rail.prepare(BATCH, &[second]))).await);
    assert_eq!(world.fake.book().len(), 1);
}

#[tokio::test]
async fn who_is_unknown_is_refused_and_proves_nothing() {
    let world = world().await;
    let credentials = Credentials {
        secret_key: "hunter2".to_owned(),
    };
    assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    let base_url = world.fake.base_url();
    let wrong = StripeRail::new(Settings { base_url, credentials }, world.stage.around()).unwrap();
    let request = world.one();
    assert_eq!(refused(&send(&wrong, &request).await), ("invalid_request_error", false));
    assert_eq!(
        unclear(&send_again(&wrong, &request, world.stage.now()).await),
        "invalid_request_error"
    );
}

#[tokio::test]
async fn an_account_is_made_filled_in_and_payable() {
    let world = world().await;
    let rail = &world.rail;
    let made = rail.create_account(&whose("partner-2")).await.unwrap();
    let expected = Account {
        id: "acct_0000000000000002".to_owned(),
        payouts_enabled: false,
        transfers: Some("inactive".to_owned()),
        currently_due: vec!["external_account".to_owned(), "tos_acceptance.date".to_owned()],
    };
    assert_eq!(made, expected);
    assert!(!made.is_payable());
    // The same again is the same account; of another country it is refused.
    assert_eq!(rail.create_account(&whose("partner-2")).await.unwrap(), made);
    let moved_away = NewAccount {
        country: "FR".to_owned(),
        ..whose("partner-2")
    };
    let Err(OnboardingError::Refused(no)) = rail.create_account(&moved_away).await else {
        panic!("it was made");
    };
    assert_eq!(no.code, "idempotency_error");
    let to = Url::parse("https://partners.example.org/payouts").unwrap();
    let link = rail.create_account_link(&made.id, &to, &to, "link-1").await.unwrap();
    assert_eq!(
        link.url,
        "https://connect.stripe.com/setup/e/acct_0000000000000002/00000003"
    );
    assert_eq!(link.expires_at, world.stage.now().timestamp() + 300);
    // Money does not go there before it is filled in.
    let account = made.id.clone();
    let early = instruction(9, money(100, "EUR"), Destination::StripeAccount { account });
    let sent = send(rail, &only(rail.prepare(BATCH, &[early]))).await;
    assert_eq!(refused(&sent), ("insufficient_capabilities_for_transfer", true));
    assert!(world.fake.complete(&made.id));
    assert!(rail.read_account(&made.id).await.unwrap().is_payable());
    assert!(matches!(
        rail.read_account("acct_9").await,
        Err(OnboardingError::Refused(_))
    ));
    assert!(matches!(
        rail.create_account_link("acct_9", &to, &to, "link-2").await,
        Err(OnboardingError::Refused(_))
    ));
}

#[tokio::test]
async fn a_page_of_somebody_else_is_no_answer() {
    let world = world().await;
    let request = world.one();
    for status in [200, 302, 404, 422] {
        world.fake.faults().add(Place::Create, Fault::Page { status });
        assert_eq!(
            unclear(&send(&world.rail, &request).await),
            "ANSWER_UNREADABLE",
            "{status}"
        );
    }
    for status in [200, 404] {
        world.fake.faults().add(Place::Read, Fault::Page { status });
        let looked = look_up(&world.rail, &request, None, world.stage.now()).await;
        assert!(matches!(looked, Looked::Unclear(_)));
    }
}
