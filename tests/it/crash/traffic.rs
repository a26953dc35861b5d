//! Senders and a subscriber over real connections, and what they are told.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    Dice, PATIENCE, PAUSE, SEED, Server, free_address,
    plan::{Act, Stage, Step},
    wait_until,
};
use crate::support::{builders::text, marketplace::Market};

/// Longest wait for an answer that has been asked for, whatever state the database is in.
const ANSWER: Duration = Duration::from_secs(15);
/// Nothing more may come for this long.
const QUIET: Duration = Duration::from_millis(500);
/// All that a client may read of a fault.
const PUBLIC_FAULT: &str = "something went wrong on our side";

const FEED: &str = "subscription ($brand: ID!, $after: String) { conversionFeed(brandId: $brand, after: $after) {
    __typename ... on ConversionFeedEvent { cursor kind conversion { id } } } }";

/// What goes wrong during a run, which says what a client must put up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Nothing,
    /// Connections break; whoever is answered is answered well.
    Server,
    /// Everyone is answered; some are told that something went wrong.
    Database,
}

/// What became of a request.
enum Told {
    /// It was done, now or before; the id of what it made or changed.
    Done { id: String, replayed: bool },
    /// The answer was a fault, without its cause.
    Fault,
    /// No whole answer came.
    Broken,
}

/// A request in HTTP/1.0, by nobody when there is no token, whose answer ends with the connection and comes without chunks.
fn request(address: SocketAddr, path: &str, token: &str, headers: &str, body: &Value) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let body = body.to_string();
    let authorization = if token.is_empty() {
        String::new()
    } else {
        format!("authorization: Bearer {token}\r\n")
    };
    let head = format!(
        "POST {path} HTTP/1.0\r\nhost: {address}\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    Ok(stream)
}

/// The status and the body, when the answer came whole.
pub fn ask(address: SocketAddr, path: &str, token: &str, headers: &str, body: &Value) -> Option<(String, Value)> {
    let mut stream = request(address, path, token, headers, body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    Some((head.split(' ').nth(1)?.to_owned(), body))
}

/// Whether this is a fault as clients may see it. One that says more fails the test.
fn is_fault(error: &Value) -> bool {
    let code = &error["code"];
    let is = *code == "INTERNAL_SERVER_ERROR" || error["extensions"]["code"] == "INTERNAL_SERVER_ERROR";
    assert!(
        !is || error["message"] == PUBLIC_FAULT,
        "a fault tells its cause: {error:#}"
    );
    is
}

struct Sender<'a> {
    address: SocketAddr,
    market: &'a Market,
    acknowledged: &'a Acknowledged,
    faults: &'a AtomicUsize,
    trouble: Trouble,
}

/// What the senders were told: the step's key and the id of what it made or changed, once each.
pub type Acknowledged = Mutex<BTreeMap<String, String>>;

