//! The ledger under random sequences of everything that moves money, on both databases: delivered once, twice and again, told in any
//! order, two at once, and interrupted where it waits. After every step the books are those of a model that was written from the
//! design alone, and the ledger's invariants hold.
//!
//! `draw.rs` draws what happens, `operations.rs` is what may happen, `model.rs` with `payouts.rs` and `store_credit.rs` what it comes
//! to, `world.rs` and `deliver.rs` bring it to the product's services, `check.rs` reads what they made of it, and `play.rs` holds one
//! against the other.

mod check;
mod deliver;
mod draw;
mod model;
mod operations;
mod payouts;
mod play;
mod store_credit;
mod world;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use entity::ledger_transfer::TransferKind;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use rstest::rstest;
use sea_orm::{ActiveEnum, Iterable};
use tokio::{runtime::Handle, task::block_in_place};
use tributary::ledger::verify::verify;

use self::{
    draw::sequence,
    play::{Tally, play},
    world::Stage,
};
use crate::support::{app::with_rails_app, database::Database};

const SEED: u64 = 0x1ed6_e400;
/// Sequences between two looks at the whole ledger.
const ROUND: u32 = 100;
/// What happens less often than this has hardly been tried.
const FEW: usize = 10;
/// Ways to be answered and delivered.
const OFTEN: [&str; 5] = ["done", "replayed", "refused", "died", "two at once"];
/// Tries to make a failing sequence smaller.
const SHRINKS: u32 = 2_000;

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
            tally
        );
        // Every row of the design's table is among it.
        for what in TransferKind::iter()
            .map(|kind| kind.to_value())
            .chain(OFTEN.map(str::to_owned))
        {
            let times = tally.of(&what);
            assert!(times >= FEW, "{what} happened only {times} times");
        }
    })
    .await;
}
