//! A run from its beginning to its end, and what must be true of it then.

use std::{collections::BTreeSet, fmt::Write as _, net::SocketAddr};

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::json;
use tributary::infra::clock::{Clock, SystemClock};

use super::{
    Server,
    plan::{self, Step},
    traffic::{self, Disturbance, Moment, Played, Trouble},
};
use crate::support::{
    app::TestApp,
    marketplace::{Market, Promoter},
    program::output,
};

/// What a run came to.
pub struct Ran {
    pub summary: String,
    pub played: Played,
    steps: Vec<Step>,
    conversions: Vec<String>,
}

pub async fn undisturbed(url: &str) -> Ran {
    run(url, Trouble::Nothing, Vec::new(), |_, _| {}).await
}

/// Plays the plan against the program on a fresh database, disturbed at the given moments, and looks at what is left.
pub async fn run(
    url: &str,
    trouble: Trouble,
    moments: Vec<Moment>,
    disturb: impl Fn(&mut Server, SocketAddr) + Send + Sync + 'static,
) -> Ran {
    let (market, promoters) = prepare(url).await;
    let stages = plan::stages(&promoters);
    let steps = stages.iter().flatten().flatten().cloned().collect();
    let played = {
        let url = url.to_owned();
        tokio::task::spawn_blocking(move || {
            let disturbance = Disturbance {
                trouble,
                moments: &moments,
                disturb: &disturb,
            };
            traffic::play(&url, &market, &stages, &disturbance)
        })
    };
    let played = played.await.unwrap();
    let verified = output(url, &["ledger", "verify"]).await;
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(
        verified.status.success() && said.starts_with("ledger verified"),
        "{said}"
    );
    let app = TestApp::over(url).await;
    // Past the lease of the process that was killed last.
    app.clock.set(SystemClock.now() + TimeDelta::minutes(1));
    app.check_invariants().await;
    let conversions = entity::conversion::Entity::find().all(app.db()).await.unwrap();
    let ran = Ran {
        summary: summary(&app, said.trim()).await,
        played,
        steps,
        conversions: conversions.iter().map(|row| row.id.to_string()).collect(),
    };
    app.app.db.close().await.unwrap();
    ran
}

/// A program with a seller below another, on a database that no process has open afterwards.
async fn prepare(url: &str) -> (Market, [Promoter; 2]) {
    let app = TestApp::over(url).await;
    // The program lives by the real clock; a little earlier, so that nothing is ahead of it.
    app.clock.set(SystemClock.now() - TimeDelta::minutes(1));
    let market = app.market_with("aurora", json!({ "holdDays": 0 })).await;
    app.two_levels(&market.owner, &market.program.id).await;
    let fixed = json!({ "fixed": { "amount": "1.00", "currency": "EUR" } });
    app.rule(&market.owner, &market.program.id, "SIGNUP", fixed).await;
    let top = app.promoter(&market, "top", None).await;
    let below = app.promoter(&market, "below", Some(&top)).await;
    app.code(&top, "TOP", json!({})).await;
    app.code(&below, "BELOW", json!({})).await;
    app.app.db.close().await.unwrap();
    (market, [top, below])
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
            "payouts",
            "SELECT state || ' ' || COUNT(*) || ' ' || SUM(amount_minor) FROM payouts GROUP BY state",
        ),
        (
            "audit",
            "SELECT action || ' ' || COALESCE(to_state, '') || ' ' || COUNT(*) FROM audit_entries
             GROUP BY action, to_state",
        ),
        (
            "jobs",
            "SELECT kind || ' ' || state || ' ' || COUNT(*) FROM jobs GROUP BY kind, state",
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

/// What was acknowledged, what is stored and what was announced are the same.
pub fn check(ran: &Ran) {
    let Played {
        acknowledged, heard, ..
    } = &ran.played;
    assert_eq!(acknowledged.len(), ran.steps.len());
    let answered: BTreeSet<&String> = ran
        .steps
        .iter()
        .filter(|step| step.makes_a_conversion())
        .map(|step| &acknowledged[&step.key])
        .collect();
    let stored: BTreeSet<&String> = ran.conversions.iter().collect();
    assert_eq!(stored, answered, "stored, and acknowledged");
    assert_eq!(stored.len(), ran.conversions.len());

    let wanted: BTreeSet<(&str, &str)> = ran
        .steps
        .iter()
        .filter_map(Step::announced)
        .map(|(kind, key)| (kind, &*acknowledged[&key]))
        .collect();
    assert!(
        heard.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "cursors do not grow: {heard:?}"
    );
    let told: BTreeSet<(&str, &str)> = heard.iter().map(|(_, kind, id)| (&**kind, &**id)).collect();
    assert_eq!(told.len(), heard.len(), "an event came twice");
    assert_eq!(told, wanted, "heard, and acknowledged");
}
