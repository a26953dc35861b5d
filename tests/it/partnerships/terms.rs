//! Which version of a program's terms a partner accepted, when, and who said so.

use chrono::TimeDelta;
use entity::terms_acceptance;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{
    answer::{refusal, user_errors},
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Market, Promoter},
};

const ACCEPTED: &str = "hasAcceptedCurrentTerms acceptedTerms {
    version acceptedAt acceptedBy clientAddress terms { version body } }";

async fn publish(app: &TestApp, market: &Market, text: &str) {
    let input = json!({ "id": market.program.id, "patch": { "terms": text } });
    app.done(&market.owner, "updateProgram", input, "program { id }").await;
}

async fn accept(app: &TestApp, promoter: &Promoter, version: i32) -> Value {
    let input = json!({ "partnershipId": promoter.partnership, "version": version });
    let selection = format!("partnership {{ {ACCEPTED} }}");
    app.mutation(Some(&promoter.user.token), "acceptProgramTerms", input, &selection)
        .await
}

async fn accepted(app: &TestApp, token: &str, promoter: &Promoter) -> Value {
    let query = format!(
        "query ($id: ID!) {{ node(id: $id) {{ ... on Partnership {{ {ACCEPTED}
            termsAcceptances {{ totalCount nodes {{ version }} }} }} }} }}"
    );
    app.graphql_ok(Some(token), &query, json!({ "id": promoter.partnership }), "node")
        .await
}

