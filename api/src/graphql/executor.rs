//! The one way into the schema, whatever the transport: guard, meter, execute, and answers that show nothing they
//! should not.

use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Request, Response, ServerError, parser::types::OperationType};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    accounts::actor::{Actor, Identity},
    app::App,
    error::ApiError,
    graphql::{
        context::{ClientAddress, loaders, uncached_loaders},
        cost::{Meter, Metering, Payer, Throttle, network_of},
        guard::{self, Checked, refuse, set_code},
        schema::{self, TributarySchema},
    },
};

/// Who asks, and what the log and the throttle call them.
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Actor,
    pub peer: Option<IpAddr>,
    pub request_id: Arc<str>,
}

/// Which operations a transport carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Queries: what may be fetched again, cached and prefetched.
    Get,
    /// Queries and mutations.
    Post,
    /// Everything: a connection that carries as many answers as there are.
    Stream,
}

/// How a request ended, as far as transports tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Fields were resolved; some of them may have failed.
    Executed,
    /// Refused before execution.
    Refused,
    /// A mutation where only queries are carried.
    WrongMethod,
    RateLimited {
        retry_after_seconds: i64,
    },
    /// A fault of ours.
    Failed,
}

/// A response that knows how it ended.
#[derive(Debug)]
pub struct Answer {
    pub response: Response,
    pub outcome: Outcome,
}

impl Answer {
    /// How the metrics call its outcome.
    fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Executed if self.response.errors.is_empty() => "done",
            Outcome::Executed if self.response.errors.iter().any(is_fault) => "failed",
            Outcome::Executed => "errors",
            Outcome::Refused | Outcome::WrongMethod => "refused",
            Outcome::RateLimited { .. } => "rate_limited",
            Outcome::Failed => "failed",
        }
    }
}

impl Serialize for Answer {
    /// As GraphQL over HTTP wants it: an answer to a request that was never executed has no `data`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.response.errors.is_empty() {
            map.serialize_entry("errors", &self.response.errors)?;
        }
        if self.outcome == Outcome::Executed {
            map.serialize_entry("data", &self.response.data)?;
        }
        map.serialize_entry("extensions", &self.response.extensions)?;
        map.end()
    }
}

/// The schema behind its guard. Clones share the schema and the throttle.
#[derive(Clone)]
pub struct Guarded {
    app: App,
    schema: TributarySchema,
    throttle: Arc<Throttle>,
}

impl Guarded {
    #[must_use]
    pub fn new(app: App) -> Self {
        Self::with_throttle(app, Throttle::default())
    }

    #[must_use]
    pub fn with_throttle(app: App, throttle: Throttle) -> Self {
        let mut builder = schema::builder().data(app.clone()).extension(Metering);
        // A configured secret is what tells a real installation from one to try things out on.
        if app.config.secret.is_some() {
            builder = builder.disable_suggestions();
        }
        Self {
            schema: builder.finish(),
            throttle: Arc::new(throttle),
            app,
        }
    }

    /// Answers a query or a mutation.
    pub async fn execute(&self, caller: &Caller, request: Request, door: Door) -> Answer {
        let meter = self.meter(caller);
        let (kind, answer) = match self.admit(caller, request, door, &meter) {
            Ok((request, operation)) => (kind_of(operation), self.run(caller, request, &meter).await),
            Err(answer) => (NEVER_RUN, *answer),
        };
        self.app.metrics.operation(kind, answer.word());
        answer
    }

