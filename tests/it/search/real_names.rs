//! How well the names of real programs are found with one typo. Needs the published data beside the repository.

use rstest::rstest;
use tributary::{
    import::program_import,
    infra::search::{Index, Query, Text, words},
};

use super::engines::Engine;
use crate::support::{app::with_engine, database::Database};

const SOURCE: &str = "../../shared/data/programs.jsonl.gz";
/// Of a hundred names, how many must be among the first three.
const WANTED_PERCENT: usize = 95;

/// What a hand does wrong.
#[derive(Clone, Copy, Debug)]
enum Typo {
    LeftOut,
    Doubled,
    Swapped,
    Another,
}

const TYPOS: [Typo; 4] = [Typo::LeftOut, Typo::Doubled, Typo::Swapped, Typo::Another];

impl Typo {
    /// The word with the typo in a letter that is not its first; the same one in every run.
    fn made_in(self, word: &str) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let place = 1 + word.bytes().map(usize::from).sum::<usize>() % (letters.len() - 2);
        match self {
            Self::LeftOut => {
                letters.remove(place);
            }
            Self::Doubled => letters.insert(place, letters[place]),
            Self::Swapped => letters.swap(place, place + 1),
            Self::Another => letters[place] = if letters[place] == 'q' { 'z' } else { 'q' },
        }
        letters.into_iter().collect()
    }
}

/// A name with a typo in its longest word; absent when that has less than five letters.
fn mistyped(name: &str, typo: Typo) -> Option<String> {
    let tokens = words::tokens(name);
    let letters = |token: &words::Token| token.word.chars().count();
    let token = tokens.iter().rev().max_by_key(|token| letters(token))?;
    let before = &name[..token.from];
    (letters(token) >= 5).then(|| format!("{before}{}{}", typo.made_in(&token.word), &name[token.to..]))
}

#[rstest]
#[tokio::test]
async fn real_programs_are_found_with_a_typo_in_their_name(
    #[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine,
) {
    let source = super::super::import::path(SOURCE);
    if !source.exists() {
        println!("{SOURCE} is not there: names of real programs are not looked for");
        return;
    }
    let Some(searching) = engine.made() else { return };
    with_engine(Database::Sqlite, searching, |app| async move {
        program_import::import(&app.app, &source).await.unwrap();
        app.index().await;
        let names = app.db_listing_programs().await;
        let (mut asked, mut found) = (0, 0);
        for typo in TYPOS {
            let mut missed = Vec::new();
            let mut wrong = 0;
            for (listing, name) in &names {
                let Some(text) = mistyped(name, typo) else { continue };
                wrong += 1;
                let question = Query {
                    text: Some(Text::parse(&text)),
                    limit: 3,
                    ..Query::default()
                };
                let answer = app.app.search.search(Index::Listings, &question).await.unwrap();
                if !answer.ids().contains(listing) {
                    missed.push(text);
                }
            }
            println!(
                "{engine:?}, {typo:?}: {} of {wrong} real programs are in the top three; missed {missed:?}",
                wrong - missed.len()
            );
            asked += wrong;
            found += wrong - missed.len();
        }
        println!("{engine:?}: {found} of {asked} names of real programs with one typo are in the top three");
        assert!(asked > 1_000);
        assert!(found * 100 >= asked * WANTED_PERCENT, "{found} of {asked}");
    })
    .await;
}
