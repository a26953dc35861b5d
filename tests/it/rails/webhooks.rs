//! What providers send by themselves. The vectors were signed outside this program, with Python's `hmac` and `zlib` and with
//! `openssl dgst -sha256 -sign` over what the providers' documents say is signed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    routing::post,
};
use chrono::TimeDelta;
use tokio_util::task::AbortOnDropHandle;
use tributary::infra::{
    clock::{Clock, ManualClock},
    rails::{
        Destination, PayPalReceiver, PayPalWallet, Rail, Status,
        fakes::{
            self, Happened, Manner, Order,
            paypal::{FakePayPal, WEBHOOK_ID},
            razorpay::{ACCOUNT_NUMBER, FakeRazorpay},
            stripe::FakeStripe,
        },
        paypal::{PayPalRail, Settings},
        razorpay, stripe,
        webhook::{
            About, Event, WebhookError,
            paypal::{Certificates, PayPalWebhooks, World},
            razorpay::RazorpayWebhooks,
            stripe::StripeWebhooks,
        },
    },
};
use url::Url;

use super::{BATCH, Stage, accepted, at, instruction, key, money, only, send, word};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

/// The item's word, key and state.
fn item(event: &Event) -> (&'static str, &str, &str) {
    match &event.about {
        About::Item(item) => (word(&item.status), item.key.as_deref().unwrap_or_default(), &item.state),
        other => panic!("{other:?}"),
    }
}

// python3: hmac.new(b'rzp-webhook-secret', body, hashlib.sha256).hexdigest()
const RAZORPAY_BODY: &str = r#"{"entity":"event","account_id":"acc_1","event":"payout.reversed","contains":["payout"],"payload":{"payout":{"entity":{"id":"pout_1","status":"reversed","reference_id":"019200000000700080000000000000ff-1","fees":590,"tax":90,"utr":null,"status_details":{"description":"Beneficiary bank is down.","source":"beneficiary_bank","reason":"beneficiary_bank_offline"}}}},"created_at":1700000000}"#;
const RAZORPAY_SIGNATURE: &str = "9fc4abdb3af5f5cc991a82a00f8672e5e71ac423954f33f025a2c3ec86b29fa6";

#[test]
fn razorpay_signs_the_body() {
    let webhooks = RazorpayWebhooks::new("rzp-webhook-secret");
    assert_eq!(format!("{webhooks:?}"), "RazorpayWebhooks(…)");
    let read = |signature: &str, body: &str| {
        let headers = headers(&[("x-razorpay-signature", signature), ("x-razorpay-event-id", "event_1")]);
        webhooks.read(&headers, body.as_bytes())
    };
    let event = read(RAZORPAY_SIGNATURE, RAZORPAY_BODY).unwrap();
    assert_eq!((event.id.as_str(), event.kind.as_str()), ("event_1", "payout.reversed"));
    assert_eq!(
        item(&event),
        ("returned", "019200000000700080000000000000ff-1", "reversed")
    );
    for (signature, body) in [
        (RAZORPAY_SIGNATURE, RAZORPAY_BODY.replace("590", "591")),
        (RAZORPAY_SIGNATURE, format!("{RAZORPAY_BODY}\n")),
        (&RAZORPAY_SIGNATURE[2..], RAZORPAY_BODY.to_owned()),
        (&RAZORPAY_SIGNATURE[1..], RAZORPAY_BODY.to_owned()),
        ("no hexadecimal", RAZORPAY_BODY.to_owned()),
    ] {
        assert_eq!(read(signature, &body), Err(WebhookError::BadSignature), "{signature}");
    }
    let other = RazorpayWebhooks::new("another");
    let all = headers(&[
        ("x-razorpay-signature", RAZORPAY_SIGNATURE),
        ("x-razorpay-event-id", "event_1"),
    ]);
    assert_eq!(
        other.read(&all, RAZORPAY_BODY.as_bytes()),
        Err(WebhookError::BadSignature)
    );
    for missing in ["x-razorpay-signature", "x-razorpay-event-id"] {
        let mut some = all.clone();
        some.remove(missing);
        assert_eq!(
            webhooks.read(&some, RAZORPAY_BODY.as_bytes()),
            Err(WebhookError::MissingHeader(missing))
        );
    }
}

