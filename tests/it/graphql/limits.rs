//! What costs too much is refused before it costs anything, at every door.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code},
    app::with_app,
    database::Database,
};

/// Refusing takes microseconds; running the document would take gigabytes.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The introspection query that tools send, as graphql-js writes it.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } }
} }
fragment FullType on __Type {
    kind name description
    fields(includeDeprecated: true) {
        name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
    }
    inputFields { ...InputValue }
    interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Fragments that spread each other twice: a kilobyte that stands for 2³⁰ fields.
fn exponential() -> String {
    const DEPTH: u32 = 30;
    let mut document = "{ ...F0 }".to_owned();
    for level in 0..DEPTH {
        let next = level + 1;
        document += &format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}");
    }
    document + &format!(" fragment F{DEPTH} on Query {{ __typename }}")
}

/// The same by aliases, which no merging of equal fields could save.
fn exponential_fields() -> String {
    const DEPTH: u32 = 30;
    let mut document = "{ ...F0 }".to_owned();
    for level in 0..DEPTH {
        let next = level + 1;
        document += &format!(
            " fragment F{level} on Query {{ a: __schema {{ queryType {{ name }} }} ...F{next} b: __typename ...F{next} }}"
        );
    }
    document + &format!(" fragment F{DEPTH} on Query {{ __typename }}")
}

fn deep() -> String {
    const DEPTH: usize = 40;
    format!(
        "{{ __type(name: \"Query\") {{ {} name {} }} }}",
        "ofType { ".repeat(DEPTH),
        "}".repeat(DEPTH)
    )
}

#[rstest]
#[case::fragments(exponential())]
#[case::fields(exponential_fields())]
#[case::depth(deep())]
#[tokio::test]
async fn refuses_over_http(
    #[case] document: String,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let started = Instant::now();
        let answer = app.graphql(None, &document, json!({})).await;
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        assert_eq!(error_code(&answer), "QUERY_TOO_COMPLEX");
    })
    .await;
}

#[rstest]
#[case::fragments(exponential())]
#[case::fields(exponential_fields())]
#[case::depth(deep())]
#[tokio::test]
async fn refuses_over_a_socket(
    #[case] document: String,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(None).await;
        let started = Instant::now();
        socket.subscribe("1", &document, json!({})).await;
        let message = socket.next().await;
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        assert_eq!(message["type"], "error", "{message:#}");
        assert_eq!(message["id"], "1");
        let answer = json!({ "errors": message["payload"] });
        assert_eq!(error_code(&answer), "QUERY_TOO_COMPLEX");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn lets_tools_read_the_schema(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let answer = app.graphql(Some(&ada.token), INTROSPECTION, json!({})).await;
        let types = data_at(&answer, "__schema.types");
        assert!(types.as_array().is_some_and(|types: &Vec<Value>| types.len() > 20));
    })
    .await;
}
