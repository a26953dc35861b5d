//! The dead-letter list: what failed for good waits for a person, over the API and on the command line.

use entity::{audit_entry, job::JobState};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    cli,
    config::{Cli, Command, Jobs},
    jobs::worker::run_due,
    queue::Job,
};

use super::{KIND, Noted, db_job, db_jobs, enqueue, note, noting};
use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    builders::User,
    database::Database,
};

const DEAD: &str = "query ($first: Int, $after: String) { deadJobs(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id kind state attemptCount attemptLimit lastError createdAt deadAt } } }";

fn change(field: &str) -> String {
    let name = format!("{}{}", field[..1].to_uppercase(), &field[1..]);
    format!(
        "mutation ($input: {name}Input!) {{ {field}(input: $input) {{
            job {{ id state attemptCount deadAt }} userErrors {{ code field message }} }} }}"
    )
}

async fn admin(app: &TestApp) -> User {
    let user = app.sign_up("admin").await;
    app.db_platform_admin(&user.id).await;
    user
}

/// Hopeless jobs, run once; their ids, the youngest first.
async fn dead(app: &TestApp, count: usize) -> Vec<String> {
    for n in 0..count {
        enqueue(app, Job::new(KIND, json!({ "hopeless": format!("reason {n}") }))).await;
    }
    run_due(&app.app, &noting(&Noted::default())).await.unwrap();
    db_jobs(app).await.iter().rev().map(|job| job.id.to_string()).collect()
}

/// What was done to jobs: action, subject, from, to, reason, actor.
async fn db_audited(app: &TestApp) -> Vec<[String; 6]> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::Action.starts_with("job."))
        .order_by_asc(audit_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    let text = |text: Option<String>| text.unwrap_or_default();
    rows.into_iter()
        .map(|row| {
            [
                row.action,
                row.subject,
                text(row.from_state),
                text(row.to_state),
                text(row.reason),
                row.actor,
            ]
        })
        .collect()
}

#[rstest]
#[tokio::test]
async fn dead_jobs_are_listed_youngest_first(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let admin = admin(&app).await;
        let ids = dead(&app, 3).await;
        enqueue(&app, note("alive")).await;
        let token = Some(&*admin.token);
        let page = app.graphql_ok(token, DEAD, json!({ "first": 2 }), "deadJobs").await;
        assert_eq!(
            (&page["totalCount"], &page["pageInfo"]["hasNextPage"]),
            (&json!(3), &json!(true))
        );
        let first = &page["nodes"][0];
        assert_eq!(first["id"], ids[0]);
        assert_eq!((&first["kind"], &first["state"]), (&json!(KIND), &json!("DEAD")));
        assert_eq!(
            (&first["attemptCount"], &first["attemptLimit"]),
            (&json!(1), &json!(12))
        );
        assert_eq!(first["lastError"], "reason 2");
        assert!(first["deadAt"].is_string());
        let rest = json!({ "after": page["pageInfo"]["endCursor"] });
        let rest = app.graphql_ok(token, DEAD, rest, "deadJobs.nodes").await;
        assert_eq!(rest.as_array().unwrap().len(), 1);
        assert_eq!(rest[0]["id"], ids[2]);
        // As many statements for two as for one.
        let mut counts = [0; 2];
        for (count, first) in counts.iter_mut().zip([1, 3]) {
            let list = || app.graphql(token, DEAD, json!({ "first": first }));
            *count = app.count_statements(list).await;
        }
        assert_eq!(counts[0], counts[1]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_dead_job_is_retried_or_discarded_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let admin = admin(&app).await;
        let ids = dead(&app, 2).await;
        let token = Some(&*admin.token);
        let send = |field: &'static str, id: &str| {
            let input = json!({ "input": { "id": id } });
            let app = app.clone();
            let token = admin.token.clone();
            async move { app.graphql(Some(&token), &change(field), input).await }
        };
        let answer: Value = send("retryDeadJob", &ids[0]).await;
        let retried = json!({ "id": ids[0], "state": "QUEUED", "attemptCount": 0, "deadAt": null });
        assert_eq!(answer["data"]["retryDeadJob"]["job"], retried);
        let answer = send("discardDeadJob", &ids[1]).await;
        assert_eq!(answer["data"]["discardDeadJob"]["job"]["state"], "DEAD");
        assert_eq!(
            db_audited(&app).await,
            [
                ["job.retried", &ids[0], "DEAD", "QUEUED", "reason 1", &admin.id],
                ["job.discarded", &ids[1], "DEAD", "DISCARDED", "reason 0", &admin.id],
            ]
            .map(|row| row.map(str::to_owned))
        );

        let before = app.digest().await;
        for (field, message) in [
            ("retryDeadJob", "the job is QUEUED; only a DEAD one becomes QUEUED"),
            ("discardDeadJob", "the job is QUEUED; only a DEAD one becomes DISCARDED"),
        ] {
            let answer = send(field, &ids[0]).await;
            assert_eq!(refusal(&answer), "INVALID_TRANSITION");
            assert_eq!(answer["data"][field]["userErrors"][0]["message"], message);
            assert_eq!(error_code(&send(field, &ids[1]).await), "NOT_FOUND");
            assert_eq!(error_code(&send(field, "job_!").await), "BAD_USER_INPUT");
        }
        assert_eq!(app.digest().await, before);
        // It runs again, and is dead again.
        assert_eq!(run_due(&app.app, &noting(&Noted::default())).await.unwrap(), 1);
        let again = db_job(&app, ids[0].parse().unwrap()).await;
        assert_eq!((again.state, again.attempts), (JobState::Dead, 1));
        assert!(app.graphql_ok(token, DEAD, json!({}), "deadJobs.nodes").await[0]["id"] == ids[0]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_command_line_does_the_same(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ids = dead(&app, 2).await;
        let run = |command| {
            let config = app.app.config.clone();
            let command = Some(Command::Jobs(command));
            cli::run(Cli { config, command })
        };
        run(Jobs::Dead).await.unwrap();
        run(Jobs::Retry { id: ids[0].clone() }).await.unwrap();
        run(Jobs::Discard { id: ids[1].clone() }).await.unwrap();
        let left = db_jobs(&app).await;
        assert_eq!(left.len(), 1);
        assert_eq!(
            (left[0].id.to_string(), left[0].state),
            (ids[0].clone(), JobState::Queued)
        );
        assert_eq!(db_audited(&app).await.len(), 2);
        for (command, message) in [
            (
                Jobs::Retry { id: ids[0].clone() },
                "the job is QUEUED; only a DEAD one becomes QUEUED",
            ),
            (Jobs::Discard { id: ids[1].clone() }, "job not found"),
            (
                Jobs::Retry { id: "x".to_owned() },
                "`x` is not an id of the form `job_…`",
            ),
        ] {
            assert_eq!(run(command).await.unwrap_err(), message);
        }
    })
    .await;
}
