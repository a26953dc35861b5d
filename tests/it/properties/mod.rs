//! The ledger under random sequences of everything that moves money, on both databases: delivered once, twice and again, told in any
//! order, and interrupted where it waits. After every step the books are those of a model that was written from the design alone,
//! and the ledger's invariants hold.
//!
//! `operations.rs` is what may happen, `model.rs` and `payouts.rs` what it comes to, `world.rs` and `deliver.rs` bring it to the
//! product's services, `check.rs` reads what they made of it.

mod check;
mod deliver;
mod model;
mod operations;
mod payouts;
mod world;

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Instant,
};

use chrono::TimeDelta;
use entity::ledger_transfer::TransferKind;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use rstest::rstest;
use sea_orm::{ActiveEnum, Iterable};
use tokio::{runtime::Handle, task::block_in_place};
use tributary::ledger::verify::verify;

use self::{
    check::Seen,
    deliver::{Answer, Made},
    model::{Applied, Model},
    operations::{Command, Delivery, Op, Sequence, sequence},
    world::{Stage, World},
};
use crate::support::{
    app::{TestApp, with_rails_app},
    database::Database,
};

const SEED: u64 = 0x1ed6_e400;
/// Sequences between two looks at the whole ledger.
const ROUND: u32 = 100;
/// What is answered less often than this has hardly been tried.
const FEW: usize = 10;
/// Rounds in which the rarest kinds of transfers happen once, with something to spare.
const ROUNDS_OF_A_KIND: u32 = 5;
/// Tries to make a failing sequence smaller.
const SHRINKS: u32 = 2_000;

/// Polls a future as long as it has not waited so often, then lets it fall, as a process does that dies.
async fn interrupted<F: Future>(future: F, patience: u8) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waited = 0;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if waited == patience => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// One sequence as it is played.
struct Play {
    world: World,
    model: Model,
    seen: Seen,
    /// Commands by their numbers, and whether one was done.
    delivered: BTreeMap<usize, (Command, bool)>,
    story: Vec<String>,
    tally: Tally,
}

/// What has happened how often, by names: a test that nothing happens in proves nothing.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        for (what, times) in other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// What must be answered.
#[derive(Clone, Copy)]
enum Wanted {
    Done,
    Replayed,
    /// For this.
    Refused(&'static str),
}

impl Wanted {
    fn text(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Replayed => "replayed",
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused, {why}"),
            _ => f.write_str(self.text()),
        }
    }
}

impl Play {
    /// What a delivery must come to; the model has gone with it.
    fn expect(&mut self, number: usize, command: Command) -> Wanted {
        let (_, was_done) = *self.delivered.entry(number).or_insert((command, false));
        if was_done && command.is_keyed() {
            return Wanted::Replayed;
        }
        let applied: Applied = self.model.apply(&command);
        match applied {
            Ok(()) => {
                self.delivered.insert(number, (command, true));
                Wanted::Done
            }
            Err(why) => Wanted::Refused(why),
        }
    }

    /// Remembers what a command made that was done for the first time.
    fn keep(&mut self, number: usize, command: &Command, made: Made) {
        match made {
            Made::Nothing => {}
            Made::Order(conversion, order, customer) => {
                self.world.customer = Some(customer);
                self.world.orders.push((conversion, order));
                self.world.order_ids.push(self.world.order_id(number));
                if let Command::Sell { coin, .. } = command {
                    self.world.coins.push(*coin);
                }
            }
            Made::Payout(payout, batch) => self.world.payouts.push((payout, batch)),
            Made::Transfer(transfer) => self.world.transfers.push(transfer),
        }
    }

    async fn deliver(&mut self, number: usize, command: Command, patience: Option<u8>) -> Result<(), String> {
        let wanted = self.expect(number, command);
        let mut interruption = String::new();
        let mut answer = None;
        if let Some(patience) = patience {
            answer = interrupted(self.world.deliver(&command, number), patience).await;
            interruption = match &answer {
                Some(_) => String::new(),
                None => format!(", again after it had died at its {patience}th wait"),
            };
        }
        let died = answer.is_none() && patience.is_some();
        let answer = match answer {
            Some(answer) => answer,
            None => self.world.deliver(&command, number).await,
        };
        self.story
            .push(format!("{number}: {command:?}{interruption}: {wanted}"));
        let answer = answer.map_err(|fault| format!("a fault: {fault}"))?;
        self.tally.count(wanted.text());
        if died {
            let is_done = matches!(answer, Answer::Replayed(_)) && matches!(wanted, Wanted::Done);
            self.tally.count(if is_done { "died when it was done" } else { "died" });
        }
        match (wanted, answer) {
            (Wanted::Done, Answer::Done(made)) => self.keep(number, &command, made),
            // It had died after it was done.
            (Wanted::Done, Answer::Replayed(made)) if died => self.keep(number, &command, made),
            (Wanted::Done, Answer::Refused(_)) if died && !command.is_keyed() => {}
            (Wanted::Replayed, Answer::Replayed(_)) | (Wanted::Refused(_), Answer::Refused(_)) => {}
            (wanted, answer) => return Err(format!("wanted {wanted}, answered {answer}")),
        }
        let causes = self.seen.check(&self.world, &self.model).await?;
        causes.into_iter().for_each(|cause| self.tally.count(cause));
        Ok(())
    }