impl Sender<'_> {
    fn send(&self, lane: &[Step], seed: u64) {
        let mut dice = Dice(seed);
        for step in lane {
            let end = Instant::now() + PATIENCE;
            let mut tries = 0;
            let id = loop {
                match self.try_step(step, tries) {
                    Told::Done { id, .. } => break id,
                    Told::Fault => {
                        assert_eq!(self.trouble, Trouble::Database, "{}: a fault", step.key);
                        self.faults.fetch_add(1, Ordering::Relaxed);
                    }
                    Told::Broken => assert_eq!(self.trouble, Trouble::Server, "{}: no whole answer", step.key),
                }
                assert!(Instant::now() < end, "{} was never acknowledged", step.key);
                tries += 1;
                thread::sleep(PAUSE);
            };
            // A client that forgot that it was answered asks again.
            if dice.below(10) == 0
                && let Told::Done { id: again, replayed } = self.try_step(step, tries + 1)
            {
                assert!(replayed, "{}: done twice", step.key);
                assert_eq!(again, id, "{}", step.key);
            }
            let known = self.acknowledged.lock().unwrap().insert(step.key.clone(), id);
            assert!(known.is_none(), "two steps with the key {}", step.key);
        }
    }

    fn try_step(&self, step: &Step, tries: usize) -> Told {
        match &step.act {
            Act::Track { door, body } => self.track(&step.key, door, body),
            Act::Mutate { field, input, about } => self.mutate(&step.key, field, input, about.as_ref(), tries),
        }
    }

    fn track(&self, key: &str, door: &str, body: &Value) -> Told {
        let headers = format!("idempotency-key: {key}\r\n");
        let path = format!("/track/{door}");
        let Some((status, answer)) = ask(self.address, &path, &self.market.key.secret, &headers, body) else {
            return Told::Broken;
        };
        if status == "500" && is_fault(&answer["error"]) {
            return Told::Fault;
        }
        assert!(matches!(&*status, "200" | "201"), "{key}: {status}\n{answer:#}");
        let what = if door == "refund" { "refund" } else { "conversion" };
        Told::Done {
            id: text(&answer[what], "id"),
            replayed: answer["replayed"] == true,
        }
    }

    fn mutate(&self, key: &str, field: &str, input: &Value, about: Option<&String>, tries: usize) -> Told {
        let mut input = input.clone();
        let subject = about.map(|about| self.acknowledged.lock().unwrap()[about].clone());
        if let Some(subject) = &subject {
            input["id"] = json!(subject);
        }
        let (kind, made) = if field.ends_with("Conversion") {
            ("Conversion", "conversion")
        } else {
            ("Payout", "payout")
        };
        let name = format!("{}{}", field[..1].to_uppercase(), &field[1..]);
        let replayed = if field == "approvePayout" { "" } else { "replayed" };
        let document = format!(
            "mutation ($input: {name}Input!) {{ {field}(input: $input) {{
                {made} {{ id }} {replayed} userErrors {{ ... on {kind}Error {{ code message }} }} }} }}"
        );
        let body = json!({ "query": document, "variables": { "input": input } });
        let Some((_, answer)) = ask(self.address, "/graphql", &self.market.owner.token, "", &body) else {
            return Told::Broken;
        };
        if is_fault(&answer["errors"][0]) {
            return Told::Fault;
        }
        let payload = &answer["data"][field];
        // The first time it was done, but nobody heard.
        if field == "approvePayout" && tries > 0 && payload["userErrors"][0]["code"] == "INVALID_TRANSITION" {
            let id = subject.unwrap();
            return Told::Done { id, replayed: true };
        }
        assert!(payload[made]["id"].is_string(), "{key}: {answer:#}");
        Told::Done {
            id: text(&payload[made], "id"),
            replayed: payload["replayed"] == true,
        }
    }
}

/// What a subscriber heard, in its order: position, kind, conversion.
pub type Heard = Mutex<Vec<(i64, String, String)>>;

struct Subscriber<'a> {
    address: SocketAddr,
    market: &'a Market,
    heard: &'a Heard,
    stop: &'a AtomicBool,
    breaks: &'a AtomicUsize,
    trouble: Trouble,
}

