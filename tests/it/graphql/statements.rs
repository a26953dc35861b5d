//! A page costs the same number of SQL statements whatever its size.

use entity::{
    ids::{ListingId, ProgramId},
    listing,
};
use rstest::rstest;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QueryTrait, Statement,
};
use serde_json::{Value, json};
use tributary::marketplace::service::open_to_all;
use uuid::Uuid;

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

/// SQLite keeps no statistics here, and thought better of an index of states than of the ids.
#[tokio::test]
async fn listings_are_looked_up_by_their_ids() {
    with_app(Database::Sqlite, |app| async move {
        let two = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let open = || listing::Entity::find().filter(open_to_all());
        let by_id = || listing::Column::Id.is_in(two.map(ListingId));
        let by_program = listing::Column::ProgramId.is_in(two.map(ProgramId));
        let either = Condition::any().add(by_id()).add(by_program);
        let further = open().filter(listing::Column::Id.gt(ListingId(two[0])));
        for (select, wanted) in [
            (open().filter(by_id()), vec!["sqlite_autoindex_listings_1 (id=?)"]),
            (
                open().filter(either),
                vec![
                    "sqlite_autoindex_listings_1 (id=?)",
                    "listings_program_id (program_id=?)",
                ],
            ),
            (
                further.order_by_asc(listing::Column::Id),
                vec!["sqlite_autoindex_listings_1 (id>?)"],
            ),
        ] {
            let mut statement: Statement = select.build(DbBackend::Sqlite);
            statement.sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
            let rows = app.db().query_all_raw(statement).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
            let of_listings: Vec<&String> = steps.iter().filter(|step| step.contains("listings")).collect();
            assert_eq!(of_listings.len(), wanted.len(), "{steps:?}");
            for (step, wanted) in of_listings.iter().zip(wanted) {
                assert!(step.ends_with(wanted), "{steps:?}");
            }
        }
    })
    .await;
}
