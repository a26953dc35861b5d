//! `schema.graphql` is the contract: it changes only on purpose.

use tributary::graphql::schema;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql");

#[test]
fn the_committed_schema_is_the_printed_one() {
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    let printed = schema::sdl();
    let printed: Vec<&str> = printed.trim_end().lines().collect();
    let committed: Vec<&str> = committed.trim_end().lines().collect();
    let first = printed
        .iter()
        .zip(&committed)
        .position(|(printed, committed)| printed != committed);
    let line = first.unwrap_or_else(|| printed.len().min(committed.len()));
    assert!(
        printed == committed,
        "schema.graphql differs from the code at line {}:\n  committed: {:?}\n  printed:   {:?}\nrun: cargo run -- schema > schema.graphql",
        line + 1,
        committed.get(line),
        printed.get(line),
    );
}
