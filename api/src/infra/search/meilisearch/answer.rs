//! One query, asked and read.

use std::collections::{BTreeMap, HashMap, HashSet};

use meilisearch_sdk::search::{FacetStats, MatchingStrategies, SearchQuery, SearchResult, SearchResults, Selectors};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::{
    ID, Remote, SHOWN, attribute,
    conditions::{self, Condition},
    unavailable,
};
use crate::infra::search::{
    Facet, Found, Hit, MAX_FACET_VALUES, Query, SearchError, Sort, Text,
    schema::{Field, Kind},
    words,
};

/// Around what matched. Words have only letters and digits, so that no text has these.
const MARK: char = '\u{e000}';
const END_MARK: char = '\u{e001}';

/// What the server gives back of a document.
#[derive(Deserialize)]
struct Stored {
    id: String,
    #[serde(default)]
    shown: BTreeMap<String, String>,
}

pub async fn search(index: &Remote, query: &Query) -> Result<Found, SearchError> {
    if query.finds_nothing() {
        return Ok(Found::nothing(query));
    }
    let filter = match conditions::of(&query.filter) {
        Condition::Nothing => return Ok(Found::nothing(query)),
        Condition::All => None,
        Condition::Those(text) => Some(text),
    };
    let text = query.text.as_ref().map(written);
    let sort = order(query.sort);
    let sort: Vec<&str> = sort.iter().map(String::as_str).collect();
    let facets: Vec<&str> = query.facets.iter().map(|field| field.name).collect();
    let highlight: Vec<&str> = query.highlight.iter().map(|field| field.name).collect();
    let (mark, end_mark) = (MARK.to_string(), END_MARK.to_string());
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let limit = size(query.limit);

    let mut asked = SearchQuery::new(index);
    asked
        .with_matching_strategy(MatchingStrategies::ALL)
        .with_offset(size(query.offset))
        // One more, to see whether there is more.
        .with_limit(limit.saturating_add(1));
    if let Some(text) = &text {
        asked.with_query(text);
    }
    if let Some(filter) = &filter {
        asked.with_filter(filter);
    }
    if !sort.is_empty() {
        asked.with_sort(&sort);
    }
    if !facets.is_empty() {
        asked.with_facets(Selectors::Some(&facets));
    }
    let shown = [ID, SHOWN];
    asked.with_attributes_to_retrieve(Selectors::Some(if highlight.is_empty() { &shown[..1] } else { &shown }));
    if !highlight.is_empty() {
        asked
            .with_attributes_to_highlight(Selectors::Some(&highlight))
            .with_highlight_pre_tag(&mark)
            .with_highlight_post_tag(&end_mark);
    }
    let mut answer: SearchResults<Stored> = index.execute_query(&asked).await.map_err(unavailable)?;

    let has_more = answer.hits.len() > limit;
    answer.hits.truncate(limit);
    let hits = answer.hits.iter().map(|found| hit(found, &query.highlight));
    let mut values = answer.facet_distribution.unwrap_or_default();
    let ranges = answer.facet_stats.unwrap_or_default();
    let facets = query
        .facets
        .iter()
        .map(|field| facet(*field, values.remove(field.name).unwrap_or_default(), &ranges));
    Ok(Found {
        hits: hits.collect::<Result<_, SearchError>>()?,
        has_more,
        total: query
            .count
            .then(|| answer.estimated_total_hits.unwrap_or_default())
            .map(|total| u64::try_from(total).unwrap_or(u64::MAX)),
        facets: facets.collect(),
    })
}

/// The same for the server: quotes around phrases, and a space behind the last word unless it may go on.
fn written(text: &Text) -> String {
    let phrases = text.phrases.iter().map(|phrase| format!("\"{}\"", phrase.join(" ")));
    let mut parts: Vec<String> = phrases.collect();
    parts.extend(text.words.iter().cloned());
    let mut written = parts.join(" ");
    if !text.last_is_prefix {
        written.push(' ');
    }
    written
}

/// What comes before the server's own order. It puts what has no value last either way.
fn order(sort: Sort) -> Option<String> {
    match sort {
        Sort::Relevance => None,
        Sort::Ascending(field) => Some(format!("{}:asc", attribute(field))),
        Sort::Descending(field) => Some(format!("{}:desc", attribute(field))),
        Sort::Distance(_, from) => Some(format!("_geoPoint({}, {}):asc", from.latitude, from.longitude)),
    }
}

fn hit(found: &SearchResult<Stored>, highlight: &[Field]) -> Result<Hit, SearchError> {
    let id = Uuid::try_parse(&found.result.id);
    let id = id.map_err(|error| SearchError::Unavailable(format!("{}: {error}", found.result.id)))?;
    let none = Map::new();
    let formatted = found.formatted_result.as_ref().unwrap_or(&none);
    let mut matched = HashSet::new();
    for field in highlight {
        if let Some(Json::String(text)) = formatted.get(field.name) {
            note_marked(text, &mut matched);
        }
    }
    let highlights = highlight.iter().filter_map(|field| {
        let text = found.result.shown.get(field.name)?;
        Some((*field, words::highlighted(text, &matched)))
    });
    Ok(Hit {
        id,
        highlights: highlights.collect(),
    })
}

/// Words any letter of which is marked: of one that goes on, the server marks what was typed.
fn note_marked(text: &str, matched: &mut HashSet<String>) {
    let mut is_marked = false;
    for word in text.split(' ') {
        let mut counts = is_marked;
        for c in word.chars() {
            match c {
                MARK => (is_marked, counts) = (true, true),
                END_MARK => is_marked = false,
                _ => {}
            }
        }
        if counts {
            matched.insert(word.replace([MARK, END_MARK], ""));
        }
    }
}

fn facet(field: Field, values: HashMap<String, usize>, ranges: &HashMap<String, FacetStats>) -> Facet {
    let mut facet = Facet {
        field,
        values: Vec::new(),
        range: None,
    };
    if field.kind == Kind::Number {
        let range = ranges.get(field.name);
        facet.range = range.map(|range| (whole(range.min), whole(range.max)));
        return facet;
    }
    facet.values = values
        .into_iter()
        .map(|(value, count)| (value, u64::try_from(count).unwrap_or(u64::MAX)))
        .collect();
    facet
        .values
        .sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    facet.values.truncate(MAX_FACET_VALUES);
    facet
}

/// The server counts in floating point; what is indexed is below 2^53.
#[expect(clippy::cast_possible_truncation, reason = "it was an integer")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_asked_for_as_they_were_read() {
        let asked = |text| written(&Text::parse(text));
        assert_eq!(asked("green te"), "green te");
        assert_eq!(asked("Green TEA "), "green tea ");
        assert_eq!(asked(r#"loose "green tea" le"#), "\"green tea\" loose le");
        assert_eq!(asked(r#""green tea""#), "\"green tea\" ");
        assert_eq!(asked("-coffee title:x"), "coffee title x");
    }

    #[test]
    fn whole_words_are_marked() {
        let mut matched = HashSet::new();
        note_marked(
            "\u{e000}cof\u{e001}fee and \u{e000}green tea\u{e001} not this",
            &mut matched,
        );
        let mut words: Vec<String> = matched.into_iter().collect();
        words.sort();
        assert_eq!(words, ["coffee", "green", "tea"]);
    }
}
