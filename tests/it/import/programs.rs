//! Importing published programs: every line is a listing or has its reason, on both databases the same, and nothing new
//! comes of a second run.

use std::{
    fs,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use entity::{
    brand, brand_member, commission_rule, listing,
    program::{self, ProgramState},
    user,
};
use flate2::{Compression, write::GzEncoder};
use rstest::rstest;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tributary::import::{program_file, program_import, program_report::Report};

use super::path;
use crate::support::{
    app::{TestApp, with_app},
    builders::text,
    database::Database,
};

const FIND: &str = "query ($name: String!) {
    marketplaceListings(where: {text: $name}, first: 100) { nodes {
        title category brand { slug name currency } program {
            id name commissionNote attributionWindowDays currencies customerBinding customerBindingMonths destinationUrl
            commissionRules { event percent fixed { amount currency } } terms { version body } } } }
}";

/// Longer than any line may be.
const OVERLONG: usize = 70_000;

async fn import(app: &TestApp, file: &Path) -> Report {
    program_import::import(&app.app, file).await.unwrap()
}

/// The small file, zipped, with an overlong line at its end.
fn zipped() -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let mut zip = GzEncoder::new(file.as_file(), Compression::fast());
    zip.write_all(&fs::read(path("data/programs.jsonl")).unwrap()).unwrap();
    writeln!(zip, "{}", "x".repeat(OVERLONG)).unwrap();
    zip.finish().unwrap();
    file
}

/// Everything the marketplace finds for a name.
async fn find(app: &TestApp, name: &str) -> Vec<Value> {
    // Every question has its minute: what a caller may ask in one is limited.
    app.advance(TimeDelta::minutes(1));
    let nodes = app
        .graphql_ok(None, FIND, json!({ "name": name }), "marketplaceListings.nodes")
        .await;
    nodes.as_array().unwrap().clone()
}

async fn find_one(app: &TestApp, name: &str) -> Value {
    match find(app, name).await.as_slice() {
        [only] => only.clone(),
        found => panic!("one listing wanted for {name}: {found:#?}"),
    }
}

/// One brand has the handle of `occupied`, two have both of `besieged`.
async fn occupy_handles(app: &TestApp) {
    let owner = app.sign_up("squatter").await;
    app.brand(&owner, "occupied").await;
    for handle in program_file::handles("besieged") {
        app.brand(&owner, &handle).await;
    }
}

