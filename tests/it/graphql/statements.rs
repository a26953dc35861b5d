//! A page costs the same number of SQL statements whatever its size.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
    marketplace::merged,
};

/// Statements of one query for pages of both sizes, which must be full.
async fn measure(app: &TestApp, token: Option<&str>, query: &str, variables: Value, list: &str) -> [u64; 2] {
    let mut counts = [0; 2];
    for (count, size) in counts.iter_mut().zip([2, 20]) {
        let variables = merged(variables.clone(), json!({ "first": size }));
        *count = app
            .count_statements(async || {
                let nodes = app.graphql_ok(token, query, variables, list).await;
                assert_eq!(nodes.as_array().unwrap().len(), size);
            })
            .await;
    }
    counts
}

/// The size of the page does not matter. Loads of the same kind from two places of the query share a statement when they
/// meet, which is a matter of time: one or two statements more or less mean nothing, eighteen rows more would.
#[track_caller]
fn assert_flat(counts: [u64; 2], bound: u64) {
    assert!(counts[0].abs_diff(counts[1]) <= 2, "{counts:?}");
    assert!(counts.iter().all(|count| *count <= bound), "{counts:?}");
}

#[rstest]
#[tokio::test]
async fn a_page_of_listings_costs_a_few_statements(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        for n in 0..4 {
            let owner = app.sign_up(&format!("owner{n}")).await;
            let brand = app.brand(&owner, &format!("brand{n}")).await;
            for m in 0..5 {
                app.program(&owner, &brand.id, &format!("Program {m}"), json!({})).await;
            }
        }
        app.index().await;
        let query = "query ($first: Int) { marketplaceListings(first: $first) { totalCount nodes { title
            brand { name } program { name terms { version }
                commissionRules { event percent } referralLevels { level } } } } }";
        let counts = measure(&app, None, query, json!({}), "marketplaceListings.nodes").await;
        println!("{database:?}: statements of a page of listings: {counts:?}");
        assert_flat(counts, 8);
        // What a card in a list shows: the listings, their brands, their programs, how these do.
        let card =
            "query ($first: Int) { marketplaceListings(first: $first) { totalCount facets { categories { count } }
            edges { node { title category publishedAt brand { name } program { name holdDays } trust { conversionRate { percent } } } } } }";
        let counts = measure(&app, None, card, json!({}), "marketplaceListings.edges").await;
        assert_eq!(counts, [4, 4]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_page_of_conversions_costs_a_few_statements(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        for n in 0..4 {
            let seller = app.promoter(&market, &format!("seller{n}"), Some(&top)).await;
            app.code(&seller, &format!("SELLER{n}"), json!({})).await;
        }
        for n in 0..20 {
            let evidence = json!({ "customerId": format!("c{n}"), "promoCodes": [format!("SELLER{}", n % 4)] });
            app.sale(&market, &format!("A-{n}"), "10.00", evidence).await;
        }
        let query = "query ($id: ID!, $first: Int) { brand(id: $id) { conversions(first: $first) { totalCount nodes {
            id program { name } order { externalId refunds { amount { amount } } } customer { externalId }
            attribution { partnership { partner { handle } } touches { outcome explanation partnership { id } } }
            commissions { level amount { amount } partnership { partner { handle } } } } } } }";
        let variables = json!({ "id": market.brand.id });
        let token = Some(market.owner.token.as_str());
        let counts = measure(&app, token, query, variables, "brand.conversions.nodes").await;
        println!("{database:?}: statements of a page of conversions: {counts:?}");
        assert_flat(counts, 18);
    })
    .await;
}
