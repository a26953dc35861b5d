//! The real program, killed without warning again and again: what it acknowledged is there once, and it ends where an
//! undisturbed run ends.
//!
//! Killing a process says nothing about a machine that loses its power: that rests on `synchronous=FULL` and on
//! PostgreSQL's own settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tributary::infra::clock::{Clock, SystemClock};

use crate::support::{
    app::TestApp,
    builders::text,
    database::{Database, TestDatabase},
    marketplace::Market,
};

const SEED: u64 = 20_260_115;
/// Senders at once; each has its own customers, so that what one waits for never changes what another finds.
const LANES: u64 = 3;
/// Customers of a lane: each signs up, buys twice, and sends one order back in part.
const CUSTOMERS: u64 = 25;
const EVENTS_OF_A_CUSTOMER: u64 = 4;
const KILLS: usize = 10;
const IMPORT_KILLS: usize = 6;
const INVOICES: u64 = 240;
/// Longest wait for anything that must happen; a lease of a killed process may have to run out first.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for an answer that has been asked for.
const ANSWER: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(10);
/// Nothing more may come for this long.
const QUIET: Duration = Duration::from_millis(500);
/// Below the ports that outgoing connections are given, which a stopped server could lose its own to.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

const FEED: &str = "subscription ($brand: ID!, $after: String) { conversionFeed(brandId: $brand, after: $after) {
    __typename ... on ConversionFeedEvent { cursor kind conversion { id } } } }";

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The program, which `cargo test` builds beside the tests.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("tributary");
    assert!(
        program.is_file(),
        "{} is not there: run `cargo test` or `cargo build` for the whole workspace",
        program.display()
    );
    program
}

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .args(["--database-url", url, "--database-connections", "8"])
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null());
    command
}

