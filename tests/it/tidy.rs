//! Reads the sources, and fails where they leave the architecture: layers, panics, clocks and randomness, names. What no
//! longer fits on a page is listed, without failing.

mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

use source::{Finding, LONG_FUNCTION, Long, read};

/// Names that say nothing.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];
const SOURCES: [&str; 4] = ["api/src", "entity/src", "migration/src", "tests/it"];

const LONG_FILE: usize = 400;

/// A finding that stands, and why. Nothing is added here; an entry that finds nothing any more fails.
const ALLOWED: [(&str, &str, &str); 1] = [(
    "api/src/audit.rs",
    "names `accounts::actor::Actor`",
    "an audit row says who did it, and the actor is plain data",
)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files and folders below `folder`, from the root of the repository, in order.
fn walk(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: Vec<String> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    entries.sort();
    for name in entries {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}

fn is_empty_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    EMPTY_NAMES.contains(&stem)
}

#[test]
fn the_sources_keep_to_the_architecture() {
    let mut findings = Vec::new();
    for path in SOURCES.iter().flat_map(|folder| walk(folder)) {
        if is_empty_name(&path) {
            let what = "is named after nothing it holds".to_owned();
            findings.push(Finding {
                file: path.clone(),
                line: 0,
                what,
            });
        }
        if !path.ends_with(".rs") {
            continue;
        }
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let source = read(&path, &text);
        let lines = text.lines().count();
        if lines > LONG_FILE {
            println!("long file: {path} ({lines} lines)");
        }
        for Long { name, line, lines } in source.long {
            println!("long function: {path}:{line} {name} ({lines} lines)");
        }
        findings.extend(source.findings);
    }
    let allows =
        |(file, what, _): &(&str, &str, &str), finding: &Finding| finding.file == *file && finding.what == *what;
    let wrong: Vec<String> = findings
        .iter()
        .filter(|finding| !ALLOWED.iter().any(|allowed| allows(allowed, finding)))
        .map(|Finding { file, line, what }| format!("{file}:{line} {what}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let stale: Vec<_> = ALLOWED
        .iter()
        .filter(|allowed| !findings.iter().any(|finding| allows(allowed, finding)))
        .collect();
    assert!(stale.is_empty(), "allowed, but not there any more: {stale:#?}");
}

/// Crates cannot be named where they are no dependency; that they are none stands in the manifests.
#[test]
fn entity_and_migration_depend_on_nothing_of_ours() {
    for (crate_, others) in [
        ("entity", ["migration", "tributary"]),
        ("migration", ["entity", "tributary"]),
    ] {
        let manifest = fs::read_to_string(root().join(crate_).join("Cargo.toml")).unwrap();
        for other in others {
            assert!(
                !manifest
                    .lines()
                    .any(|line| line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} "))),
                "{crate_} depends on {other}"
            );
        }
    }
}

/// A check that finds nothing must be one that could.
#[test]
fn what_is_wrong_is_found() {
    for (file, text) in [
        (
            "api/src/programs/service.rs",
            "use crate::{app::App, payouts::service as payouts};",
        ),
        (
            "api/src/programs/rules.rs",
            "fn f() { crate::marketplace::rules::is_category(); }",
        ),
        (
            "api/src/partnerships/service/tree.rs",
            "use super::super::super::tracking::service;",
        ),
        ("api/src/programs/service.rs", "use crate::graphql::scalars::Url;"),
        ("api/src/ledger/post.rs", "use crate::payouts::service;"),
        ("api/src/infra/search.rs", "use crate::marketplace::rules;"),
        ("api/src/programs/queries.rs", "use sea_orm::EntityTrait;"),
        ("entity/src/brand.rs", "use migration::Migrator;"),
        ("migration/src/m1.rs", "fn f() { entity::brand::Entity; }"),
        ("api/src/page.rs", "fn f() { x.unwrap(); }"),
        ("api/src/page.rs", "fn f() { x.expect(\"it is there\"); }"),
        ("api/src/page.rs", "fn f() { x.map(Option::unwrap); }"),
        ("api/src/page.rs", "fn f() { println!(\"{}\", x.unwrap()); }"),
        ("api/src/page.rs", "fn f() { chrono::Utc::now(); }"),
        ("api/src/page.rs", "fn f() { Utc::now(); }"),
        ("api/src/page.rs", "use rand::RngCore;"),
        ("api/src/page.rs", "fn f() { vec![(rand::random(), 1)]; }"),
        ("api/src/page.rs", "fn f() { reqwest::get(1); }"),
    ] {
        let found = read(file, text).findings;
        assert_eq!(found.len(), 1, "{file}: {text}: {found:?}");
    }
    assert!(is_empty_name("api/src/utils") && is_empty_name("api/src/brands/helpers.rs"));
}

#[test]
fn what_is_right_is_not() {
    for (file, text) in [
        (
            "api/src/payouts/service.rs",
            "use crate::{ledger::post, programs::service, infra::search};",
        ),
        (
            "api/src/programs/types.rs",
            "use crate::{graphql::scalars::Url, payouts::types::Payout};",
        ),
        (
            "api/src/partnerships/service/tree.rs",
            "use super::{Code, super::rules};",
        ),
        ("api/src/http.rs", "use crate::{conversions::service, graphql::schema};"),
        ("api/src/ids.rs", "use rand::RngCore;"),
        ("api/src/infra/clock.rs", "fn f() { Utc::now(); }"),
        ("api/src/main.rs", "fn f() { x.unwrap(); }"),
        ("api/src/page.rs", "#[cfg(test)] mod tests { fn f() { x.unwrap(); } }"),
        ("api/src/page.rs", "fn f() { x.unwrap_or_default(); rand; }"),
        ("tests/it/readme.rs", "fn f() { x.unwrap(); }"),
    ] {
        assert_eq!(read(file, text).findings, [], "{file}: {text}");
    }
    assert!(!is_empty_name("api/src/utilities.rs") && !is_empty_name("tests/it/support"));
}

#[test]
fn long_functions_are_measured() {
    let body = "let _ = 1;\n".repeat(LONG_FUNCTION);
    let source = read(
        "api/src/page.rs",
        &format!("struct A;\nimpl A {{ fn long() {{\n{body}}} }}\nfn short() {{}}"),
    );
    let long: Vec<(String, usize, usize)> = source
        .long
        .into_iter()
        .map(|long| (long.name, long.line, long.lines))
        .collect();
    assert_eq!(long, [("long".to_owned(), 2, LONG_FUNCTION + 2)]);
}
