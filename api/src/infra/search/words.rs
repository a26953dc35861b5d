//! Words as every engine of ours sees them: folded, bounded, with the typos that may be in them.

use std::collections::HashSet;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{Fragment, schema};

/// Longest query text, in characters.
pub const MAX_QUERY_CHARS: usize = 256;
/// Words of a query that count; further ones are ignored as any engine does.
pub const MAX_QUERY_WORDS: usize = 10;
/// Longest word that is indexed or searched, in characters: the rest of a longer one does not count.
pub const MAX_WORD_CHARS: usize = 40;
/// Words of so many letters may have a typo, or two.
pub const ONE_TYPO_FROM: usize = 5;
pub const TWO_TYPOS_FROM: usize = 9;
/// Characters of a long text that are shown around its first match.
const SHOWN_CHARS: usize = 200;
/// Characters before the first match that are shown with it.
const SHOWN_BEFORE: usize = 40;

/// Case and accents folded away, as both databases must see it: SQL `lower()` differs between them.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A word and where it stands in the text it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub word: String,
    pub from: usize,
    pub to: usize,
}

/// The words of a text in their order: runs of letters and digits, folded. Marks belong to the letter before them.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_alphanumeric() || is_combining_mark(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let word: String = fold(&text[from..at]).chars().take(MAX_WORD_CHARS).collect();
                if word.chars().any(char::is_alphanumeric) {
                    tokens.push(Token { word, from, to: at });
                }
                start = None;
            }
            _ => {}
        }
    }
    tokens
}

/// What a person typed into a search box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Each must occur, with the typos its length allows.
    pub words: Vec<String>,
    /// The last word may go on: the person is still typing.
    pub last_is_prefix: bool,
    /// Quoted: each must occur to the letter, its words side by side.
    pub phrases: Vec<Vec<String>>,
}

impl Text {
    /// Stop words count only where there is nothing else, and while they may be the beginning of a word.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut words = Vec::new();
        let mut phrases = Vec::new();
        let mut pieces: Vec<&str> = text.split('"').collect();
        // An opening quote without its twin is a stray character.
        let unclosed = pieces.len().is_multiple_of(2).then(|| pieces.pop()).flatten();
        for (place, piece) in pieces.into_iter().enumerate() {
            let found = tokens(piece).into_iter().map(|token| token.word);
            if place.is_multiple_of(2) {
                words.extend(found);
            } else {
                phrases.push(found.collect::<Vec<_>>());
            }
        }
        words.extend(tokens(unclosed.unwrap_or_default()).into_iter().map(|token| token.word));
        phrases.retain(|phrase| !phrase.is_empty());
        let last_is_prefix = !words.is_empty() && text.chars().next_back().is_some_and(char::is_alphanumeric);
        let last = words.len();
        let is_stop = |word: &String| schema::STOP_WORDS.contains(&word.as_str());
        if !phrases.is_empty() || words.iter().any(|word| !is_stop(word)) {
            let mut place = 0;
            words.retain(|word| {
                place += 1;
                !is_stop(word) || (last_is_prefix && place == last)
            });
        }
        // Phrases first: they were asked for to the letter.
        let mut left = MAX_QUERY_WORDS;
        phrases.retain(|phrase| {
            let fits = phrase.len() <= left;
            left = left.saturating_sub(phrase.len());
            fits
        });
        let last_is_prefix = last_is_prefix && words.len() <= left;
        words.truncate(left);
        Self {
            words,
            last_is_prefix,
            phrases,
        }
    }

    /// Is there nothing to look for in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.phrases.is_empty()
    }

    /// Is this word the one that may go on?
    #[must_use]
    pub fn is_prefix(&self, place: usize) -> bool {
        self.last_is_prefix && place + 1 == self.words.len()
    }
}

/// Typos that a word of a query may have: none below 5 letters, one from 5, two from 9.
#[must_use]
pub fn typos_allowed(word: &str) -> usize {
    match word.chars().count() {
        TWO_TYPOS_FROM.. => 2,
        ONE_TYPO_FROM.. => 1,
        _ => 0,
    }
}

/// How near a word of the index is to one of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nearness {
    pub typos: usize,
    /// The word of the index goes on behind that of the query.
    pub goes_on: bool,
}

