//! The server, killed again and again.

use std::time::Duration;

use rstest::rstest;

use super::{
    Dice, SEED, Server,
    ending::{check, run, undisturbed},
    traffic::{Moment, Trouble},
};
use crate::support::database::Database;

/// Steps of the stage of sales at the least, and of that of payouts.
const SALES: u64 = 216;
const KILLS_IN_SALES: usize = 8;
/// From the end of the plan, where payouts are made, released and paid.
const KILLS_IN_PAYOUTS: [usize; 3] = [9, 6, 3];

/// Seeded counts of acknowledged steps, in order, with a moment behind each.
fn moments(steps: usize) -> Vec<Moment> {
    let mut dice = Dice(SEED + 1);
    let mut counts: Vec<usize> = (0..KILLS_IN_SALES)
        .map(|_| usize::try_from(dice.below(SALES)).unwrap())
        .collect();
    counts.sort_unstable();
    let in_payouts = KILLS_IN_PAYOUTS.map(|left| (steps - left, Duration::from_millis(dice.below(15))));
    counts
        .into_iter()
        .map(|count| (count, Duration::from_millis(dice.below(120))))
        .chain(in_payouts)
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_and_doubles_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    println!("seed {SEED}");
    let (Some(calm), Some(rough)) = (database.create().await, database.create().await) else {
        return;
    };
    let undisturbed = undisturbed(&calm.url()).await;
    let url = rough.url();
    let kill = move |server: &mut Server, address| {
        server.kill();
        *server = Server::start(&url, address);
    };
    let moments = moments(undisturbed.played.acknowledged.len());
    let killed = run(&rough.url(), Trouble::Server, moments, kill).await;
    assert!(killed.played.breaks > 1, "the subscriber noticed no kill");
    assert_eq!(killed.summary, undisturbed.summary);
    for ran in [&undisturbed, &killed] {
        check(ran);
    }
    calm.drop().await;
    rough.drop().await;
}