    /// Answers any operation: one answer for a query or a mutation, as many as there are events for a subscription.
    /// A refusal is there at the first poll.
    pub fn execute_stream(&self, caller: Caller, request: Request) -> BoxStream<'static, Answer> {
        let meter = self.meter(&caller);
        match self.admit(&caller, request, Door::Stream, &meter) {
            Err(answer) => {
                self.app.metrics.operation(NEVER_RUN, answer.word());
                stream::iter([*answer]).boxed()
            }
            Ok((request, OperationType::Subscription)) => {
                self.app
                    .metrics
                    .operation(kind_of(OperationType::Subscription), "opened");
                let responses = AssertUnwindSafe(self.schema.execute_stream(request)).catch_unwind();
                responses
                    .map(move |response| match response {
                        Ok(response) => finish(&caller, &meter, response),
                        Err(_) => failed(&caller, &meter),
                    })
                    .boxed()
            }
            Ok((request, operation)) => {
                let guarded = self.clone();
                async move {
                    let answer = guarded.run(&caller, request, &meter).await;
                    guarded.app.metrics.operation(kind_of(operation), answer.word());
                    answer
                }
                .into_stream()
                .boxed()
            }
        }
    }

    /// The answer to a request that never became one: its body, its token or its headers were wrong.
    #[must_use]
    pub fn refuse(&self, caller: &Caller, error: ApiError) -> Answer {
        let error = async_graphql::Error::from(error);
        let mut refused = ServerError::new(error.message, None);
        refused.extensions = error.extensions;
        self.refused(caller, &self.meter(caller), refused)
    }

    fn meter(&self, caller: &Caller) -> Arc<Meter> {
        Arc::new(Meter::new(
            Arc::clone(&self.throttle),
            Payer::of(&caller.actor, caller.peer),
            self.app.clock.now(),
        ))
    }

    fn refused(&self, caller: &Caller, meter: &Meter, error: ServerError) -> Answer {
        finish(caller, meter, Response::from_errors(vec![error]))
    }

    /// Checks the document and equips the request with what resolvers reach for.
    fn admit(
        &self,
        caller: &Caller,
        mut request: Request,
        door: Door,
        meter: &Arc<Meter>,
    ) -> Result<(Request, OperationType), Box<Answer>> {
        let checked = guard::check(&mut request).map_err(|error| Box::new(self.refused(caller, meter, error)))?;
        if let Err(error) = self.check_carried(caller, &checked, door) {
            let mut answer = self.refused(caller, meter, error);
            if door == Door::Get && checked.operation != OperationType::Query {
                answer.outcome = Outcome::WrongMethod;
            }
            return Err(Box::new(answer));
        }
        let (app, actor) = (self.app.clone(), caller.actor.clone());
        let loaders = match checked.operation {
            OperationType::Subscription => uncached_loaders(app, actor),
            OperationType::Query | OperationType::Mutation => loaders(app, actor),
        };
        let request = request
            .data(caller.actor.clone())
            .data(ClientAddress(caller.peer.map(network_of)))
            .data(loaders)
            .data(Arc::clone(meter));
        Ok((request, checked.operation))
    }

    fn check_carried(&self, caller: &Caller, checked: &Checked, door: Door) -> Result<(), ServerError> {
        match (checked.operation, door) {
            (OperationType::Query, _)
            | (OperationType::Mutation, Door::Post | Door::Stream)
            | (OperationType::Subscription, Door::Stream) => {}
            (OperationType::Mutation, Door::Get) => {
                return Err(refuse("BAD_USER_INPUT", "send mutations by POST"));
            }
            (OperationType::Subscription, Door::Get | Door::Post) => {
                return Err(refuse(
                    "BAD_USER_INPUT",
                    "subscribe over a WebSocket with the protocol graphql-transport-ws, or accept text/event-stream",
                ));
            }
        }
        let closed = self.app.config.secret.is_some() && caller.actor.identity == Identity::Anonymous;
        if checked.introspects && closed {
            return Err(refuse(
                "UNAUTHENTICATED",
                "introspection is for signed-in callers; the schema is at /schema.graphql",
            ));
        }
        Ok(())
    }

    async fn run(&self, caller: &Caller, request: Request, meter: &Meter) -> Answer {
        match AssertUnwindSafe(self.schema.execute(request)).catch_unwind().await {
            Ok(response) => finish(caller, meter, response),
            Err(_) => failed(caller, meter),
        }
    }
}

/// What the metrics call the kind of what was refused before it had one.
const NEVER_RUN: &str = "none";