    /// A command of its own, or one that was delivered before.
    fn command(&self, op: Op, number: usize) -> Option<(usize, Command)> {
        if let Op::Again(place) = op {
            let place = usize::from(place) % self.delivered.len().max(1);
            let (number, (command, _)) = self.delivered.iter().nth(place)?;
            return Some((*number, *command));
        }
        Some((number, op.resolve(&self.model)))
    }

    async fn step(&mut self, number: usize, op: Op, delivery: Delivery) -> Result<(), String> {
        let Some((number, command)) = self.command(op, number) else {
            return Ok(());
        };
        self.tally.count("steps");
        if let Command::Wait { days } = command {
            self.world.app.advance(TimeDelta::days(days));
            self.model.apply(&command).map_err(str::to_owned)?;
            self.story.push(format!("{number}: {command:?}"));
            return Ok(());
        }
        match delivery {
            Delivery::Once => self.deliver(number, command, None).await,
            Delivery::Crash(patience) => self.deliver(number, command, Some(patience)).await,
            Delivery::Twice => {
                self.deliver(number, command, None).await?;
                self.deliver(number, command, None).await
            }
        }
    }
}

/// Plays a sequence with people of its own; what happened in it, or what went wrong.
async fn play(app: &TestApp, stage: &Arc<Stage>, number: usize, sequence: &Sequence) -> Result<Tally, String> {
    // Time makes ids grow over whatever came before.
    app.advance(TimeDelta::seconds(1));
    let world = World::build(app, stage, number, sequence.is_fixed).await;
    let mut play = Play {
        seen: Seen::from_now(&world),
        world,
        model: Model::new(sequence.is_fixed),
        delivered: BTreeMap::new(),
        story: Vec::new(),
        tally: Tally::default(),
    };
    for (number, step) in sequence.steps.iter().enumerate() {
        if let Err(wrong) = play.step(number, step.op, step.delivery).await {
            let program = if sequence.is_fixed { "fixed" } else { "share" };
            return Err(format!("program {program}\n{}\n{wrong}", play.story.join("\n")));
        }
    }
    Ok(play.tally)
}

fn seed_of(round: u32) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&SEED.to_le_bytes());
    seed[8..12].copy_from_slice(&round.to_le_bytes());
    seed
}

#[rstest]
#[case::sqlite(Database::Sqlite, 14)]
#[case::postgres(Database::Postgres, 6)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_ledger_is_as_designed(#[case] database: Database, #[case] rounds: u32) {
    with_rails_app(database, |app, _fakes| async move {
        let stage = Arc::new(Stage::build(&app).await);
        let started = Instant::now();
        let (sequences, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
        for round in 0..rounds {
            let config = Config {
                cases: ROUND,
                max_shrink_iters: SHRINKS,
                failure_persistence: None,
                ..Config::default()
            };
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_of(round));
            let mut runner = TestRunner::new_with_rng(config, rng);
            let outcome = runner.run(&sequence(), |sequence| {
                let number = sequences.fetch_add(1, Ordering::Relaxed);
                let played = block_in_place(|| Handle::current().block_on(play(&app, &stage, number, &sequence)));
                tally.lock().unwrap().add(played.map_err(TestCaseError::fail)?);
                Ok(())
            });
            match outcome {
                Ok(()) => {}
                Err(TestError::Fail(why, _)) => {
                    panic!("{database:?}, seed {SEED:#x}, round {round}, made as small as it gets: {why}")
                }
                Err(TestError::Abort(why)) => panic!("{database:?}, seed {SEED:#x}, round {round}: {why}"),
            }
            if let Err(broken) = verify(&app.app).await {
                panic!("{database:?}, seed {SEED:#x}, round {round}: {broken}");
            }
        }
        let tally = tally.into_inner().unwrap();
        println!(
            "{database:?}, seed {SEED:#x}: {} sequences in {:?}: {:?}",
            sequences.load(Ordering::Relaxed),
            started.elapsed(),
            tally.0
        );
        // Every row of the design's table.
        for kind in TransferKind::iter() {
            let times = tally.of(&kind.to_value());
            let wanted = usize::try_from(rounds / ROUNDS_OF_A_KIND).unwrap();
            assert!(times >= wanted, "{kind:?} was posted only {times} times");
        }
        for what in ["done", "replayed", "refused", "died"] {
            let times = tally.of(what);
            assert!(times >= FEW, "only {times} commands were {what}");
        }
    })
    .await;
}
