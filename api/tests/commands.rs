//! The program as a shell sees it. That this target exists also makes `cargo test` build the program, which the crash
//! tests start and kill.

use std::process::Command;

#[test]
fn schema_prints_the_contract() {
    let output = Command::new(env!("CARGO_BIN_EXE_tributary")).arg("schema").output();
    let contract = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql"));
    let (Ok(output), Ok(contract)) = (output, contract) else {
        panic!("the program does not start, or schema.graphql is not there");
    };
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), contract);
}