#[rstest]
#[tokio::test]
async fn every_line_becomes_a_listing_or_has_its_reason(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        occupy_handles(&app).await;
        let file = zipped();
        let report = import(&app, file.path()).await;
        for expected in [
            "Imported                              14\n",
            "  with a note, no rule                 8\n",
            "Completed                              0\n",
            "Already there                          0\n",
            "Refused                               17\n",
            "  MALFORMED_LINE                       3   ",
            "  LINE_TOO_LONG                        1   ",
            "  DUPLICATE_SLUG                       1   an earlier line has this slug; e.g. line 11 `north-kettle`",
            "  TEXT_INVALID                         1   ",
            "  URL_INVALID                          2   not an http or https address; e.g. line 13 `file:///etc/hosts`, line 14",
            "  CATEGORY_INVALID                     1   ",
            "  RATE_NOT_UNDERSTOOD                  1   ",
            "  COMMISSION_TYPE_NOT_UNDERSTOOD       1   one-time, recurring, tiered or hybrid; e.g. line 30 `mystery`",
            "  DURATION_NOT_UNDERSTOOD              1   ",
            "  CURRENCY_NOT_UNDERSTOOD              2   ",
            "  COOKIE_DAYS_OUT_OF_RANGE             1   ",
            "  PAYOUT_MINIMUM_INVALID               1   ",
            "  HANDLE_TAKEN                         1   every handle for this slug belongs to another brand; e.g. line 28",
        ] {
            assert!(report.table.contains(expected), "`{expected}` is not in\n{}", report.table);
        }
        assert_eq!(report.refused.len(), 17);
        assert!(report.refused[0].starts_with("line 8: MALFORMED_LINE: "), "{}", report.refused[0]);

        let before = app.digest().await;
        let again = import(&app, file.path()).await;
        assert!(again.table.contains("Imported                               0\n"), "{}", again.table);
        assert!(again.table.contains("Already there                         14\n"), "{}", again.table);
        assert_eq!(again.refused, report.refused);
        let after = app.digest().await;
        // The relay may renew its lease.
        let changed: Vec<&String> = after
            .iter()
            .filter(|(table, digest)| before.get(*table) != Some(digest))
            .map(|(table, _)| table)
            .collect();
        assert!(changed.iter().all(|table| *table == "leases"), "{changed:?} changed");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_listing_says_what_its_line_says(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        occupy_handles(&app).await;
        import(&app, &path("data/programs.jsonl")).await;

        let kettle = find_one(&app, "north kettle").await;
        assert_eq!(kettle["title"], "North Kettle: 20% for a sale");
        assert_eq!(kettle["category"], "food-drink");
        assert_eq!(kettle["brand"]["slug"], "north-kettle");
        let program = &kettle["program"];
        assert_eq!(program["attributionWindowDays"], 60);
        assert_eq!(program["customerBinding"], "MONTHS");
        assert_eq!(program["customerBindingMonths"], 12);
        assert_eq!(program["destinationUrl"], "https://north-kettle.example/");
        let rules = json!([{ "event": "SALE", "percent": "20", "fixed": null }]);
        assert_eq!(program["commissionRules"], rules);
        assert_eq!(program["terms"]["version"], 1);
        assert_eq!(
            program["terms"]["body"],
            "These are published facts about the program of North Kettle, imported from programs.jsonl. The brand has not \
             confirmed them; what counts is what it publishes itself.\n\n\
             Commission: 20%, recurring, 12 months\nCookie: 60 days\nApproval: manual\nPayouts from: 50 USD\n\
             Network: in-house\nPublished at: https://north-kettle.example/partners"
        );

        let lamps = find_one(&app, "11 lamps").await;
        let rules = json!([{ "event": "SALE", "percent": null, "fixed": { "amount": "1000.00", "currency": "USD" } }]);
        assert_eq!(lamps["program"]["commissionRules"], rules);
        assert_eq!(lamps["program"]["customerBinding"], "NEVER");
        assert_eq!(lamps["brand"]["slug"].as_str(), Some(program_file::handles("11-lamps")[0].as_str()));

        let cafe = find_one(&app, "cafe elan 50%").await;
        assert_eq!(cafe["program"]["commissionRules"][0]["percent"], "12.5");
        assert_eq!(cafe["program"]["currencies"], json!(["EUR"]));
        assert_eq!(cafe["brand"]["currency"], "EUR");

        assert_eq!(find_one(&app, "garden centre").await["program"]["customerBinding"], "FOREVER");
        // Recurring, but not for how long: nobody is bound.
        assert_eq!(find_one(&app, "quiet books").await["program"]["customerBinding"], "NEVER");
        let notes = [
            ("varies widely", "varies"),
            ("range rovers", "20-30%"),
            ("up to 60%", "up to 60%"),
            ("bare number", "20"),
            ("either or", "$75 or 20%"),
            ("nothing at all", "0%"),
            ("mixed", "20%, hybrid"),
            ("no cookie", "20%, cookie 0 days"),
        ];
        for (name, note) in notes {
            let found = find_one(&app, name).await;
            assert_eq!(found["program"]["commissionNote"], note);
            assert_eq!(found["program"]["commissionRules"], json!([]), "{name}: a note promises nothing");
            assert!(text(&found, "title").ends_with(&format!(": rate on request ({note})")));
        }
        assert_eq!(find_one(&app, "no cookie").await["program"]["attributionWindowDays"], 1);
        assert_eq!(kettle["program"]["commissionNote"], json!(null));
        let occupied = find_one(&app, "occupied").await;
        assert_eq!(occupied["brand"]["slug"].as_str(), Some(program_file::handles("occupied")[1].as_str()));
    })
    .await;
}

