//! The first start, killed while it fills the demo, again and again.

use std::{net::SocketAddr, time::Duration};

use entity::{brand_member, commission, conversion, order, partnership, program, promo_code, refund, user};
use rstest::rstest;
use sea_orm::{Database as Connect, DatabaseConnection, EntityTrait, PaginatorTrait};
use tokio::time::sleep;

use super::{Dice, PAUSE, SEED, Server, free_address, get, wait_until};
use crate::support::{database::Database, program::output};

/// Percent of the demo that are there when its process is killed.
const KILLED_AT: [u64; 3] = [10, 30, 60];
/// What a killed process held runs out by then, so that the next one fills instead of waiting.
const LEASE: Duration = Duration::from_millis(3_100);

/// Rows of what the demo consists of. The books are not counted: what is due is approved as soon as it is served.
async fn counts(db: &DatabaseConnection) -> [u64; 9] {
    macro_rules! count {
        ($($table:ident)*) => { [$($table::Entity::find().count(db).await.unwrap()),*] };
    }
    count!(user brand_member program partnership promo_code order conversion commission refund)
}

fn is_serving(address: SocketAddr) -> bool {
    get(address, "/readyz").is_some_and(|answer| answer.contains(" 200 "))
}

/// Serves until the demo is there.
async fn serve_whole(url: &str, address: SocketAddr) {
    let url = url.to_owned();
    let served = tokio::task::spawn_blocking(move || {
        let mut server = Server::start_with(&url, address, &[]);
        wait_until("the demo is served", || {
            server.must_live();
            is_serving(address)
        });
    });
    served.await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_cut_off_is_completed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    println!("seed {SEED}");
    let (Some(calm), Some(rough)) = (database.create().await, database.create().await) else {
        return;
    };
    // Both databases' tests run at once, and need a port each.
    let mut dice = Dice(SEED + 4 + u64::from(matches!(database, Database::Postgres)));
    let address = free_address(&mut dice);

    serve_whole(&calm.url(), address).await;
    let db = Connect::connect(calm.url()).await.unwrap();
    let undisturbed = counts(&db).await;
    db.close().await.unwrap();
    assert!(undisturbed.iter().all(|count| *count > 0), "{undisturbed:?}");

    // By what is there, not by time: machines differ, and so do two starts on one.
    let db = Connect::connect(rough.url()).await.unwrap();
    let whole: u64 = undisturbed.iter().sum();
    let mut cut_off = 0;
    for share in KILLED_AT {
        let mut server = Server::start_with(&rough.url(), address, &[]);
        while counts(&db).await.iter().sum::<u64>() < whole * share / 100 {
            server.must_live();
            sleep(PAUSE).await;
        }
        server.kill();
        let there: u64 = counts(&db).await.iter().sum();
        println!("killed with {there} of {whole} rows");
        cut_off += u64::from(there < whole);
        sleep(LEASE).await;
    }
    assert!(cut_off > 0, "the demo was never cut off");
    serve_whole(&rough.url(), address).await;
    assert_eq!(counts(&db).await, undisturbed);
    db.close().await.unwrap();
    let verified = output(&rough.url(), &["ledger", "verify"]).await;
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
    calm.drop().await;
    rough.drop().await;
}