/// Rows kept so far.
async fn kept(app: &TestApp) -> u64 {
    terms_acceptance::Entity::find().count(app.db()).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_partner_accepts_as_it_applies_and_again_when_the_terms_change(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let joined = app.now();
        let first = accepted(&app, &market.owner.token, &promoter).await;
        assert_eq!(first["hasAcceptedCurrentTerms"], true);
        let acceptance = &first["acceptedTerms"];
        assert_eq!(acceptance["version"], 1);
        assert_eq!(acceptance["acceptedBy"], "promoter");
        assert_eq!(acceptance["terms"], json!({ "version": 1, "body": "be fair" }));
        let address = acceptance["clientAddress"].clone();
        assert!(address.is_string(), "{first:#}");
        let at: chrono::DateTime<chrono::Utc> = acceptance["acceptedAt"].as_str().unwrap().parse().unwrap();
        assert_eq!(at, joined);

        publish(&app, &market, "be fairer").await;
        let open = accepted(&app, &promoter.user.token, &promoter).await;
        assert_eq!(open["hasAcceptedCurrentTerms"], false);
        assert_eq!(open["acceptedTerms"]["version"], 1, "the old ones hold until then");

        let stale = accept(&app, &promoter, 1).await;
        assert_eq!(refusal(&stale), "TERMS_OUTDATED");
        let error = user_errors(&stale)[0].clone();
        assert_eq!(error["message"], "the current version of the terms is 2");
        assert_eq!(error["field"], json!(["version"]));
        assert_eq!(kept(&app).await, 1);

        app.advance(TimeDelta::minutes(5));
        let now = accept(&app, &promoter, 2).await["data"]["acceptProgramTerms"]["partnership"].clone();
        assert_eq!(now["hasAcceptedCurrentTerms"], true);
        assert_eq!(now["acceptedTerms"]["version"], 2);
        let before = app.digest().await;
        app.advance(TimeDelta::minutes(5));
        let again = accept(&app, &promoter, 2).await["data"]["acceptProgramTerms"]["partnership"].clone();
        assert_eq!(again, now, "the first time counts");
        assert_eq!(app.digest().await, before);

        let all = accepted(&app, &market.owner.token, &promoter).await;
        let versions = json!({ "totalCount": 2, "nodes": [{ "version": 2 }, { "version": 1 }] });
        assert_eq!(all["termsAcceptances"], versions);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_same_text_is_no_new_version_and_a_new_one_is_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        publish(&app, &market, " be fair ").await;
        let same = accepted(&app, &market.owner.token, &promoter).await;
        assert_eq!(same["hasAcceptedCurrentTerms"], true);
        publish(&app, &market, "be fairer").await;
        accept(&app, &promoter, 2).await;
        let query = "query ($id: ID!, $any: [String!]) { brand(id: $id) { auditLog(where: { action: { in: $any } }) {
            nodes { action subjectId fromState toState actor { name } } } } }";
        let any = ["program.terms_published", "partnership.terms_accepted"];
        let variables = json!({ "id": market.brand.id, "any": any });
        let told = app
            .graphql_ok(Some(&market.owner.token), query, variables, "brand.auditLog.nodes")
            .await;
        let wanted = json!([
            {
                "action": "partnership.terms_accepted", "subjectId": promoter.partnership, "fromState": null,
                "toState": "2", "actor": { "name": "promoter" },
            },
            {
                "action": "program.terms_published", "subjectId": market.program.id, "fromState": "1", "toState": "2",
                "actor": { "name": "aurora-owner" },
            },
        ]);
        assert_eq!(told, wanted);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn applying_takes_the_current_version(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        publish(&app, &market, "be fairer").await;
        let user = app.sign_up("asking").await;
        let partner = app.partner(&user, "asking").await;
        let apply = async |version: i32| {
            let input = json!({
                "partnerId": partner.id, "programId": market.program.id, "message": "hello",
                "acceptedTermsVersion": version,
            });
            app.mutation(
                Some(&user.token),
                "applyToProgram",
                input,
                "application { id terms { version } }",
            )
            .await
        };
        let before = app.digest().await;
        for version in [0, 1, 3] {
            let stale = apply(version).await;
            assert_eq!(refusal(&stale), "TERMS_OUTDATED");
            let error = user_errors(&stale)[0].clone();
            assert_eq!(error["message"], "the current version of the terms is 2");
            assert_eq!(error["field"], json!(["acceptedTermsVersion"]));
        }
        assert_eq!(app.digest().await, before);
        let applied = apply(2).await["data"]["applyToProgram"]["application"].clone();
        assert_eq!(applied["terms"]["version"], 2);
        assert_eq!(kept(&app).await, 1);
        // The same yes to the same text, once more: nothing is added.
        app.done(
            &user,
            "withdrawApplication",
            json!({ "id": applied["id"] }),
            "application { id }",
        )
        .await;
        assert_eq!(apply(2).await["data"]["applyToProgram"]["userErrors"], json!([]));
        assert_eq!(kept(&app).await, 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn there_is_nothing_to_accept_in_what_is_over(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        publish(&app, &market, "be fairer").await;
        let one = json!({ "partnershipId": promoter.partnership });
        app.done(&promoter.user, "leaveProgram", one, "partnership { id }")
            .await;
        let before = app.digest().await;
        let over = accept(&app, &promoter, 2).await;
        assert_eq!(refusal(&over), "PARTNERSHIP_OVER");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn where_it_was_accepted_from_is_for_the_partner_and_those_who_keep_the_log(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    use entity::brand_member::BrandRole;
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let sees = async |token: &str| {
            let seen = accepted(&app, token, &promoter).await["acceptedTerms"].clone();
            assert_eq!(seen["version"], 1);
            seen["clientAddress"].is_string()
        };
        assert!(sees(&promoter.user.token).await);
        for (role, may) in [(BrandRole::Admin, true), (BrandRole::Analyst, false)] {
            let user = app.sign_up(&format!("{role:?}").to_lowercase()).await;
            app.db_member(&market.brand.id, &user.id, role).await;
            assert_eq!(sees(&user.token).await, may, "{role:?}");
        }
        // A recruiter sees its recruit, but not what that accepted.
        app.promoter(&market, "recruit", Some(&promoter)).await;
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { recruits { nodes {
            state hasAcceptedCurrentTerms acceptedTerms { version } } } } } }";
        let variables = json!({ "id": promoter.partnership });
        let recruits = app
            .graphql_ok(Some(&promoter.user.token), query, variables, "node.recruits.nodes")
            .await;
        let unseen = json!({ "state": "ACTIVE", "hasAcceptedCurrentTerms": null, "acceptedTerms": null });
        assert_eq!(recruits, json!([unseen]));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_page_of_partnerships_with_their_terms_costs_a_few_statements(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        for n in 0..8 {
            app.promoter(&market, &format!("promoter{n}"), None).await;
        }
        let query = format!(
            "query ($id: ID!, $first: Int) {{ brand(id: $id) {{ partnerships(first: $first) {{
                nodes {{ {ACCEPTED} }} }} }} }}"
        );
        let mut counts = [0; 2];
        for (count, size) in counts.iter_mut().zip([2, 8]) {
            let variables = json!({ "id": market.brand.id, "first": size });
            *count = app
                .count_statements(async || {
                    let token = Some(market.owner.token.as_str());
                    let nodes = app
                        .graphql_ok(token, &query, variables, "brand.partnerships.nodes")
                        .await;
                    assert_eq!(nodes.as_array().unwrap().len(), size);
                })
                .await;
        }
        assert!(counts[0].abs_diff(counts[1]) <= 2, "{counts:?}");
        assert!(counts.iter().all(|count| *count <= 10), "{counts:?}");
    })
    .await;
}