impl Nearness {
    /// What a word that is so near counts for, of a thousand: any exact word more than any with a typo.
    #[must_use]
    pub fn weight(self) -> u16 {
        match (self.typos, self.goes_on) {
            (0, false) => 1_000,
            (0, true) => 700,
            (1, false) => 200,
            (1, true) => 150,
            (_, false) => 50,
            (_, true) => 40,
        }
    }
}

/// How near they are; `None` when they differ by more than the query's word allows. A wrong first letter is two typos:
/// people rarely begin a word wrong.
#[must_use]
pub fn nearness(wanted: &str, word: &str, is_prefix: bool) -> Option<Nearness> {
    let (wanted, word): (Vec<char>, Vec<char>) = (wanted.chars().collect(), word.chars().collect());
    let rows = distances(&wanted, &word);
    let whole = rows[word.len()];
    let typos = if is_prefix {
        rows.iter().copied().min().unwrap_or(whole)
    } else {
        whole
    };
    let goes_on = whole > typos;
    let typos = typos + usize::from(typos > 0 && wanted.first() != word.first());
    let allowed = typos_allowed(&wanted.iter().collect::<String>());
    (typos <= allowed).then_some(Nearness { typos, goes_on })
}

/// The distance of the whole `wanted` to each beginning of `word`: changes, insertions, deletions and swapped neighbours.
fn distances(wanted: &[char], word: &[char]) -> Vec<usize> {
    let width = wanted.len() + 1;
    let mut table = vec![vec![0; width]; word.len() + 1];
    table[0] = (0..width).collect();
    for row in 1..=word.len() {
        table[row][0] = row;
        for column in 1..width {
            let changed = usize::from(word[row - 1] != wanted[column - 1]);
            let mut best = (table[row - 1][column] + 1)
                .min(table[row][column - 1] + 1)
                .min(table[row - 1][column - 1] + changed);
            let swapped =
                row > 1 && column > 1 && word[row - 1] == wanted[column - 2] && word[row - 2] == wanted[column - 1];
            if swapped {
                best = best.min(table[row - 2][column - 2] + 1);
            }
            table[row][column] = best;
        }
    }
    table.into_iter().map(|row| row[wanted.len()]).collect()
}

/// A text in pieces, those of them marked whose words are among `matched`. A long text is cut around its first match.
#[must_use]
pub fn highlighted(text: &str, matched: &HashSet<String>) -> Vec<Fragment> {
    let marks: Vec<(usize, usize)> = tokens(text)
        .into_iter()
        .filter(|token| matched.contains(&token.word))
        .map(|token| (token.from, token.to))
        .collect();
    let (from, to) = shown(text, marks.first().map_or(0, |mark| mark.0));
    let mut fragments = Vec::new();
    let mut push = |text: String, matched: bool| {
        if !text.is_empty() {
            fragments.push(Fragment { text, matched });
        }
    };
    let mut at = from;
    let mut before = if from > 0 { "…" } else { "" };
    for (start, end) in marks.into_iter().filter(|mark| mark.0 >= from && mark.1 <= to) {
        push(format!("{before}{}", &text[at..start]), false);
        push(text[start..end].to_owned(), true);
        before = "";
        at = end;
    }
    let after = if to < text.len() { "…" } else { "" };
    push(format!("{before}{}{after}", &text[at..to]), false);
    fragments
}