async fn counts(db: &DatabaseConnection) -> [u64; 6] {
    [
        user::Entity::find().count(db).await.unwrap(),
        brand::Entity::find().count(db).await.unwrap(),
        brand_member::Entity::find().count(db).await.unwrap(),
        program::Entity::find().count(db).await.unwrap(),
        commission_rule::Entity::find().count(db).await.unwrap(),
        listing::Entity::find().count(db).await.unwrap(),
    ]
}

/// As a crash between two services leaves it: one program without its listing, one without rule and activation.
#[rstest]
#[tokio::test]
async fn a_run_completes_what_another_left_half_made(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        import(&app, &path("data/programs.jsonl")).await;
        let whole = counts(app.db()).await;
        let programs = program::Entity::find()
            .order_by_asc(program::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        let halved = [programs[0].id, programs[1].id];
        let writer = app.db_writer();
        listing::Entity::delete_many()
            .filter(listing::Column::ProgramId.is_in(halved))
            .exec(writer)
            .await
            .unwrap();
        commission_rule::Entity::delete_many()
            .filter(commission_rule::Column::ProgramId.eq(halved[1]))
            .exec(writer)
            .await
            .unwrap();
        program::Entity::update(program::ActiveModel {
            id: Set(halved[1]),
            state: Set(ProgramState::Draft),
            ..Default::default()
        })
        .exec(writer)
        .await
        .unwrap();

        let report = import(&app, &path("data/programs.jsonl")).await;
        assert!(
            report.table.contains("Completed                              2\n"),
            "{}",
            report.table
        );
        assert_eq!(counts(app.db()).await, whole);
        for name in ["north kettle", "11 lamps"] {
            assert_eq!(
                find_one(&app, name).await["program"]["commissionRules"]
                    .as_array()
                    .unwrap()
                    .len(),
                1
            );
        }
    })
    .await;
}

/// The real file: both databases print the same, and the marketplace finds every program by its name.
#[tokio::test]
async fn real_programs_are_all_found_on_both_databases() {
    let source = path("../../shared/data/programs.jsonl.gz");
    if !source.exists() {
        eprintln!(
            "the real programs ({}) are not here: this test has nothing to import",
            source.display()
        );
        return;
    }
    let tables = Arc::new(Mutex::new(Vec::new()));
    for database in [Database::Sqlite, Database::Postgres] {
        let (file, tables) = (source.clone(), tables.clone());
        with_app(database, |app| async move {
            let report = import(&app, &file).await;
            let programs = program::Entity::find().all(app.db()).await.unwrap();
            let imported = format!("Imported{:>32}\n", programs.len());
            assert!(
                report.table.contains(&imported),
                "`{imported}` is not in\n{}",
                report.table
            );
            let lines = program_file::read(&file).unwrap().len();
            assert_eq!(programs.len() + report.refused.len(), lines);
            let mut on_request = 0;
            for program in &programs {
                let found = find(&app, &program.name).await;
                let Some(listing) = found
                    .iter()
                    .find(|listing| listing["program"]["id"] == program.id.to_string())
                else {
                    panic!("{} is not among {found:#?}", program.name);
                };
                let rules = listing["program"]["commissionRules"].as_array().unwrap();
                assert_ne!(rules.is_empty(), program.commission_note.is_none(), "{}", program.name);
                on_request += usize::from(rules.is_empty());
            }
            println!(
                "{database:?}: {} of {lines} lines found by name, {on_request} of them with their rate on request",
                programs.len()
            );
            let again = import(&app, &file).await;
            tables.lock().unwrap().push((report.table, again.table));
        })
        .await;
    }
    let tables = tables.lock().unwrap();
    assert!(tables.windows(2).all(|pair| pair[0] == pair[1]), "{tables:#?}");
}
