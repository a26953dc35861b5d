//! The README's tour, run block by block as a reader would paste it, and compared with what the README says it prints.

use std::{fs, path::Path, process::Command};

use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::support::{app::with_app, database::Database};

/// What the README's blocks talk to.
const ADDRESS: &str = "http://127.0.0.1:4000";
const MARK: &str = "=== next block ===";

/// A fenced block: what stands behind the fence, and the text.
struct Block {
    info: String,
    text: String,
}

/// The fenced blocks between the tour's heading and the next one.
fn tour() -> Vec<Block> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let tour = readme
        .split("\n## ")
        .find(|section| section.starts_with("A ten-minute tour"))
        .unwrap();
    tour.split("\n```")
        .skip(1)
        .step_by(2)
        .map(|block| {
            let (info, text) = block.split_once('\n').unwrap_or((block, ""));
            Block {
                info: info.to_owned(),
                text: text.to_owned(),
            }
        })
        .collect()
}

/// One script of all blocks. The feed runs beside the others; its output is printed last.
fn script(blocks: &[Block], address: &str) -> String {
    let mut script = String::from("set -u\n");
    for block in blocks {
        match block.info.as_str() {
            "bash" => script.push_str(&format!("{}\necho '{MARK}'\n", block.text)),
            // Long enough to be subscribed before anything happens, and ended with the script.
            "bash feed" => script.push_str(&format!(
                "({}\n) > feed.out 2> feed.err &\nFEED=$!\nsleep 1\n",
                block.text
            )),
            _ => {}
        }
    }
    script.push_str("for _ in $(seq 50); do [ \"$(wc -l < feed.out)\" -ge 3 ] && break; sleep 0.1; done\n");
    script.push_str("pkill -P $FEED; cat feed.out\n");
    script.replace(ADDRESS, address)
}

fn has(tool: &str) -> bool {
    Command::new(tool)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

#[rstest]
#[tokio::test]
async fn the_tour_prints_what_the_readme_says(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    if !["bash", "curl", "jq", "pkill"].iter().all(|tool| has(tool)) {
        eprintln!("the README's tour needs bash, curl, jq and pkill: it was not run");
        return;
    }
    with_app(database, |app| async move {
        let stop = CancellationToken::new();
        let relay = tokio::spawn(tributary::outbox::relay::run(app.app.clone(), stop.clone()));
        let indexing = tokio::spawn(tributary::marketplace::indexing::run(app.app.clone(), stop.clone()));
        let served = app.serve().await;
        let blocks = tour();
        let script = script(&blocks, &format!("http://{}", served.address));
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().to_owned();
        // Off this thread, which serves the script's requests.
        let output = tokio::task::spawn_blocking(move || {
            Command::new("bash")
                .arg("-c")
                .arg(script)
                .current_dir(here)
                .output()
                .unwrap()
        })
        .await
        .unwrap();
        stop.cancel();
        relay.await.unwrap();
        indexing.await.unwrap();

        let printed = String::from_utf8(output.stdout).unwrap();
        let mark = format!("{MARK}\n");
        let mut printed = printed.split(mark.as_str());
        let mut checked = 0;
        let mut blocks = blocks.iter().peekable();
        let mut feed = String::new();
        while let Some(block) = blocks.next() {
            match block.info.as_str() {
                "bash" => {
                    let got = printed.next().unwrap().trim_end();
                    let expected = blocks
                        .peek()
                        .filter(|next| next.info == "text")
                        .map_or("", |next| next.text.trim_end());
                    assert_eq!(
                        got,
                        expected,
                        "after\n{}\n{}",
                        block.text,
                        String::from_utf8_lossy(&output.stderr)
                    );
                    checked += 1;
                }
                "text feed" => feed = block.text.trim_end().to_owned(),
                _ => {}
            }
        }
        assert_eq!(printed.next().unwrap().trim_end(), feed, "the feed");
        assert!(checked >= 9, "only {checked} blocks were found");
    })
    .await;
}