/// Which part of a text is shown, in bytes, given where its first match begins.
fn shown(text: &str, first: usize) -> (usize, usize) {
    if text.chars().count() <= SHOWN_CHARS {
        return (0, text.len());
    }
    let back = text[..first].char_indices().rev().take(SHOWN_BEFORE).last();
    let from = back.map_or(0, |(at, _)| at);
    // From the beginning of a word.
    let from = if from == 0 {
        0
    } else {
        text[from..first].find(' ').map_or(first, |space| from + space + 1)
    };
    let to = text[from..]
        .char_indices()
        .nth(SHOWN_CHARS)
        .map_or(text.len(), |(at, _)| from + at);
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Vec<String>, bool, Vec<Vec<String>>) {
        let text = Text::parse(text);
        (text.words, text.last_is_prefix, text.phrases)
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn folding_takes_case_and_accents_away() {
        assert_eq!(fold("Café ÉLAN"), "cafe elan");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let words = |text| tokens(text).into_iter().map(|token| token.word).collect::<Vec<_>>();
        assert_eq!(words("Crème-brûlée, 24h! 🔥"), owned(&["creme", "brulee", "24h"]));
        assert_eq!(words("שלום עולם"), owned(&["שלום", "עולם"]));
        assert!(words("🔥 \u{200f}\u{0}").is_empty());
        // A letter with its accent as a mark of its own is one word.
        assert_eq!(words("cafe\u{301}s"), owned(&["cafes"]));
    }

    #[test]
    fn the_last_word_may_go_on() {
        assert_eq!(parsed("green tea"), (owned(&["green", "tea"]), true, Vec::new()));
        assert_eq!(parsed("green tea "), (owned(&["green", "tea"]), false, Vec::new()));
        assert_eq!(parsed("green -tea!"), (owned(&["green", "tea"]), false, Vec::new()));
    }

    #[test]
    fn quotes_ask_for_words_to_the_letter() {
        assert_eq!(
            parsed(r#"loose "green tea" leaf"#),
            (owned(&["loose", "leaf"]), true, vec![owned(&["green", "tea"])])
        );
        assert_eq!(
            parsed(r#""" loose "leaf"#),
            (owned(&["loose", "leaf"]), true, Vec::new())
        );
    }

    #[test]
    fn stop_words_count_only_alone_or_as_a_beginning() {
        assert_eq!(parsed("the best of tea "), (owned(&["best", "tea"]), false, Vec::new()));
        assert_eq!(parsed("tea for"), (owned(&["tea", "for"]), true, Vec::new()));
        assert_eq!(parsed("the "), (owned(&["the"]), false, Vec::new()));
    }

    #[test]
    fn only_so_many_words_count() {
        let text = Text::parse(&"word ".repeat(50));
        assert_eq!(text.words.len(), MAX_QUERY_WORDS);
        let many = Text::parse(&format!("\"{}\" tea", "word ".repeat(50)));
        assert_eq!((many.phrases.len(), many.words.len()), (0, 0));
    }

    #[test]
    fn typos_grow_with_the_word() {
        let typos = |wanted, word| nearness(wanted, word, false).map(|near| near.typos);
        assert_eq!(typos("tea", "tea"), Some(0));
        assert_eq!(typos("tae", "tea"), None);
        assert_eq!(typos("cofee", "coffee"), Some(1));
        assert_eq!(typos("coffee", "cofefe"), Some(1), "a swap of neighbours is one");
        assert_eq!(typos("coffee", "doffee"), None, "a wrong first letter is two");
        assert_eq!(typos("afiliates", "affiliates"), Some(1));
        assert_eq!(typos("afilliats", "affiliates"), None);
        assert_eq!(typos("marketplase", "marketplace"), Some(1));
        assert_eq!(typos("narketplace", "marketplace"), Some(2));
    }

    #[test]
    fn a_beginning_is_near_to_what_it_begins() {
        let near = |wanted, word| nearness(wanted, word, true).map(|near| (near.typos, near.goes_on));
        assert_eq!(near("cof", "coffee"), Some((0, true)));
        assert_eq!(near("coffee", "coffee"), Some((0, false)));
        assert_eq!(near("cofef", "coffeehouse"), Some((1, true)));
        assert_eq!(near("tae", "teapot"), None);
    }

    #[test]
    fn matches_are_marked_and_long_texts_cut() {
        let matched: HashSet<String> = ["cafe".to_owned()].into();
        let pieces = |text: &str| {
            highlighted(text, &matched)
                .into_iter()
                .map(|piece| (piece.text, piece.matched))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            pieces("Le Café noir"),
            [
                ("Le ".to_owned(), false),
                ("Café".to_owned(), true),
                (" noir".to_owned(), false)
            ]
        );
        let long = format!("{} café {}", "word ".repeat(60), "tail ".repeat(60));
        let cut = pieces(&long);
        assert!(cut[0].0.starts_with("…word") && cut[0].0.chars().count() <= SHOWN_BEFORE + 1);
        assert!(cut[1].1 && cut[2].0.ends_with('…'));
        assert_eq!(pieces("nothing"), [("nothing".to_owned(), false)]);
    }
}
