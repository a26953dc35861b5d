//! What a brand reads of what happened in it.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Market, merged},
};

const LOG: &str = "query ($id: ID!, $where: AuditLogWhere, $first: Int, $after: String) {
    brand(id: $id) { auditLog(where: $where, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { id occurredAt action actor { kind actorId name apiKey { id name } } subjectId
            subject { __typename id } fromState toState reason } } } }";

async fn log(app: &TestApp, market: &Market, variables: Value) -> Value {
    let variables = merged(json!({ "id": market.brand.id }), variables);
    app.graphql_ok(Some(&market.owner.token), LOG, variables, "brand.auditLog")
        .await
}

async fn actions(app: &TestApp, market: &Market, filter: Value) -> Vec<String> {
    let log = log(app, market, json!({ "where": filter, "first": 100 })).await;
    let nodes = log["nodes"].as_array().unwrap();
    assert_eq!(log["totalCount"], nodes.len());
    nodes.iter().map(|node| text(node, "action")).collect()
}

#[rstest]
#[tokio::test]
async fn the_log_says_who_did_what_to_what_when_and_why(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let owner = &market.owner;
        let promoter = app.promoter(&market, "promoter", None).await;
        let input = json!({ "id": market.program.id, "reason": "  stock is out " });
        app.done(owner, "pauseProgram", input, "program { state }").await;
        let input = json!({ "partnershipId": promoter.partnership });
        app.done(&promoter.user, "leaveProgram", input, "partnership { state }")
            .await;
        let input = json!({ "id": promoter.partnership, "reason": "SPAM", "note": "two mails an hour" });
        app.done(owner, "banPartnership", input, "partnership { state }").await;

        let newest = log(&app, &market, json!({ "first": 3 })).await;
        let person = |user: &str, name: &str| json!({ "kind": "USER", "actorId": user, "name": name, "apiKey": null });
        let partnership = json!({ "__typename": "Partnership", "id": promoter.partnership });
        let wanted = json!([
            {
                "action": "partnership.banned", "actor": person(&owner.id, "aurora-owner"),
                "subjectId": promoter.partnership, "subject": partnership,
                "fromState": "ENDED", "toState": "BANNED", "reason": "SPAM: two mails an hour",
            },
            {
                "action": "partnership.left", "actor": person(&promoter.user.id, "promoter"),
                "subjectId": promoter.partnership, "subject": partnership,
                "fromState": "ACTIVE", "toState": "ENDED", "reason": null,
            },
            {
                "action": "program.paused", "actor": person(&owner.id, "aurora-owner"),
                "subjectId": market.program.id, "subject": { "__typename": "Program", "id": market.program.id },
                "fromState": "ACTIVE", "toState": "PAUSED", "reason": "stock is out",
            },
        ]);
        let mut nodes = newest["nodes"].clone();
        for node in nodes.as_array_mut().unwrap() {
            let node = node.as_object_mut().unwrap();
            let at: chrono::DateTime<chrono::Utc> = node["occurredAt"].as_str().unwrap().parse().unwrap();
            assert_eq!(at, app.now());
            assert!(node["id"].as_str().unwrap().starts_with("audit_"));
            node.remove("occurredAt");
            node.remove("id");
        }
        assert_eq!(nodes, wanted);
        assert!(!newest.to_string().contains("@example.org"), "no addresses: {newest:#}");

        // Page by page, without gap or repetition.
        let all = actions(&app, &market, json!({})).await;
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = log(&app, &market, json!({ "first": 4, "after": after })).await;
            seen.extend(
                page["nodes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|node| text(node, "action")),
            );
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, all);
        assert_eq!(seen.last().unwrap(), "brand.created");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_key_and_the_system_are_actors_with_names(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let settings = json!({ "autoApproveCommissions": true });
        let market = app.market_with("aurora", settings).await;
        let promoter = app.promoter(&market, "promoter", None).await;
        app.code(&promoter, "CODE", json!({})).await;
        app.sale(&market, "A-1", "100.00", json!({ "promoCodes": ["CODE"] }))
            .await;
        let amend = json!({ "orderId": "A-1", "amount": "90.00", "currency": "EUR" });
        app.track(&market.key.secret, "amend", "amend", amend).await;
        tributary::jobs::approve_due::approve_due(&app.app).await.unwrap();

        let amended = log(&app, &market, json!({ "where": { "actorKind": "API_KEY" } })).await;
        let key = json!({ "id": market.key.id, "name": "test" });
        let actor = json!({ "kind": "API_KEY", "actorId": market.key.id, "name": "test", "apiKey": key });
        assert_eq!(amended["nodes"][0]["actor"], actor);
        assert_eq!(amended["nodes"][0]["action"], "order.amended");
        assert_eq!(
            actions(&app, &market, json!({ "actorId": market.key.id })).await,
            ["order.amended"]
        );
        let approved = log(&app, &market, json!({ "where": { "actorKind": "SYSTEM" } })).await;
        let actor = json!({ "kind": "SYSTEM", "actorId": null, "name": "Tributary", "apiKey": null });
        assert_eq!(approved["nodes"][0]["actor"], actor);
        assert_eq!(approved["nodes"][0]["action"], "conversion.approved");
        assert_eq!(approved["totalCount"], 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_log_is_narrowed_by_everything_it_says(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut market = app.market("aurora").await;
        let program = json!({ "id": market.program.id });
        app.advance_days(1, [&mut market.owner]).await;
        let owner = market.owner.clone();
        let day = app.now();
        app.done(&owner, "pauseProgram", program.clone(), "program { id }")
            .await;
        app.done(&owner, "activateProgram", program, "program { id }").await;
        let of_program = [
            "program.activated",
            "program.paused",
            "program.activated",
            "program.created",
        ];
        assert_eq!(
            actions(&app, &market, json!({ "subjectId": market.program.id })).await,
            of_program
        );
        assert_eq!(
            actions(&app, &market, json!({ "subjectKind": "PROGRAM" })).await,
            of_program
        );
        let one = json!({ "action": { "eq": "program.paused" } });
        assert_eq!(actions(&app, &market, one).await, ["program.paused"]);
        let some = json!({ "action": { "in": ["program.paused", "listing.published"] } });
        assert_eq!(
            actions(&app, &market, some).await,
            ["program.paused", "listing.published"]
        );
        let both = json!({ "action": { "eq": "program.paused", "in": ["listing.published"] } });
        assert!(actions(&app, &market, both).await.is_empty());
        let today = json!({ "occurredAt": { "from": day } });
        assert_eq!(
            actions(&app, &market, today).await,
            ["program.activated", "program.paused"]
        );
        let before = json!({ "occurredAt": { "until": day }, "subjectKind": "PROGRAM" });
        assert_eq!(
            actions(&app, &market, before).await,
            ["program.activated", "program.created"]
        );
        let stretch = json!({ "occurredAt": { "from": day, "until": day + TimeDelta::seconds(1) } });
        assert_eq!(actions(&app, &market, stretch).await.len(), 2);
        let nobody = app.sign_up("nobody").await;
        assert!(actions(&app, &market, json!({ "actorId": nobody.id })).await.is_empty());
        let mine = json!({ "actorId": owner.id, "subjectKind": "API_KEY" });
        assert_eq!(actions(&app, &market, mine).await, ["api_key.created"]);

        for (filter, field) in [
            (json!({ "subjectId": "nonsense" }), "where.subjectId"),
            (json!({ "actorId": market.program.id }), "where.actorId"),
            (json!({ "action": { "in": vec!["a"; 21] } }), "where.action.in"),
            (json!({ "action": { "eq": "a".repeat(101) } }), "where.action"),
        ] {
            let variables = json!({ "id": market.brand.id, "where": filter });
            let answer = app.graphql(Some(&owner.token), LOG, variables).await;
            assert_eq!(error_code(&answer), "BAD_USER_INPUT");
            assert_eq!(answer["errors"][0]["extensions"]["field"], field);
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn nobody_reads_another_brands_log(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let other = app.market("borealis").await;
        let wanted = json!({ "where": { "subjectId": other.program.id } });
        assert!(actions(&app, &market, wanted["where"].clone()).await.is_empty());
        let all = log(&app, &market, json!({ "first": 100 })).await.to_string();
        for id in [&other.brand.id, &other.program.id, &other.owner.id, &other.key.id] {
            assert!(!all.contains(id.as_str()), "{id}");
        }
        let stranger = app
            .graphql(Some(&other.owner.token), LOG, json!({ "id": market.brand.id }))
            .await;
        assert_eq!(error_code(&stranger), "NOT_FOUND");
        let entry = log(&app, &market, json!({ "first": 1 })).await["nodes"][0]["id"].clone();
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        let answer = app
            .graphql(Some(&other.owner.token), node, json!({ "id": entry }))
            .await;
        assert_eq!(data_at(&answer, "node"), Value::Null);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_page_of_the_log_costs_a_few_statements(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        for n in 0..4 {
            let promoter = app.promoter(&market, &format!("promoter{n}"), None).await;
            app.code(&promoter, &format!("CODE{n}"), json!({})).await;
            app.link(&promoter).await;
        }
        let mut counts = [0; 2];
        for (count, size) in counts.iter_mut().zip([4, 20]) {
            *count = app
                .count_statements(async || {
                    let page = log(&app, &market, json!({ "first": size })).await;
                    assert_eq!(page["nodes"].as_array().unwrap().len(), size);
                })
                .await;
        }
        // Who asks, the page, the whole, and one for each kind of actor and subject on it, whatever their number.
        assert!(counts[0].abs_diff(counts[1]) <= 4, "{counts:?}");
        assert!(counts.iter().all(|count| *count <= 16), "{counts:?}");
    })
    .await;
}