// python3: hmac.new(secret, b'1700000000.' + body, hashlib.sha256).hexdigest(), with b'whsec_old' and b'whsec_new'
const STRIPE_BODY: &str = r#"{"id":"evt_1","object":"event","type":"transfer.reversed","data":{"object":{"id":"tr_1","object":"transfer","amount":1000,"amount_reversed":1000,"reversed":true,"transfer_group":"019200000000700080000000000000ff-1"}}}"#;
const STRIPE_OLD: &str = "ac8362cdd7c8bcf545d98abf646c5e75543c6c0be8db798118269615b1814429";
const STRIPE_NEW: &str = "52cd6e991937ec29c7a85143d23ca2a7e5e022054d02359d9e9b522ca780de54";

#[test]
fn stripe_signs_time_and_body_by_any_of_its_secrets() {
    let clock = Arc::new(ManualClock::at(at(1_700_000_000)));
    let webhooks = StripeWebhooks::new("whsec_new", Arc::clone(&clock) as _);
    let read =
        |signature: &str, body: &str| webhooks.read(&headers(&[("stripe-signature", signature)]), body.as_bytes());
    let good = format!("t=1700000000,v1={STRIPE_NEW}");
    let event = read(&good, STRIPE_BODY).unwrap();
    assert_eq!((event.id.as_str(), event.kind.as_str()), ("evt_1", "transfer.reversed"));
    assert_eq!(
        item(&event),
        ("returned", "019200000000700080000000000000ff-1", "reversed")
    );
    for any in [
        format!("t=1700000000,v1={STRIPE_NEW},v1={STRIPE_OLD}"),
        format!("t=1700000000,v1={STRIPE_OLD},v1={STRIPE_NEW},v0=6ffbb59b"),
    ] {
        assert_eq!(read(&any, STRIPE_BODY).as_ref(), Ok(&event), "{any}");
    }
    for wrong in [
        format!("t=1700000000,v1={STRIPE_OLD}"),
        format!("t=1700000001,v1={STRIPE_NEW}"),
        format!("t=1700000000,v0={STRIPE_NEW}"),
        format!("v1={STRIPE_NEW}"),
        "t=1700000000".to_owned(),
        "nonsense".to_owned(),
    ] {
        assert_eq!(read(&wrong, STRIPE_BODY), Err(WebhookError::BadSignature), "{wrong}");
    }
    assert_eq!(
        read(&good, &STRIPE_BODY.replace("1000", "1001")),
        Err(WebhookError::BadSignature)
    );
    for (seconds, expected) in [(300, Ok(())), (301, Err(())), (-300, Ok(())), (-301, Err(()))] {
        clock.set(at(1_700_000_000 + seconds));
        let came = read(&good, STRIPE_BODY);
        assert_eq!(came.is_ok(), expected.is_ok(), "{seconds}");
        assert!(came.is_ok() || came == Err(WebhookError::Stale));
    }
    let missing = webhooks.read(&HeaderMap::new(), STRIPE_BODY.as_bytes());
    assert_eq!(missing, Err(WebhookError::MissingHeader("stripe-signature")));
}

