//! PostgreSQL, ended violently and recovered while traffic runs. The server stays, says only that something went wrong,
//! and goes on by itself.

use std::{net::SocketAddr, sync::Mutex, thread, time::Duration};

use super::{
    Dice, SEED, Server,
    ending::{check, run, undisturbed},
    get,
    traffic::{Moment, Trouble},
    wait_until,
};
use crate::support::postgres;

const OUTAGES: u64 = 5;
/// How long the database is away, at the most, besides what its recovery takes.
const MAX_AWAY_MILLIS: u64 = 1_500;

/// Spread over the plan, the last one among the payouts.
fn moments(steps: usize) -> Vec<Moment> {
    let mut dice = Dice(SEED + 4);
    let spread = (0..OUTAGES).map(|nth| usize::try_from(nth * 40 + dice.below(40)).unwrap());
    let counts: Vec<usize> = spread.chain([steps - 6]).collect();
    counts
        .into_iter()
        .map(|count| (count, Duration::from_millis(dice.below(60))))
        .collect()
}

/// The status of a page.
fn status(address: SocketAddr, path: &str) -> Option<String> {
    get(address, path)?.split(' ').nth(1).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_database_loses_and_doubles_nothing() {
    println!("seed {SEED}");
    let Some(cluster) = postgres::own_cluster() else {
        return;
    };
    let (calm, rough) = (cluster.create().await, cluster.create().await);
    let undisturbed = undisturbed(&calm.url()).await;
    let dice = Mutex::new(Dice(SEED + 5));
    let outage = move |server: &mut Server, address: SocketAddr| {
        cluster.crash();
        assert_eq!(status(address, "/readyz").as_deref(), Some("503"));
        assert_eq!(status(address, "/healthz").as_deref(), Some("200"));
        let away = dice.lock().unwrap().below(MAX_AWAY_MILLIS);
        thread::sleep(Duration::from_millis(away));
        cluster.recover();
        wait_until("the server is ready again", || {
            status(address, "/readyz").as_deref() == Some("200")
        });
        server.must_live();
    };
    let moments = moments(undisturbed.played.acknowledged.len());
    let restarted = run(&rough.url(), Trouble::Database, moments, outage).await;
    println!(
        "{} faults, {} breaks of the feed",
        restarted.played.faults, restarted.played.breaks
    );
    assert!(restarted.played.faults > 0, "no sender noticed an outage");
    assert_eq!(restarted.summary, undisturbed.summary);
    for ran in [&undisturbed, &restarted] {
        check(ran);
    }
    calm.drop().await;
    rough.drop().await;
}
