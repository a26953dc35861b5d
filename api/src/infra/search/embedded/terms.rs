//! The words of an index that are near to one of a query.

use std::collections::HashMap;

use tantivy::{
    Searcher, Term,
    query::{BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, PhraseQuery, Query, TermQuery},
    schema::{Field as TantivyField, IndexRecordOption},
};

use crate::infra::search::{
    SearchError,
    schema::synonyms,
    words::{Nearness, nearness, typos_allowed},
};

/// Most words of the index that one of a query stands for, in one field; the nearest and most frequent ones.
const MAX_NEAR: usize = 128;

/// One condition that a document must meet, and the words that meet it.
pub struct Condition {
    pub query: Box<dyn Query>,
    pub words: Vec<String>,
}

/// A word of a query, in any of the fields. The best place and spelling count.
pub fn word(
    searcher: &Searcher,
    fields: &[(TantivyField, u8)],
    wanted: &str,
    is_prefix: bool,
) -> Result<Condition, SearchError> {
    let mut choices: Vec<Box<dyn Query>> = Vec::new();
    let mut words = Vec::new();
    for (field, weight) in fields {
        let (mut near, whole) = near_words(searcher, *field, wanted, is_prefix)?;
        let other = Nearness {
            typos: 0,
            goes_on: true,
        };
        near.extend(synonyms(wanted).map(|word| (word.to_owned(), other)));
        for (word, near) in near {
            choices.push(boosted(exact(*field, &word), *weight, near));
            words.push(word);
        }
        // More words begin like this than are ranked: the rest is found, behind them.
        if !whole {
            let rest = FuzzyTermQuery::new_prefix(Term::from_field_text(*field, wanted), 0, true);
            let all = ConstScoreQuery::new(Box::new(rest), f32::from(*weight));
            choices.push(Box::new(all));
        }
    }
    Ok(Condition {
        query: Box::new(DisjunctionMaxQuery::new(choices)),
        words,
    })
}

/// Words side by side in one of the fields, to the letter.
pub fn phrase(fields: &[(TantivyField, u8)], phrase: &[String]) -> Condition {
    let near = Nearness {
        typos: 0,
        goes_on: false,
    };
    let choices = fields.iter().map(|(field, weight)| {
        let query: Box<dyn Query> = match phrase {
            [word] => exact(*field, word),
            words => {
                let terms = words.iter().map(|word| Term::from_field_text(*field, word));
                Box::new(PhraseQuery::new(terms.collect()))
            }
        };
        boosted(query, *weight, near)
    });
    Condition {
        query: Box::new(DisjunctionMaxQuery::new(choices.collect())),
        words: phrase.to_vec(),
    }
}

fn exact(field: TantivyField, word: &str) -> Box<dyn Query> {
    let term = Term::from_field_text(field, word);
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

fn boosted(query: Box<dyn Query>, weight: u8, near: Nearness) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, f32::from(u16::from(weight) * near.weight())))
}

/// The words near to this one, and whether these are all.
fn near_words(
    searcher: &Searcher,
    field: TantivyField,
    wanted: &str,
    is_prefix: bool,
) -> Result<(Vec<(String, Nearness)>, bool), SearchError> {
    let unavailable = |error: std::io::Error| SearchError::Unavailable(error.to_string());
    let typos = u8::try_from(typos_allowed(wanted)).unwrap_or(u8::MAX);
    let term = Term::from_field_text(field, wanted);
    let automaton = |typos| {
        let query = if is_prefix {
            FuzzyTermQuery::new_prefix(term.clone(), typos, true)
        } else {
            FuzzyTermQuery::new(term.clone(), typos, true)
        };
        query.automaton()
    };
    let mut found: HashMap<String, (Nearness, u64)> = HashMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(field)?;
        let mut stream = inverted
            .terms()
            .search(automaton(typos)?)
            .into_stream()
            .map_err(unavailable)?;
        while stream.advance() {
            let Ok(word) = std::str::from_utf8(stream.key()) else {
                continue;
            };
            let documents = u64::from(stream.value().doc_freq);
            if let Some((_, known)) = found.get_mut(word) {
                *known += documents;
            } else if let Some(near) = nearness(wanted, word, is_prefix) {
                found.insert(word.to_owned(), (near, documents));
            }
        }
    }
    let mut found: Vec<(String, (Nearness, u64))> = found.into_iter().collect();
    let whole = found.len() <= MAX_NEAR;
    found.sort_unstable_by(|(left, (near, frequent)), (right, (other_near, other_frequent))| {
        (near, other_frequent, left).cmp(&(other_near, frequent, right))
    });
    found.truncate(MAX_NEAR);
    Ok((
        found.into_iter().map(|(word, (near, _))| (word, near)).collect(),
        whole || !is_prefix,
    ))
}