// python3: zlib.crc32(body) = 367264423; then
// printf '%s' 'b2384410-f8d2-11e4-8bf3-77339302725b|2023-11-14T22:13:20Z|4JH86294D6297924G|367264423' > msg
// openssl dgst -sha256 -sign key.pem msg | base64 -w0, with a key made for this by `openssl req -x509 -newkey rsa:2048`,
// of which only the certificate was kept.
const PAYPAL_BODY: &str = r#"{"id":"WH-1","event_type":"PAYMENT.PAYOUTS-ITEM.HELD","resource":{"payout_item_id":"ITEM1","payout_batch_id":"BATCH1","payout_item":{"sender_item_id":"019200000000700080000000000000ff-1"},"note":"grüß"}}"#;
const PAYPAL_SIGNATURE: &str = "TgfrmmFMuBCtQR49n4OwDjCW6cG+z1M/b0hF1GHxhBR+qkRAnekfZ546o8gq/R78QDthud6PlLPtTZfaWpsWdfWNyr0cKaC7V1IZqsowHzgYWsN20y+uShEt4TSLqPeDkhbocDx/5fayoTFOsGAR0T0k2QjEcqYzf0gJ7CivoxLC/lyH53EgmdGzWwxMR620+7Hvq2fjpPRnii6qOd4+MGY0G2DowmtVzUomENwSU6Onl82SrCYPRcIvuw0Q3ibEoiqPTODrQW6J+RSxWqCqLEWNXOSdcQaW5k3xOvgIgd50nsSw1IKb1/axxva6jqSMJrQgD424TCMzuS0qxL1+UQ==";
const PAYPAL_CERTIFICATE: &str = include_str!("../../data/paypal-vector-cert.pem");
const PAYPAL_PLACE: &str = "https://api.paypal.com/v1/notifications/certs/CERT-1";

#[derive(Default)]
struct OneCertificate {
    asked: AtomicUsize,
    is_away: Mutex<bool>,
}

#[async_trait]
impl Certificates for OneCertificate {
    async fn fetch(&self, _url: &Url) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if *self.is_away.lock().unwrap() {
            return Err("status 503".to_owned());
        }
        Ok(PAYPAL_CERTIFICATE.as_bytes().to_vec())
    }
}

fn paypal_headers() -> HeaderMap {
    headers(&[
        ("paypal-transmission-id", "b2384410-f8d2-11e4-8bf3-77339302725b"),
        ("paypal-transmission-time", "2023-11-14T22:13:20Z"),
        ("paypal-transmission-sig", PAYPAL_SIGNATURE),
        ("paypal-cert-url", PAYPAL_PLACE),
        ("paypal-auth-algo", "SHA256withRSA"),
    ])
}

#[tokio::test]
async fn paypal_signs_ids_time_and_checksum() {
    let clock = Arc::new(ManualClock::at(at(1_700_000_000)));
    let certificates = Arc::new(OneCertificate::default());
    let of = |id: &str| PayPalWebhooks::new(id, World::Live, Arc::clone(&certificates) as _, Arc::clone(&clock) as _);
    let webhooks = of("4JH86294D6297924G");
    let event = webhooks.read(&paypal_headers(), PAYPAL_BODY.as_bytes()).await.unwrap();
    assert_eq!(
        (event.id.as_str(), event.kind.as_str()),
        ("WH-1", "PAYMENT.PAYOUTS-ITEM.HELD")
    );
    // The event is named otherwise than the state.
    assert_eq!(
        item(&event),
        ("waiting", "019200000000700080000000000000ff-1", "ONHOLD")
    );
    for (name, value) in [
        ("paypal-transmission-id", "c2384410-f8d2-11e4-8bf3-77339302725b"),
        ("paypal-transmission-time", "2023-11-14T22:13:21Z"),
        ("paypal-transmission-sig", "bm90aGluZw=="),
        ("paypal-transmission-sig", "no base64"),
    ] {
        let mut headers = paypal_headers();
        headers.insert(name, HeaderValue::from_static(value));
        let came = webhooks.read(&headers, PAYPAL_BODY.as_bytes()).await;
        assert_eq!(came, Err(WebhookError::BadSignature), "{name}");
    }
    let changed = PAYPAL_BODY.replace("HELD", "SUCCEEDED");
    assert_eq!(
        webhooks.read(&paypal_headers(), changed.as_bytes()).await,
        Err(WebhookError::BadSignature)
    );
    let another = of("5JH86294D6297924G")
        .read(&paypal_headers(), PAYPAL_BODY.as_bytes())
        .await;
    assert_eq!(another, Err(WebhookError::BadSignature));
    let mut algorithm = paypal_headers();
    algorithm.insert("paypal-auth-algo", HeaderValue::from_static("SHA1withRSA"));
    assert_eq!(
        webhooks.read(&algorithm, PAYPAL_BODY.as_bytes()).await,
        Err(WebhookError::UnknownAlgorithm)
    );
    for name in paypal_headers().keys() {
        let mut some = paypal_headers();
        some.remove(name);
        let came = webhooks.read(&some, PAYPAL_BODY.as_bytes()).await;
        assert_eq!(came.unwrap_err().code(), "WEBHOOK_HEADER_MISSING", "{name}");
    }
}

