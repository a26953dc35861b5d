//! Answers a query from documents in memory, one after the other: what is left when an engine is away. It means the same by
//! a query as the engines do.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, HashSet},
};

use super::{
    Facet, Found, Hit, MAX_FACET_VALUES,
    document::{Document, Value},
    query::{Filter, Query, Sort},
    schema::{Field, Index, Kind, synonyms},
    words::{self, Nearness, Text, nearness, tokens},
};

/// A document that passed.
struct Passed<'a> {
    document: &'a Document,
    score: u64,
    /// Words of it that were looked for.
    matched: HashSet<String>,
}

/// What a word's place in its text counts for at most: less than anything else, so that among equals the earlier one wins.
const MOST_LATE: u64 = 10;

/// Looks through all of them.
#[must_use]
pub fn search(index: Index, documents: &[Document], query: &Query) -> Found {
    if query.finds_nothing() {
        return Found::nothing(query);
    }
    let mut passed: Vec<Passed<'_>> = documents
        .iter()
        .filter(|document| passes(document, &query.filter))
        .filter_map(|document| {
            let (score, matched) = match &query.text {
                None => (0, HashSet::new()),
                Some(text) => matches(index, document, text)?,
            };
            Some(Passed {
                document,
                score,
                matched,
            })
        })
        .collect();
    passed.sort_by(|left, right| compare(left, right, query.sort));
    let facets = query.facets.iter().map(|field| facet(*field, &passed)).collect();
    let count = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let (skip, take) = (usize::try_from(query.offset), usize::try_from(query.limit));
    let (skip, take) = (skip.unwrap_or(usize::MAX), take.unwrap_or(usize::MAX));
    let hits = passed.iter().skip(skip).take(take).map(|found| Hit {
        id: found.document.id,
        highlights: query
            .highlight
            .iter()
            .filter_map(|field| match found.document.get(*field) {
                Some(Value::Text(text)) => Some((*field, words::highlighted(text, &found.matched))),
                _ => None,
            })
            .collect(),
    });
    Found {
        hits: hits.collect(),
        has_more: passed.len() > skip.saturating_add(take),
        total: query.count.then(|| count(passed.len())),
        facets,
    }
}

fn passes(document: &Document, filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().all(|part| passes(document, part)),
        Filter::Any(parts) => parts.iter().any(|part| passes(document, part)),
        Filter::Not(part) => !passes(document, part),
        Filter::In(field, wanted) => {
            matches!(document.get(*field), Some(Value::Keywords(words)) if words.iter().any(|word| wanted.contains(word)))
        }
        Filter::Between(field, from, to) => {
            matches!(document.get(*field), Some(Value::Number(number))
                if from.is_none_or(|from| *number >= from) && to.is_none_or(|to| *number <= to))
        }
        Filter::Is(field, wanted) => document.get(*field) == Some(&Value::Flag(*wanted)),
        Filter::Ids(wanted) => wanted.contains(&document.id),
        Filter::Within(field, center, metres) => {
            matches!(document.get(*field), Some(Value::Point(place)) if place.metres_to(*center) <= f64::from(*metres))
        }
    }
}

/// The score of a document in which every word and phrase occurs, and which words of it matched.
fn matches(index: Index, document: &Document, text: &Text) -> Option<(u64, HashSet<String>)> {
    let texts: Vec<(u64, Vec<String>)> = index
        .texts()
        .into_iter()
        .filter_map(|(field, weight)| match document.get(field) {
            Some(Value::Text(text)) => {
                let words = tokens(text).into_iter().map(|token| token.word);
                Some((u64::from(weight), words.collect()))
            }
            _ => None,
        })
        .collect();
    let mut score = 0;
    let mut matched = HashSet::new();
    for (place, wanted) in text.words.iter().enumerate() {
        let mut best = None;
        for (weight, words) in &texts {
            for (position, word) in words.iter().enumerate() {
                if let Some(near) = near(wanted, word, text.is_prefix(place)) {
                    let late = u64::try_from(position).unwrap_or(u64::MAX).min(MOST_LATE);
                    best = best.max(Some(weight * u64::from(near.weight()) - late));
                    matched.insert(word.clone());
                }
            }
        }
        score += best?;
    }
    for phrase in &text.phrases {
        let heaviest = texts
            .iter()
            .filter(|(_, words)| words.windows(phrase.len()).any(|window| window == phrase.as_slice()))
            .map(|(weight, _)| *weight)
            .max()?;
        let exact = Nearness {
            typos: 0,
            goes_on: false,
        };
        score += heaviest * u64::from(exact.weight());
        matched.extend(phrase.iter().cloned());
    }
    Some((score, matched))
}

fn near(wanted: &str, word: &str, is_prefix: bool) -> Option<Nearness> {
    if synonyms(wanted).any(|other| other == word) {
        return Some(Nearness {
            typos: 0,
            goes_on: true,
        });
    }
    nearness(wanted, word, is_prefix)
}

fn compare(left: &Passed<'_>, right: &Passed<'_>, sort: Sort) -> Ordering {
    let number = |found: &Passed<'_>, field| match found.document.get(field) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    let first = match sort {
        Sort::Relevance => right.score.cmp(&left.score),
        Sort::Ascending(field) => absent_last(number(left, field), number(right, field), Ord::cmp),
        Sort::Descending(field) => {
            absent_last(number(left, field), number(right, field), |left, right| right.cmp(left))
        }
        Sort::Distance(field, from) => {
            let metres = |found: &Passed<'_>| match found.document.get(field) {
                Some(Value::Point(place)) => Some(place.metres_to(from)),
                _ => None,
            };
            absent_last(metres(left), metres(right), f64::total_cmp)
        }
    };
    first.then_with(|| right.document.id.cmp(&left.document.id))
}

fn absent_last<T>(left: Option<T>, right: Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => order(&left, &right),
        (left, right) => right.is_some().cmp(&left.is_some()),
    }
}

fn facet(field: Field, passed: &[Passed<'_>]) -> Facet {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut range: Option<(i64, i64)> = None;
    for found in passed {
        match found.document.get(field) {
            Some(Value::Keywords(words)) => {
                for word in words {
                    *counts.entry(word.clone()).or_default() += 1;
                }
            }
            Some(Value::Flag(flag)) => *counts.entry(flag.to_string()).or_default() += 1,
            Some(Value::Number(number)) if field.kind == Kind::Number => {
                let (least, greatest) = range.unwrap_or((*number, *number));
                range = Some((least.min(*number), greatest.max(*number)));
            }
            _ => {}
        }
    }
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_by(|left, right| (Reverse(left.1), &left.0).cmp(&(Reverse(right.1), &right.0)));
    values.truncate(MAX_FACET_VALUES);
    Facet { field, values, range }
}
