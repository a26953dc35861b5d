//! The application under test: the real router over a fresh database, on a clock that stands still until told to move,
//! with ids and secrets from a fixed seed.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, Response, StatusCode, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tower::ServiceExt;
use tributary::{
    app::{App, Parts},
    config::Config,
    fake_rails::FakeRails,
    feed, http,
    ids::Ids,
    infra::{
        clock::{Clock, ManualClock},
        db::Db,
        rails::{pace::NoPace, transport::Patience},
        search::SearchEngine,
    },
    ledger,
    marketplace::indexing,
    outbox,
    payouts::rails::Outside,
};

use super::{
    answer::{self, Answered},
    database::Database,
    digest,
    mail::RecordingMailer,
    socket::Served,
    web::Pages,
};

/// When every test begins.
pub const START: &str = "2026-01-15T12:00:00Z";
const SEED: u64 = 42;
/// Few, because many tests share one PostgreSQL.
const CONNECTIONS: u32 = 8;
/// Where in-memory requests come from.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);

/// As long as a provider that hangs is waited for.
const RAIL_PATIENCE: Duration = Duration::from_secs(3);

const ELSEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 50_000);

/// Cheap to clone; every clone is the same application.
#[derive(Clone)]
pub struct TestApp {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub mailer: Arc<RecordingMailer>,
    pub pages: Arc<Pages>,
    router: Router,
    client: SocketAddr,
}

/// What is not as it is in most tests.
struct Instead {
    clock: Arc<ManualClock>,
    feeds: feed::Limits,
    search: Option<Arc<dyn SearchEngine>>,
    rails: Outside,
}

impl Default for Instead {
    fn default() -> Self {
        let start: DateTime<Utc> = START.parse().unwrap();
        Self {
            clock: Arc::new(ManualClock::at(start)),
            feeds: feed::Limits::default(),
            search: None,
            rails: Outside::default(),
        }
    }
}

/// Runs a test's body over a fresh database, then checks what must hold after any test.
pub async fn with_app<Fut: Future<Output = ()>>(database: Database, body: impl FnOnce(TestApp) -> Fut) {
    with_app_and(database, feed::Limits::default(), body).await;
}

/// The same with other limits of its feeds.
pub async fn with_app_and<Fut: Future<Output = ()>>(
    database: Database,
    feeds: feed::Limits,
    body: impl FnOnce(TestApp) -> Fut,
) {
    let instead = Instead {
        feeds,
        ..Instead::default()
    };
    with_instead(database, instead, |_| {}, body).await;
}

/// The same with another search engine.
pub async fn with_engine<Fut: Future<Output = ()>>(
    database: Database,
    engine: Arc<dyn SearchEngine>,
    body: impl FnOnce(TestApp) -> Fut,
) {
    let instead = Instead {
        search: Some(engine),
        ..Instead::default()
    };
    with_instead(database, instead, |_| {}, body).await;
}

/// The same with providers of payouts that are on this machine: the installation pays through all of them, and so does a brand
/// that connects credentials which they take. Nobody waits between tries.
pub async fn with_rails_app<Fut: Future<Output = ()>>(
    database: Database,
    body: impl FnOnce(TestApp, Arc<FakeRails>) -> Fut,
) {
    let mut instead = Instead::default();
    let clock = Arc::clone(&instead.clock) as Arc<dyn Clock>;
    let fakes = Arc::new(FakeRails::start(&clock).await.unwrap());
    instead.rails = outside(&fakes);
    let configure = |config: &mut Config| {
        fakes.stand_in(&mut config.rails);
        fakes.give_credentials(&mut config.rails);
    };
    let given = Arc::clone(&fakes);
    with_instead(database, instead, configure, |app| body(app, given)).await;
}

fn outside(fakes: &FakeRails) -> Outside {
    Outside {
        pace: Arc::new(NoPace::default()),
        patience: Patience {
            request: RAIL_PATIENCE,
            ..Patience::default()
        },
        certificates: Some(fakes.certificates()),
    }
}

async fn with_instead<Fut: Future<Output = ()>>(
    database: Database,
    instead: Instead,
    configure: impl FnOnce(&mut Config),
    body: impl FnOnce(TestApp) -> Fut,
) {
    let Some(database) = database.create().await else {
        return;
    };
    let mut config = Config::for_database(&database.url());
    configure(&mut config);
    let app = TestApp::assemble(config, instead).await;
    body(app.clone()).await;
    app.check_invariants().await;
    app.app.db.close().await.unwrap();
    drop(app);
    database.drop().await;
}

impl TestApp {
    pub async fn over(url: &str) -> Self {
        Self::assemble(Config::for_database(url), Instead::default()).await
    }

    /// The same with other settings.
    pub async fn configured(config: Config) -> Self {
        Self::assemble(config, Instead::default()).await
    }

    async fn assemble(mut config: Config, instead: Instead) -> Self {
        let Instead {
            clock,
            feeds,
            search,
            rails,
        } = instead;
        let mailer = Arc::new(RecordingMailer::default());
        let pages = Arc::new(Pages::default());
        config.database_connections = CONNECTIONS;
        let db = Db::connect(&config.database_url, config.database_connections)
            .await
            .unwrap();
        let parts = Parts {
            clock: Arc::<ManualClock>::clone(&clock),
            ids: Ids::seeded(SEED),
            mailer: Some(Arc::<RecordingMailer>::clone(&mailer)),
            search,
            web: Some(Arc::<Pages>::clone(&pages)),
            rails,
            feeds,
        };
        let Ok(app) = App::assemble(config, db, parts).await else {
            panic!("the application does not assemble");
        };
        let router = http::router(app.clone());
        Self {
            app,
            clock,
            mailer,
            pages,
            router,
            client: CLIENT,
        }
    }