#[tokio::test]
async fn a_certificate_comes_from_paypal_only_and_is_kept_for_a_day() {
    let clock = Arc::new(ManualClock::at(at(1_700_000_000)));
    let certificates = Arc::new(OneCertificate::default());
    let of = |world| {
        let clock = Arc::clone(&clock) as Arc<dyn Clock>;
        PayPalWebhooks::new("4JH86294D6297924G", world, Arc::clone(&certificates) as _, clock)
    };
    let live = of(World::Live);
    let sandbox = of(World::Sandbox);
    for (webhooks, place) in [
        (&live, "http://api.paypal.com/v1/notifications/certs/CERT-1"),
        (
            &live,
            "https://api.paypal.com.example.org/v1/notifications/certs/CERT-1",
        ),
        (
            &live,
            "https://example.org/api.paypal.com/v1/notifications/certs/CERT-1",
        ),
        (
            &live,
            "https://api.paypal.com@example.org/v1/notifications/certs/CERT-1",
        ),
        (&live, "https://a:b@api.paypal.com/v1/notifications/certs/CERT-1"),
        (&live, "https://api.paypal.com:8443/v1/notifications/certs/CERT-1"),
        (
            &live,
            "https://api.paypal.com/v1/notifications/certs/../../../elsewhere",
        ),
        (&live, "https://api.paypal.com/v1/notifications/certs/CERT-1?x=y"),
        (&live, "https://www.paypal.com/v1/notifications/certs/CERT-1"),
        (&live, "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"),
        (&sandbox, PAYPAL_PLACE),
        (&live, "file:///etc/passwd"),
        (&live, "nowhere"),
    ] {
        let mut headers = paypal_headers();
        headers.insert("paypal-cert-url", HeaderValue::from_static(place));
        let came = webhooks.read(&headers, PAYPAL_BODY.as_bytes()).await;
        assert_eq!(came, Err(WebhookError::CertificateNotAllowed), "{place}");
    }
    assert_eq!(certificates.asked.load(Ordering::Relaxed), 0);
    let headers = paypal_headers();
    let good = || live.read(&headers, PAYPAL_BODY.as_bytes());
    *certificates.is_away.lock().unwrap() = true;
    assert_eq!(good().await.unwrap_err().code(), "WEBHOOK_CERTIFICATE_UNAVAILABLE");
    *certificates.is_away.lock().unwrap() = false;
    for (passed, asked) in [
        (TimeDelta::zero(), 2),
        (TimeDelta::hours(23), 2),
        (TimeDelta::hours(1), 3),
    ] {
        clock.advance(passed);
        good().await.unwrap();
        assert_eq!(certificates.asked.load(Ordering::Relaxed), asked, "{passed}");
    }
}

/// Who is told events, and which provider they are of.
enum Proof {
    PayPal(PayPalWebhooks),
    Razorpay(RazorpayWebhooks),
    Stripe(StripeWebhooks),
}