async fn output(url: &str, arguments: &[&str]) -> Output {
    let mut command = command(url, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// One event for `/track`, always sent with the same key.
#[derive(Clone)]
struct Event {
    door: &'static str,
    key: String,
    order: Option<String>,
    body: Value,
}

fn plan() -> Vec<Vec<Event>> {
    let mut dice = Dice(SEED);
    (0..LANES)
        .map(|lane| {
            (0..CUSTOMERS)
                .flat_map(|n| customer(&mut dice, &format!("{lane}-{n}")))
                .collect()
        })
        .collect()
}

fn customer(dice: &mut Dice, name: &str) -> Vec<Event> {
    let codes = match dice.below(3) {
        0 => json!([]),
        1 => json!(["TOP"]),
        _ => json!(["BELOW"]),
    };
    let event = |door, key: String, order: Option<String>, body| Event { door, key, order, body };
    let mut events = vec![event(
        "signup",
        format!("signup-{name}"),
        None,
        json!({ "customerId": name, "promoCodes": codes }),
    )];
    for nth in 1..=2 {
        let order = format!("{name}-{nth}");
        let amount = format!("{}.{:02}", 20 + dice.below(200), dice.below(100));
        events.push(event(
            "purchase",
            format!("sale-{order}"),
            Some(order.clone()),
            json!({ "customerId": name, "orderId": order, "amount": amount, "currency": "EUR" }),
        ));
    }
    let order = format!("{name}-{}", 1 + dice.below(2));
    let amount = format!("{}.{:02}", 1 + dice.below(19), dice.below(100));
    events.push(event(
        "refund",
        format!("refund-{order}"),
        Some(order.clone()),
        json!({ "orderId": order, "amount": amount, "currency": "EUR" }),
    ));
    events
}

/// A request in HTTP/1.0, whose answer ends with the connection and comes without chunks.
fn request(address: SocketAddr, path: &str, secret: &str, headers: &str, body: &Value) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {secret}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    Ok(stream)
}

/// Sends an event; `None` when no whole answer came.
fn track(address: SocketAddr, secret: &str, event: &Event) -> Option<Value> {
    let headers = format!("idempotency-key: {}\r\n", event.key);
    let mut stream = request(
        address,
        &format!("/track/{}", event.door),
        secret,
        &headers,
        &event.body,
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    let status = head.split(' ').nth(1)?;
    assert!(matches!(status, "200" | "201"), "{}: {head}\n{body:#}", event.key);
    Some(body)
}

/// What the senders were told: the event's key and the answer, once each.
type Acknowledged = Arc<Mutex<BTreeMap<String, Value>>>;

fn send(address: SocketAddr, secret: &str, lane: &[Event], acknowledged: &Acknowledged, seed: u64) {
    let mut dice = Dice(seed);
    for event in lane {
        let end = Instant::now() + PATIENCE;
        let answer = loop {
            if let Some(answer) = track(address, secret, event) {
                break answer;
            }
            assert!(Instant::now() < end, "{} was never acknowledged", event.key);
            thread::sleep(PAUSE);
        };
        // A client that forgot that it was answered asks again.
        if dice.below(10) == 0
            && let Some(again) = track(address, secret, event)
        {
            assert_eq!(again["replayed"], true, "{}: {again:#}", event.key);
            assert_eq!(again["conversion"]["id"], answer["conversion"]["id"]);
        }
        assert!(
            acknowledged.lock().unwrap().insert(event.key.clone(), answer).is_none(),
            "two events with the key {}",
            event.key
        );
    }
}

/// What a subscriber heard, in its order: position, kind, conversion.
type Heard = Arc<Mutex<Vec<(i64, String, String)>>>;

/// Follows the feed until told to stop; after every break it goes on behind the last event it heard whole.
fn follow(address: SocketAddr, secret: &str, brand: &str, heard: &Heard, stop: &AtomicBool, breaks: &AtomicUsize) {
    let mut cursor = URL_SAFE_NO_PAD.encode(0_i64.to_be_bytes());
    while !stop.load(Ordering::Relaxed) {
        let body = json!({ "query": FEED, "variables": { "brand": brand, "after": cursor } });
        if let Ok(stream) = request(address, "/graphql", secret, "accept: text/event-stream\r\n", &body) {
            stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                match reader.read_until(b'\n', &mut line) {
                    // A line without its end was cut off by the break.
                    Ok(_) if line.last() != Some(&b'\n') => break,
                    Ok(_) => {
                        if let Some(event) = heard_in(&line) {
                            cursor = text(&event, "cursor");
                            let position = URL_SAFE_NO_PAD.decode(&cursor).unwrap().try_into().unwrap();
                            let conversion = text(&event["conversion"], "id");
                            let event = (i64::from_be_bytes(position), text(&event, "kind"), conversion);
                            heard.lock().unwrap().push(event);
                        }
                        line.clear();
                    }
                    Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {}
                    Err(_) => break,
                }
            }
            breaks.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(PAUSE);
    }
}

fn heard_in(line: &[u8]) -> Option<Value> {
    let data = std::str::from_utf8(line).unwrap().trim_end().strip_prefix("data: {")?;
    let answer: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
    assert!(answer.get("errors").is_none(), "the feed failed: {answer:#}");
    let event = answer["data"]["conversionFeed"].clone();
    assert_eq!(event["__typename"], "ConversionFeedEvent", "{event:#}");
    Some(event)
}

/// A server that is killed, never stopped.
struct Server(Child);

impl Server {
    fn start(url: &str, address: SocketAddr) -> Self {
        let listen = address.to_string();
        let arguments = ["serve", "--no-demo", "--listen", &listen];
        let child = command(url, &arguments).stdout(Stdio::null()).spawn().unwrap();
        Self(child)
    }

    fn kill(&mut self) {
        if let Some(status) = self.0.try_wait().unwrap() {
            panic!("the server ended by itself: {status}");
        }
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address(dice: &mut Dice) -> SocketAddr {
    for _ in 0..100 {
        let port = PORTS.start + u16::try_from(dice.below(u64::from(PORTS.end - PORTS.start))).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port between {} and {}", PORTS.start, PORTS.end);
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain: {what}");
        thread::sleep(PAUSE);
    }
}

/// A program with a seller below another, on a database that no process has open afterwards.
async fn prepare(url: &str) -> Market {
    let app = TestApp::over(url).await;
    // The program lives by the real clock; a little earlier, so that nothing is ahead of it.
    app.clock.set(SystemClock.now() - TimeDelta::minutes(1));
    let market = app.market_with("aurora", json!({ "holdDays": 30 })).await;
    app.two_levels(&market.owner, &market.program.id).await;
    let fixed = json!({ "fixed": { "amount": "1.00", "currency": "EUR" } });
    app.rule(&market.owner, &market.program.id, "SIGNUP", fixed).await;
    let top = app.promoter(&market, "top", None).await;
    let below = app.promoter(&market, "below", Some(&top)).await;
    app.code(&top, "TOP", json!({})).await;
    app.code(&below, "BELOW", json!({})).await;
    app.app.db.close().await.unwrap();
    market
}

/// What a run came to.
struct Ran {
    summary: String,
    acknowledged: BTreeMap<String, Value>,
    heard: Vec<(i64, String, String)>,
    breaks: usize,
    conversions: Vec<String>,
}

/// Plays the plan against the program, which is killed at the given counts of acknowledged events.
fn play(url: &str, market: &Market, kills: &[(usize, Duration)]) -> (Acknowledged, Heard, usize) {
    let address = free_address(&mut Dice(SEED ^ u64::from(std::process::id())));
    let plan = plan();
    let all: usize = plan.iter().map(Vec::len).sum();
    let acknowledged = Acknowledged::default();
    let heard = Heard::default();
    let breaks = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let mut server = Server::start(url, address);
    thread::scope(|threads| {
        // Ends the subscriber also when an assertion here fails, so that the failure is seen.
        let _stop = StopAtEnd(&stop);
        let (secret, brand) = (&market.key.secret, &market.brand.id);
        threads.spawn(|| follow(address, secret, brand, &heard, &stop, &breaks));
        for (lane, seed) in plan.iter().zip(SEED..) {
            let acknowledged = &acknowledged;
            threads.spawn(move || send(address, secret, lane, acknowledged, seed));
        }
        let count = || acknowledged.lock().unwrap().len();
        for (at, delay) in kills {
            wait_until("events are acknowledged", || count() >= *at);
            thread::sleep(*delay);
            server.kill();
            server = Server::start(url, address);
        }
        wait_until("all events are acknowledged", || count() == all);
        wait_until("the feed tells of all events", || heard.lock().unwrap().len() >= all);
        thread::sleep(QUIET);
    });
    server.kill();
    (acknowledged, heard, breaks.into_inner())
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn run(database: &TestDatabase, kills: Vec<(usize, Duration)>) -> Ran {
    let url = database.url();
    let market = prepare(&url).await;
    let played = {
        let url = url.clone();
        tokio::task::spawn_blocking(move || play(&url, &market, &kills))
    };
    let (acknowledged, heard, breaks) = played.await.unwrap();
    let verified = output(&url, &["ledger", "verify"]).await;
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(
        verified.status.success() && said.starts_with("ledger verified"),
        "{said}"
    );
    let app = TestApp::over(&url).await;
    // Past the lease of the process that was killed last.
    app.clock.set(SystemClock.now() + TimeDelta::minutes(1));
    app.check_invariants().await;
    let conversions = entity::conversion::Entity::find().all(app.db()).await.unwrap();
    let ran = Ran {
        summary: summary(&app, said.trim()).await,
        acknowledged: acknowledged.lock().unwrap().clone(),
        heard: heard.lock().unwrap().clone(),
        breaks,
        conversions: conversions.iter().map(|row| row.id.to_string()).collect(),
    };
    app.app.db.close().await.unwrap();
    ran
}

/// Everything that counts, as text, and the same whatever the order in which the lanes came through.
async fn summary(app: &TestApp, verified: &str) -> String {
    let mut out = format!("{verified}\n");
    for (what, sql) in [
        (
            "order",
            "SELECT external_id || ' ' || amount_minor || ' ' || refunded_minor FROM orders",
        ),
        ("refund", "SELECT COUNT(*) || ' ' || SUM(amount_minor) FROM refunds"),
        (
            "conversions",
            "SELECT event || ' ' || state || ' ' || COUNT(*) || ' ' || SUM(amount_minor) || ' ' || SUM(refunded_minor)
             FROM conversions GROUP BY event, state",
        ),
        (
            "commissions",
            "SELECT level || ' ' || state || ' ' || COUNT(*) || ' ' || SUM(amount_minor) || ' ' || SUM(reversed_minor)
             FROM commissions GROUP BY level, state",
        ),
        (
            "money",
            "SELECT a.kind || ' ' || a.currency || ' ' || COUNT(*) || ' ' || SUM(e.amount_minor)
             FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id GROUP BY a.kind, a.currency",
        ),
        (
            "log",
            "SELECT topic || ' ' || COUNT(*) FROM outbox_events GROUP BY topic",
        ),
    ] {
        let statement = Statement::from_string(app.db().get_database_backend(), sql);
        let rows = app.db().query_all_raw(statement).await.unwrap();
        let lines: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        for line in lines {
            let _ = writeln!(out, "{what}: {line}");
        }
    }
    out
}

/// Seeded counts of acknowledged events, in order, with a moment behind each.
fn kill_moments() -> Vec<(usize, Duration)> {
    let mut dice = Dice(SEED + 1);
    let all = LANES * CUSTOMERS * EVENTS_OF_A_CUSTOMER;
    let mut counts: Vec<u64> = (0..KILLS).map(|_| dice.below(all - 20)).collect();
    counts.sort_unstable();
    counts
        .into_iter()
        .map(|count| (usize::try_from(count).unwrap(), Duration::from_millis(dice.below(120))))
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_and_doubles_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    println!("seed {SEED}");
    let (Some(calm), Some(rough)) = (database.create().await, database.create().await) else {
        return;
    };
    let undisturbed = run(&calm, Vec::new()).await;
    let killed = run(&rough, kill_moments()).await;
    assert!(killed.breaks > 1, "the subscriber noticed no kill");
    assert_eq!(killed.summary, undisturbed.summary);

    for ran in [&undisturbed, &killed] {
        check(ran);
    }
    calm.drop().await;
    rough.drop().await;
}

/// What was acknowledged, what is stored and what was announced are the same.
fn check(ran: &Ran) {
    let mut wanted = BTreeSet::new();
    let mut answered = BTreeSet::new();
    for event in plan().iter().flatten() {
        let key = match event.door {
            "refund" => format!("sale-{}", event.order.as_ref().unwrap()),
            _ => event.key.clone(),
        };
        let kind = if event.door == "refund" { "REFUNDED" } else { "RECORDED" };
        let conversion = text(&ran.acknowledged[&key]["conversion"], "id");
        answered.insert(conversion.clone());
        wanted.insert((kind.to_owned(), conversion));
    }
    let stored: BTreeSet<String> = ran.conversions.iter().cloned().collect();
    assert_eq!(stored, answered, "stored, and acknowledged");
    assert_eq!(stored.len(), ran.conversions.len());
    assert!(
        ran.heard.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "cursors do not grow: {:?}",
        ran.heard
    );
    let heard: BTreeSet<(String, String)> = ran
        .heard
        .iter()
        .map(|(_, kind, id)| (kind.clone(), id.clone()))
        .collect();
    assert_eq!(heard.len(), ran.heard.len(), "an event came twice");
    assert_eq!(heard, wanted, "heard, and acknowledged");
}

/// Seven weeks of a small shop, with cancellations and a hold period that runs out.
fn invoices() -> NamedTempFile {
    let mut dice = Dice(SEED + 2);
    let file = NamedTempFile::new().unwrap();
    let mut out: &File = file.as_file();
    writeln!(out, "InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice").unwrap();
    for n in 0..INVOICES {
        // Five a day.
        let (day, minute) = (n / 5, n % 5);
        let date = format!("{}/{}/2011 9:{minute:02}", 1 + day / 28, 1 + day % 28);
        let customer = 100 + dice.below(60);
        let price = format!("{}.{:04}", 1 + dice.below(30), dice.below(10_000));
        let (mark, sign) = if dice.below(6) == 0 { ("C", "-") } else { ("", "") };
        let quantity = 1 + dice.below(9);
        writeln!(
            out,
            "{mark}{},{date},{customer},France,{sign}{quantity},{price}",
            700_000 + n
        )
        .unwrap();
    }
    file
}

fn table(output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{said}");
    let (table, _) = printed.split_once("This run: ").unwrap();
    table.to_owned()
}

/// Runs the import and kills it after a while; false when it had ended by itself.
fn import_and_kill(url: &str, file: &Path, after: Duration) -> bool {
    let mut child = command(url, &["import", "invoices", file.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(after);
    let ended = child.try_wait().unwrap();
    if let Some(status) = ended {
        assert!(status.success(), "the import ended with {status}");
        return false;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_import_ends_where_an_undisturbed_one_does(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    println!("seed {SEED}");
    let (Some(calm), Some(rough)) = (database.create().await, database.create().await) else {
        return;
    };
    let file = invoices();
    let arguments = ["import", "invoices", file.path().to_str().unwrap()];
    let began = Instant::now();
    let undisturbed = table(&output(&calm.url(), &arguments).await);
    let whole = began.elapsed();
    assert!(
        undisturbed.contains("APPROVED"),
        "no hold period ran out:\n{undisturbed}"
    );

    // Shares of the time that an undisturbed run takes here, so that kills fall into it on any machine. Small ones: each
    // run passes quickly over what those before it recorded.
    let mut dice = Dice(SEED + 3);
    let mut kills = 0;
    for _ in 0..IMPORT_KILLS {
        let after = whole * u32::try_from(4 + dice.below(16)).unwrap() / 100;
        let (url, path) = (rough.url(), file.path().to_owned());
        let killed = tokio::task::spawn_blocking(move || import_and_kill(&url, &path, after));
        if !killed.await.unwrap() {
            break;
        }
        kills += 1;
    }
    println!("{kills} kills in imports of {whole:?}");
    assert!(kills > 0, "the import was never killed");
    assert_eq!(table(&output(&rough.url(), &arguments).await), undisturbed);
    calm.drop().await;
    rough.drop().await;
}
