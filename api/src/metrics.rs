//! What this process counts about itself, for Prometheus. Labels come from the program's own words (routes, kinds, states),
//! never from what a client sends: their number is bounded.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::prometheus_text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Seconds that a request may take, as limits of the histogram's buckets.
const BUCKETS_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

pub type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// The counters of one application, and the gauges that are read when somebody asks.
pub struct Metrics {
    registry: Registry,
    requests: Counters<3>,
    request_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    operations: Counters<2>,
    track_events: Counters<2>,
    recorded: Counters<1>,
    job_runs: Counters<2>,
    /// Subscriptions that are open in this process.
    pub subscribers: Gauge,
    pub looks: Looks,
}

/// What is looked at when somebody asks, and not known before.
#[derive(Default)]
pub struct Looks {
    /// Whether the database answered; without it the others below are absent.
    pub database_up: Gauge,
    pub database_connections: Gauges<2>,
    pub clicks_waiting: Gauge,
    pub log_position: Gauges<0>,
    pub log_unstamped: Gauges<0>,
    pub log_lag_seconds: Gauges<0>,
    pub search_lag_events: Gauges<0>,
    pub jobs: Gauges<1>,
    pub oldest_due_job_seconds: Gauges<0>,
    pub periodic_success_age_seconds: Gauges<1>,
    pub periodic_failing: Gauges<1>,
}

impl Looks {
    /// What only the database knows is absent while it is away; yesterday's number would say that all is well.
    pub fn forget(&self) {
        self.database_up.set(0);
        for gauges in [
            &self.log_position,
            &self.log_unstamped,
            &self.log_lag_seconds,
            &self.search_lag_events,
            &self.oldest_due_job_seconds,
        ] {
            gauges.clear();
        }
        for gauges in [&self.jobs, &self.periodic_success_age_seconds, &self.periodic_failing] {
            gauges.clear();
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS_SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("tributary"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            operations: Family::default(),
            track_events: Family::default(),
            recorded: Family::default(),
            job_runs: Family::default(),
            subscribers: Gauge::default(),
            looks: Looks::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let build: Gauges<1> = Family::default();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        build.get_or_create(&[("version", version)]).set(1);
        let registry = &mut self.registry;
        registry.register("build_info", "Always 1; the version is the label", build);
        registry.register("http_requests", "Requests answered", self.requests.clone());
        let help = "Seconds until the head of the answer";
        registry.register("http_request_seconds", help, self.request_seconds.clone());
        let help = "GraphQL operations answered, and subscriptions opened";
        registry.register("graphql_operations", help, self.operations.clone());
        registry.register(
            "track_events",
            "Events under /track answered",
            self.track_events.clone(),
        );
        let help = "Conversions recorded by this process, through whatever door";
        registry.register("conversions_recorded", help, self.recorded.clone());
        registry.register(
            "job_runs",
            "Runs of jobs that ended in this process",
            self.job_runs.clone(),
        );
        registry.register("feed_subscribers", "Open subscriptions", self.subscribers.clone());
        let looks = &self.looks;
        registry.register("database_up", "1 when the database answers", looks.database_up.clone());
        let help = "Connections of this process's pools";
        registry.register("database_connections", help, looks.database_connections.clone());
        registry.register("clicks_waiting", "Clicks not written yet", looks.clicks_waiting.clone());
        registry.register(
            "log_position",
            "Newest position of the event log",
            looks.log_position.clone(),
        );
        let help = "Committed events without a position, counted up to 10,000";
        registry.register("log_unstamped", help, looks.log_unstamped.clone());
        let help = "Age in seconds of the oldest event without a position";
        registry.register("log_lag_seconds", help, looks.log_lag_seconds.clone());
        let help = "Events of the log that search does not know yet, this process's or the shared one; absent until its index is built";
        registry.register("search_lag_events", help, looks.search_lag_events.clone());
        registry.register("jobs", "Jobs by state", looks.jobs.clone());
        let help = "How long in seconds the job has been due that waits longest";
        registry.register("jobs_oldest_due_seconds", help, looks.oldest_due_job_seconds.clone());
        let help = "How long in seconds ago it last went well";
        let ages = looks.periodic_success_age_seconds.clone();
        registry.register("periodic_last_success_age_seconds", help, ages);
        let help = "1 when the last run failed";
        registry.register("periodic_failing", help, looks.periodic_failing.clone());
    }

    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.request_seconds
            .get_or_create(&[("route", route.clone())])
            .observe(took.as_secs_f64());
        let method = match method {
            "GET" | "HEAD" | "POST" | "OPTIONS" => method,
            _ => "other",
        };
        let labels = [
            ("method", method.to_owned()),
            ("route", route.clone()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
        if let Some(door) = route.strip_prefix("/track/") {
            let outcome = match status {
                201 => "recorded",
                200 => "replayed",
                422 => "refused",
                500.. => "failed",
                _ => "malformed",
            };
            let labels = [("door", door.to_owned()), ("outcome", outcome.to_owned())];
            self.track_events.get_or_create(&labels).inc();
        }
    }

    pub fn operation(&self, kind: &str, outcome: &str) {
        let labels = [("kind", kind.to_owned()), ("outcome", outcome.to_owned())];
        self.operations.get_or_create(&labels).inc();
    }

    pub fn recorded(&self, event: String) {
        self.recorded.get_or_create(&[("event", event)]).inc();
    }

    pub fn job_ran(&self, kind: &str, outcome: &str) {
        let labels = [("kind", kind.to_owned()), ("outcome", outcome.to_owned())];
        self.job_runs.get_or_create(&labels).inc();
    }

    /// A subscription is open for as long as this is kept.
    #[must_use]
    pub fn subscribe(&self) -> Subscribed {
        self.subscribers.inc();
        Subscribed(self.subscribers.clone())
    }

    /// Everything, in the text format of Prometheus.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

pub struct Subscribed(Gauge);

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.0.dec();
    }
}