fn kind_of(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

fn is_fault(error: &ServerError) -> bool {
    let extensions = error.extensions.as_ref();
    extensions
        .and_then(|extensions| extensions.get("code"))
        .is_some_and(|code| *code == "INTERNAL_SERVER_ERROR".into())
}

/// The answer after a panic. What it said went to standard error with its place; here it gets the request's name.
fn failed(caller: &Caller, meter: &Meter) -> Answer {
    tracing::error!(request_id = %caller.request_id, "a resolver panicked");
    let error = refuse(
        "INTERNAL_SERVER_ERROR",
        ApiError::internal("a resolver panicked").public_message(),
    );
    Answer {
        outcome: Outcome::Failed,
        ..finish(caller, meter, Response::from_errors(vec![error]))
    }
}

/// Makes a response fit to leave: every error has a code and no source, faults carry the request's name, and the cost
/// stands beside the data.
fn finish(caller: &Caller, meter: &Meter, mut response: Response) -> Answer {
    for error in &mut response.errors {
        error.source = None;
        // What the library refuses after validation are values: of arguments, variables and the operation's name.
        set_code(error, "BAD_USER_INPUT");
        if is_fault(error)
            && let Some(extensions) = &mut error.extensions
        {
            extensions.set("requestId", &*caller.request_id);
        }
    }
    let outcome = if meter.executed() {
        Outcome::Executed
    } else if meter.limited() {
        Outcome::RateLimited {
            retry_after_seconds: meter.seconds_left(),
        }
    } else {
        Outcome::Refused
    };
    if outcome != Outcome::Executed {
        meter.charge_refused();
    }
    let cost = meter.report(&response.data);
    response.extensions.insert("cost".to_owned(), cost);
    Answer { response, outcome }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;
    use crate::{app::Parts, config::Config};

    /// What graphql-js asks with every option on.
    const INTROSPECTION: &str = "
        query IntrospectionQuery {
          __schema {
            description
            queryType { name } mutationType { name } subscriptionType { name }
            types { ...FullType }
            directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
          }
        }
        fragment FullType on __Type {
          kind name description specifiedByURL
          fields(includeDeprecated: true) {
            name description
            args(includeDeprecated: true) { ...InputValue }
            type { ...TypeRef } isDeprecated deprecationReason
          }
          inputFields(includeDeprecated: true) { ...InputValue }
          interfaces { ...TypeRef }
          enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
          possibleTypes { ...TypeRef }
        }
        fragment InputValue on __InputValue {
          name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
        }
        fragment TypeRef on __Type {
          kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
          ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
        }";

    struct Bench {
        guarded: Guarded,
        path: std::path::PathBuf,
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{suffix}", self.path.display()));
            }
        }
    }

    impl Bench {
        async fn new(secret: Option<&str>, limit: u64) -> Self {
            let parts = Parts::default();
            let name = format!("tributary-executor-{}.db", parts.ids.uuid(parts.clock.now()));
            let path = std::env::temp_dir().join(name);
            let mut config = Config::for_database(&format!("sqlite:{}", path.display()));
            config.secret = secret.map(str::to_owned);
            let app = App::start(config, parts).await.unwrap();
            let guarded = Guarded::with_throttle(app, Throttle::with_limit(limit));
            Self { guarded, path }
        }

        async fn ask(&self, query: &str) -> Answer {
            let caller = Caller {
                actor: Actor::anonymous(),
                peer: None,
                request_id: "test".into(),
            };
            self.guarded.execute(&caller, Request::new(query), Door::Post).await
        }
    }

    fn deep_introspection(depth: usize) -> String {
        let types = depth - 2;
        format!(
            "{{ __schema {{ types {}name{} }} }}",
            "{ ofType ".repeat(types - 1) + "{ ",
            " }".repeat(types)
        )
    }

    fn code(answer: &Answer) -> String {
        let extensions = answer
            .response
            .errors
            .first()
            .and_then(|error| error.extensions.as_ref());
        match extensions.and_then(|extensions| extensions.get("code")) {
            Some(Value::String(code)) => code.clone(),
            _ => String::new(),
        }
    }

    #[tokio::test]
    async fn every_answer_has_its_cost_and_every_error_its_code() {
        let bench = Bench::new(None, 1_000).await;
        let aliases: String = (0..16).map(|number| format!("a{number}: __typename ")).collect();
        let directives = "@skip(if: false) ".repeat(6);
        let member = "id role createdAt user { id email displayName createdAt }";
        let members = format!("members(first: 100) {{ edges {{ cursor node {{ {member} }} }} nodes {{ {member} }} }}");
        let too_much: String = (0..15).map(|number| format!("m{number}: {members} ")).collect();
        for (query, expected) in [
            ("{ __typename }", ""),
            (INTROSPECTION, ""),
            ("{ viewer { user { id } } }", "UNAUTHENTICATED"),
            ("{ brand(id: \"x\") { id } }", "BAD_USER_INPUT"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (&format!("{{ brand(id: \"x\") {{ {too_much} }} }}"), "QUERY_TOO_COMPLEX"),
            (&deep_introspection(16), ""),
            (&deep_introspection(17), "QUERY_TOO_COMPLEX"),
            ("{ nothing", "GRAPHQL_PARSE_FAILED"),
            (&format!("{{ {aliases} }}"), "QUERY_TOO_COMPLEX"),
            (&format!("{{ __typename {directives} }}"), "QUERY_TOO_COMPLEX"),
            ("subscription { a }", "BAD_USER_INPUT"),
        ] {
            let answer = bench.ask(query).await;
            assert_eq!(code(&answer), expected, "{query}: {:?}", answer.response.errors);
            let body = serde_json::to_value(&answer).unwrap();
            assert!(
                body["extensions"]["cost"]["requested"].as_u64() >= Some(1),
                "{query}: {body}"
            );
            assert!(body["extensions"]["cost"]["throttle"]["resetAt"].is_string());
            assert_eq!(
                body.get("data").is_some(),
                answer.outcome == Outcome::Executed,
                "{query}"
            );
        }
    }

    #[tokio::test]
    async fn spent_points_are_said_and_held() {
        let bench = Bench::new(None, 10).await;
        assert_eq!(bench.ask("{ __typename }").await.outcome, Outcome::Executed);
        let answer = bench.ask(INTROSPECTION).await;
        assert_eq!(code(&answer), "RATE_LIMITED");
        assert!(matches!(
            answer.outcome,
            Outcome::RateLimited {
                retry_after_seconds: 1..=60
            }
        ));
        assert_eq!(
            bench.ask("{ __typename }").await.outcome,
            Outcome::Executed,
            "what is left may be spent"
        );
    }

    #[tokio::test]
    async fn a_real_installation_does_not_explain_itself_to_strangers() {
        let bench = Bench::new(Some("0123456789abcdef0123456789abcdef"), 1_000).await;
        assert_eq!(code(&bench.ask(INTROSPECTION).await), "UNAUTHENTICATED");
        let answer = bench.ask("{ viewr }").await;
        assert!(!answer.response.errors[0].message.contains("Did you mean"));
    }

    #[test]
    fn the_contract_is_the_same_every_time() {
        assert_eq!(schema::sdl(), schema::sdl());
    }
}
