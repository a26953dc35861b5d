//! What is done later: the queue with its leases, retries and dead letters.

mod dead;
mod periodic;
mod queue;
mod worker;

use std::sync::{Arc, Mutex};

use entity::{ids::JobId, job};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    jobs::worker::{Handlers, JobError},
    queue::{Job, enqueue_in_tx},
};

use crate::support::app::TestApp;

const KIND: &str = "test.note";

/// What handlers were given, in order.
type Noted = Arc<Mutex<Vec<Value>>>;

/// Notes every payload, then does as it says: `{"fail": …}`, `{"hopeless": …}`, `{"panic": …}`; anything else goes well.
fn noting(noted: &Noted) -> Handlers {
    let noted = Arc::clone(noted);
    Handlers::default().on(KIND, move |_, job| {
        let payload: Value = serde_json::from_str(&job.payload).unwrap();
        noted.lock().unwrap().push(payload.clone());
        async move {
            match (payload["fail"].as_str(), payload["hopeless"].as_str()) {
                (Some(why), _) => Err(JobError::Retry(why.to_owned())),
                (_, Some(why)) => Err(JobError::hopeless(why)),
                _ if payload["panic"].is_string() => panic!("as it was told"),
                _ => Ok(()),
            }
        }
    })
}

async fn enqueue(app: &TestApp, job: Job) {
    let tx = app.app.db.begin().await.unwrap();
    enqueue_in_tx(&tx, &app.app, job).await.unwrap();
    app.app.commit(tx).await.unwrap();
}

fn note(what: &str) -> Job {
    Job::new(KIND, json!({ "note": what }))
}

async fn db_jobs(app: &TestApp) -> Vec<job::Model> {
    job::Entity::find()
        .order_by_asc(job::Column::Id)
        .all(app.db())
        .await
        .unwrap()
}

async fn db_job(app: &TestApp, id: JobId) -> job::Model {
    job::Entity::find_by_id(id).one(app.db()).await.unwrap().unwrap()
}