    /// Another process of the same installation: nothing of this one's memory.
    pub async fn in_new_process(&self, fakes: &FakeRails) -> App {
        let config = self.app.config.clone();
        let db = Db::connect(&config.database_url, config.database_connections)
            .await
            .unwrap();
        let parts = Parts {
            clock: Arc::<ManualClock>::clone(&self.clock),
            mailer: Some(Arc::<RecordingMailer>::clone(&self.mailer)),
            rails: outside(fakes),
            ..Parts::default()
        };
        let Ok(app) = App::assemble(config, db, parts).await else {
            panic!("the application does not assemble");
        };
        app
    }

    /// What holds after every test: the outbox drains completely, and the books balance.
    pub async fn check_invariants(&self) {
        outbox::relay::drain(&self.app).await.unwrap();
        assert_eq!(
            self.db_unstamped_events().await,
            0,
            "the relay left events without a position"
        );
        if let Err(broken) = ledger::verify::verify(&self.app).await {
            panic!("{broken}");
        }
    }

    /// Lets search see everything that is committed.
    pub async fn index(&self) {
        outbox::relay::drain(&self.app).await.unwrap();
        indexing::catch_up(&self.app).await.unwrap();
    }

    async fn db_unstamped_events(&self) -> u64 {
        use entity::outbox_event::{Column, Entity};
        use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
        Entity::find()
            .filter(Column::Position.is_null())
            .count(self.db())
            .await
            .unwrap()
    }

    /// Every open listing with the name of its program.
    pub async fn db_listing_programs(&self) -> Vec<(uuid::Uuid, String)> {
        use entity::{listing, program};
        use sea_orm::EntityTrait;
        let programs: BTreeMap<_, _> = program::Entity::find()
            .all(self.db())
            .await
            .unwrap()
            .into_iter()
            .map(|row| (row.id, row.name))
            .collect();
        let listings = listing::Entity::find().all(self.db()).await.unwrap();
        listings
            .into_iter()
            .map(|row| (row.id.0, programs[&row.program_id].clone()))
            .collect()
    }

    /// For direct checks of rows.
    pub fn db(&self) -> &DatabaseConnection {
        self.app.db.read()
    }

    /// For direct inserts, named `db_*`.
    pub fn db_writer(&self) -> &DatabaseConnection {
        self.app.db.schema_connection()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Sends a GraphQL operation over `POST /graphql` and returns the whole answer.
    pub async fn graphql(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        self.graphql_answer(token, query, variables).await.1
    }

    /// The same, with the status.
    pub async fn graphql_answer(&self, token: Option<&str>, query: &str, variables: Value) -> Answered {
        let body = json!({ "query": query, "variables": variables });
        self.rest("POST", "/graphql", token, &[], body).await
    }

    /// Sends an operation that must succeed and returns the value of `data` at a dotted path.
    pub async fn graphql_ok(&self, token: Option<&str>, query: &str, variables: Value, path: &str) -> Value {
        answer::data_at(&self.graphql(token, query, variables).await, path)
    }

    /// Sends any request. A body other than `Null` goes as JSON; an answer that is not JSON comes back as its text.
    pub async fn rest(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let named = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        if !body.is_null() && !named("content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let (status, _, bytes) = self.send(request.body(body).unwrap()).await;
        let value = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        (status, value)
    }

    /// Sends a request as it stands, and collects the answer.
    pub async fn send(&self, mut request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
        request.extensions_mut().insert(ConnectInfo(self.client));
        let answer: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, bytes)
    }

    /// Opens an operation over Server-Sent Events without a socket between: the server makes no event before it is read.
    pub async fn lazy_events(&self, token: &str, query: &str, variables: Value) -> LazyEvents {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = Request::post("/graphql")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(Body::from(body))
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(self.client));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        LazyEvents(answer.into_body())
    }

    /// The same application, asked from another address.
    pub fn elsewhere(&self) -> Self {
        self.at_address(ELSEWHERE)
    }

    pub fn at_address(&self, client: SocketAddr) -> Self {
        Self { client, ..self.clone() }
    }

    /// Serves on a real socket, for what needs one.
    pub async fn serve(&self) -> Served {
        Served::start(self.router.clone()).await
    }

    /// SQL statements that `body` makes the application run.
    pub async fn count_statements<Fut: Future>(&self, body: impl FnOnce() -> Fut) -> u64 {
        let before = self.app.db.statement_count();
        body().await;
        self.app.db.statement_count() - before
    }

    /// Every table's contents, condensed: equal digests mean that nothing changed.
    pub async fn digest(&self) -> BTreeMap<String, (u64, u64)> {
        digest::digest(self.db()).await
    }

    /// The same without the inbox: what a refused event leaves as it was.
    pub async fn books(&self) -> BTreeMap<String, (u64, u64)> {
        let mut tables = self.digest().await;
        tables.remove("refused_events");
        tables
    }
}

/// An answer of Server-Sent Events that is made as it is read.
pub struct LazyEvents(Body);

impl LazyEvents {
    /// The data of the next event; none when there is no more.
    pub async fn next(&mut self) -> Option<Value> {
        while let Some(frame) = self.0.frame().await {
            let bytes = frame.unwrap().into_data().unwrap();
            let text = std::str::from_utf8(&bytes).unwrap();
            let data: String = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            if !data.is_empty() {
                return Some(serde_json::from_str(&data).unwrap());
            }
        }
        None
    }
}