impl Subscriber<'_> {
    /// Follows the feed until told to stop; after every break it goes on behind the last event it heard whole.
    fn follow(&self) {
        let mut cursor = URL_SAFE_NO_PAD.encode(0_i64.to_be_bytes());
        while !self.stop.load(Ordering::Relaxed) {
            let body = json!({ "query": FEED, "variables": { "brand": self.market.brand.id, "after": cursor } });
            let headers = "accept: text/event-stream\r\n";
            if let Ok(stream) = request(self.address, "/graphql", &self.market.key.secret, headers, &body) {
                stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                self.listen(stream, &mut cursor);
                self.breaks.fetch_add(1, Ordering::Relaxed);
            }
            thread::sleep(PAUSE);
        }
    }

    fn listen(&self, stream: TcpStream, cursor: &mut String) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            match reader.read_until(b'\n', &mut line) {
                // A line without its end was cut off by the break.
                Ok(_) if line.last() != Some(&b'\n') => return,
                Ok(_) => {
                    if let Some(event) = self.event_in(&line) {
                        *cursor = text(&event, "cursor");
                        let position = URL_SAFE_NO_PAD.decode(&*cursor).unwrap().try_into().unwrap();
                        let conversion = text(&event["conversion"], "id");
                        let event = (i64::from_be_bytes(position), text(&event, "kind"), conversion);
                        self.heard.lock().unwrap().push(event);
                    }
                    line.clear();
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock) => {}
                Err(_) => return,
            }
        }
    }

    fn event_in(&self, line: &[u8]) -> Option<Value> {
        let data = std::str::from_utf8(line).unwrap().trim_end().strip_prefix("data: {")?;
        let answer: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        if self.trouble == Trouble::Database && is_fault(&answer["errors"][0]) {
            return None;
        }
        assert!(answer.get("errors").is_none(), "the feed failed: {answer:#}");
        let event = answer["data"]["conversionFeed"].clone();
        assert_eq!(event["__typename"], "ConversionFeedEvent", "{event:#}");
        Some(event)
    }
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What everyone was told.
pub struct Played {
    pub acknowledged: BTreeMap<String, String>,
    pub heard: Vec<(i64, String, String)>,
    /// How often the subscriber had to come back.
    pub breaks: usize,
    /// How often a sender was told of a fault.
    pub faults: usize,
}

/// When something goes wrong: so many steps are acknowledged, and then a moment more.
pub type Moment = (usize, Duration);

/// What goes wrong, and when.
pub struct Disturbance<'a> {
    pub trouble: Trouble,
    pub moments: &'a [Moment],
    pub disturb: &'a (dyn Fn(&mut Server, SocketAddr) + Sync),
}

/// Plays the stages against the program.
pub fn play(url: &str, market: &Market, stages: &[Stage], disturbance: &Disturbance) -> Played {
    let address = free_address(&mut Dice(SEED ^ u64::from(std::process::id())));
    let steps = stages.iter().flatten().flatten();
    let told = steps.filter(|step| step.announced().is_some()).count();
    let trouble = disturbance.trouble;
    let (acknowledged, heard) = (Acknowledged::default(), Heard::default());
    let (breaks, faults) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    let mut server = Server::start(url, address);
    wait_until("the server listens", || TcpStream::connect(address).is_ok());
    thread::scope(|threads| {
        // Ends the subscriber also when an assertion here fails, so that the failure is seen.
        let _stop = StopAtEnd(&stop);
        let subscriber = Subscriber {
            address,
            market,
            heard: &heard,
            stop: &stop,
            breaks: &breaks,
            trouble,
        };
        threads.spawn(move || subscriber.follow());
        let (acknowledged, faults) = (&acknowledged, &faults);
        let senders = threads.spawn(move || {
            for stage in stages {
                thread::scope(|lanes| {
                    for (lane, seed) in stage.iter().zip(SEED..) {
                        let sender = Sender {
                            address,
                            market,
                            acknowledged,
                            faults,
                            trouble,
                        };
                        lanes.spawn(move || sender.send(lane, seed));
                    }
                });
            }
        });
        let count = || acknowledged.lock().unwrap().len();
        for (at, delay) in disturbance.moments {
            wait_until("steps are acknowledged", || count() >= *at || senders.is_finished());
            assert!(count() >= *at, "a sender has failed");
            thread::sleep(*delay);
            (disturbance.disturb)(&mut server, address);
        }
        senders.join().unwrap();
        wait_until("the feed tells of everything", || heard.lock().unwrap().len() >= told);
        thread::sleep(QUIET);
        server.must_live();
    });
    server.kill();
    Played {
        acknowledged: acknowledged.into_inner().unwrap(),
        heard: heard.into_inner().unwrap(),
        breaks: breaks.into_inner(),
        faults: faults.into_inner(),
    }
}