struct Listener {
    proof: Proof,
    events: Mutex<Vec<Event>>,
}

impl Listener {
    async fn start(proof: Proof) -> (String, Arc<Self>, AbortOnDropHandle<()>) {
        let events = Mutex::default();
        let listener = Arc::new(Self { proof, events });
        let router = Router::new().route("/", post(hear)).with_state(Arc::clone(&listener));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", socket.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        (url, listener, AbortOnDropHandle::new(serving))
    }

    fn kinds(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events.iter().map(|event| event.kind.clone()).collect()
    }
}

async fn hear(State(listener): State<Arc<Listener>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let read = match &listener.proof {
        Proof::PayPal(webhooks) => webhooks.read(&headers, &body).await,
        Proof::Razorpay(webhooks) => webhooks.read(&headers, &body),
        Proof::Stripe(webhooks) => webhooks.read(&headers, &body),
    };
    match read {
        Ok(event) => {
            listener.events.lock().unwrap().push(event);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn paypal_proof(stage: &Stage, fake: &FakePayPal) -> PayPalWebhooks {
    PayPalWebhooks::new(WEBHOOK_ID, World::Sandbox, fake.certificates(), stage.clock())
}

async fn pay_by_paypal(stage: &Stage, fake: &FakePayPal) {
    let rail = PayPalRail::new(Settings::new(&fake.base_url(), fake.credentials(), "x"), stage.around()).unwrap();
    let to = Destination::PayPal {
        receiver: PayPalReceiver::Email("ada@example.org".to_owned()),
        wallet: PayPalWallet::PayPal,
    };
    accepted(
        send(
            &rail,
            &only(rail.prepare(BATCH, &[instruction(1, money(1_250, "USD"), to)])),
        )
        .await,
    );
}

#[tokio::test]
async fn a_fake_paypal_is_believed_by_the_real_verifier() {
    let stage = Stage::new();
    let fake = FakePayPal::start(stage.clock()).await.unwrap();
    pay_by_paypal(&stage, &fake).await;
    let (url, listener, _serving) = Listener::start(Proof::PayPal(paypal_proof(&stage, &fake))).await;
    fake.tick();
    fake.tick();
    let twice_backwards = Manner {
        copies: 2,
        order: Order::Backwards,
        delay: Duration::from_millis(1),
    };
    assert_eq!(fake.events().tell(&url, twice_backwards).await.unwrap(), [200; 6]);
    let told = listener.kinds();
    let batch = |state: &str| format!("PAYMENT.PAYOUTSBATCH.{state}");
    let paid = "PAYMENT.PAYOUTS-ITEM.SUCCEEDED".to_owned();
    let expected = [batch("SUCCESS"), paid, batch("PROCESSING")]
        .into_iter()
        .flat_map(|kind| [kind.clone(), kind]);
    assert_eq!(told, expected.collect::<Vec<_>>());
    {
        let events = listener.events.lock().unwrap();
        // A copy has the id of the first.
        assert_eq!(events[0], events[1]);
        assert_eq!(item(&events[2]), ("paid", key(1).as_str(), "SUCCESS"));
        let about = About::Batch {
            provider_id: "BATCH00000001".to_owned(),
            state: "PROCESSING".to_owned(),
        };
        assert_eq!(events[4].about, about);
    }
    // A verifier that asks PayPal itself believes none of it.
    fake.settle(&key(1), "REFUNDED", None);
    let happened = fake.events().take().remove(0);
    let stranger = PayPalWebhooks::new(
        WEBHOOK_ID,
        World::Sandbox,
        Arc::new(OneCertificate::default()),
        stage.clock(),
    );
    let came = stranger
        .read(&fake.events().headers(&happened), happened.body.as_bytes())
        .await;
    assert_eq!(came, Err(WebhookError::BadSignature));
}

#[tokio::test]
async fn every_event_of_paypal_says_the_state_of_its_item() {
    let stage = Stage::new();
    let fake = FakePayPal::start(stage.clock()).await.unwrap();
    let webhooks = paypal_proof(&stage, &fake);
    for (happened, with_state, expected) in [
        ("SUCCEEDED", Some("SUCCESS"), ("paid", "SUCCESS")),
        ("SUCCEEDED", None, ("paid", "SUCCESS")),
        ("HELD", None, ("waiting", "ONHOLD")),
        ("UNCLAIMED", None, ("waiting", "UNCLAIMED")),
        ("BLOCKED", None, ("failed", "BLOCKED")),
        ("FAILED", None, ("failed", "FAILED")),
        ("DENIED", None, ("failed", "DENIED")),
        ("DENIED", Some("DENIED"), ("failed", "DENIED")),
        ("CANCELED", None, ("returned", "RETURNED")),
        ("RETURNED", None, ("returned", "RETURNED")),
        ("REFUNDED", None, ("returned", "REFUNDED")),
        ("INVENTED", None, ("waiting", "INVENTED")),
        // What the item says itself is believed.
        ("SUCCEEDED", Some("UNCLAIMED"), ("waiting", "UNCLAIMED")),
        // Unless nobody knows what it means: then the event's name decides, where that is known.
        ("SUCCEEDED", Some("COMPLETED"), ("paid", "SUCCESS")),
        ("FAILED", Some("INVENTED_TOMORROW"), ("failed", "FAILED")),
        ("CANCELED", Some("CANCELED"), ("returned", "RETURNED")),
        ("INVENTED", Some("INVENTED_TOMORROW"), ("waiting", "INVENTED_TOMORROW")),
    ] {
        let mut resource = serde_json::json!({"payout_item_id": "ITEM1", "payout_item": {"sender_item_id": key(1)}});
        if let Some(state) = with_state {
            resource["transaction_status"] = state.into();
        }
        let kind = format!("PAYMENT.PAYOUTS-ITEM.{happened}");
        let body = serde_json::json!({"id": "WH-9", "event_type": kind, "resource": resource}).to_string();
        let event_id = "WH-9".to_owned();
        let happened = Happened { event_id, body };
        let event = webhooks
            .read(&fake.events().headers(&happened), happened.body.as_bytes())
            .await
            .unwrap();
        let (word, _, state) = item(&event);
        assert_eq!((word, state), expected, "{kind}");
    }
    let read = async |body: &str| {
        let happened = Happened {
            event_id: "WH-9".to_owned(),
            body: body.to_owned(),
        };
        webhooks.read(&fake.events().headers(&happened), body.as_bytes()).await
    };
    let other = read(r#"{"id":"WH-9","event_type":"CUSTOMER.DISPUTE.CREATED","resource":{}}"#)
        .await
        .unwrap();
    assert_eq!(other.about, About::Nothing);
    for (body, what) in [
        ("[]", "id"),
        ("no JSON", "JSON"),
        (r#"{"id":"WH-9"}"#, "event_type"),
        (
            r#"{"id":"WH-9","event_type":"PAYMENT.PAYOUTS-ITEM.FAILED"}"#,
            "payout_item_id",
        ),
        (
            r#"{"id":"WH-9","event_type":"PAYMENT.PAYOUTSBATCH.DENIED","resource":{}}"#,
            "payout_batch_id",
        ),
    ] {
        assert_eq!(read(body).await, Err(WebhookError::Unreadable(what)), "{body}");
    }
}

#[tokio::test]
async fn a_fake_razorpay_is_believed_and_tells_no_cancelling() {
    let stage = Stage::new();
    let fake = FakeRazorpay::start(stage.clock()).await.unwrap();
    let rail = razorpay::RazorpayRail::new(
        razorpay::Settings {
            base_url: fake.base_url(),
            credentials: fake.credentials(),
            account_number: ACCOUNT_NUMBER.to_owned(),
            bank_mode: razorpay::BankMode::Immediate,
            low_balance: razorpay::LowBalance::Queue,
        },
        stage.around(),
    )
    .unwrap();
    let to = || Destination::Upi {
        name: "Asha Rao".to_owned(),
        address: "asha@okbank".to_owned(),
    };
    fake.set_balance(500);
    let paid = only(rail.prepare(BATCH, &[instruction(1, money(500, "INR"), to())]));
    let queued = only(rail.prepare(BATCH, &[instruction(2, money(500, "INR"), to())]));
    accepted(send(&rail, &paid).await);
    let (id, _) = accepted(send(&rail, &queued).await);
    rail.cancel(&id).await;
    fake.tick();
    fake.settle(
        &key(1),
        "reversed",
        Some(("beneficiary_bank_offline", "The bank is down.")),
    );
    let proof = Proof::Razorpay(RazorpayWebhooks::new(fakes::razorpay::WEBHOOK_SECRET));
    let (url, listener, _serving) = Listener::start(proof).await;
    assert_eq!(fake.events().tell(&url, Manner::default()).await.unwrap(), [200; 4]);
    let expected = [
        "payout.initiated",
        "payout.queued",
        "payout.processed",
        "payout.reversed",
    ];
    assert_eq!(listener.kinds(), expected);
    let events = listener.events.lock().unwrap();
    let About::Item(item) = &events[2].about else {
        panic!("{:?}", events[2]);
    };
    let status = Status::Paid {
        fee: Some(money(590, "INR")),
        reference: Some("UTR0000000000001".to_owned()),
    };
    assert_eq!((item.key.clone(), &item.status), (Some(key(1)), &status));
}

#[tokio::test]
async fn a_fake_stripe_is_believed_as_long_as_it_is_not_late() {
    let stage = Stage::new();
    let fake = FakeStripe::start(stage.clock()).await.unwrap();
    let settings = stripe::Settings {
        base_url: fake.base_url(),
        credentials: fake.credentials(),
    };
    let rail = stripe::StripeRail::new(settings, stage.around()).unwrap();
    let new = stripe::onboarding::NewAccount {
        reference: "partner-1".to_owned(),
        country: "DE".to_owned(),
        email: None,
    };
    let account = rail.create_account(&new).await.unwrap().id;
    fake.complete(&account);
    let to = Destination::StripeAccount { account };
    accepted(
        send(
            &rail,
            &only(rail.prepare(BATCH, &[instruction(1, money(500, "EUR"), to)])),
        )
        .await,
    );
    let webhooks = StripeWebhooks::new(fakes::stripe::WEBHOOK_SECRET, stage.clock());
    let happened = fake.events().take();
    let read = |happened: &Happened| webhooks.read(&fake.events().headers(happened), happened.body.as_bytes());
    let About::Account(account) = read(&happened[0]).unwrap().about else {
        panic!("{happened:?}");
    };
    assert!(account.is_payable());
    let created = read(&happened[1]).unwrap();
    assert_eq!(created.kind, "transfer.created");
    assert_eq!(item(&created), ("paid", key(1).as_str(), "paid"));
    let late = fake.events().headers(&happened[1]);
    stage.pass(TimeDelta::seconds(301));
    assert_eq!(
        webhooks.read(&late, happened[1].body.as_bytes()),
        Err(WebhookError::Stale)
    );
    // Signed anew, it is the same event.
    assert_eq!(read(&happened[1]).unwrap(), created);
    let (url, listener, _serving) = Listener::start(Proof::Stripe(webhooks)).await;
    assert!(fake.reverse(&key(1), 500));
    assert_eq!(fake.events().tell(&url, Manner::default()).await.unwrap(), [200]);
    let events = listener.events.lock().unwrap();
    assert_eq!(item(&events[0]), ("returned", key(1).as_str(), "reversed"));
}
