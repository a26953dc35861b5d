//! The server's settings, written from the schema.

use std::collections::{BTreeMap, HashMap};

use meilisearch_sdk::settings::{
    FacetSortValue, FacetingSettings, FilterableAttribute, MinWordSizeForTypos, PaginationSetting, Settings,
    TypoToleranceSettings,
};
use sha2::{Digest, Sha256};

use super::{ID, attribute};
use crate::infra::search::{
    Index, MAX_FACET_VALUES,
    schema::{self, Kind, SYNONYMS, synonyms},
    words::{ONE_TYPO_FROM, TWO_TYPOS_FROM},
};

/// Raised when documents are written in another way than before, though the settings are the same.
const WRITTEN: u32 = 1;

/// The server counts everything that passes up to here, and shows no more.
const MAX_TOTAL: usize = 10_000_000;

/// The server gives what it has found by then: sooner than anybody stops waiting.
const CUTOFF_MILLIS: u64 = 1_000;

/// An explicit order comes first, the newest among equals last. In between a field counts for more than how near its words
/// stand to each other: the lightest one is a long text.
const RANKING: [&str; 7] = [
    "sort",
    "words",
    "typo",
    "attribute",
    "exactness",
    "proximity",
    "id:desc",
];

/// The settings of an index. Stop words are not among them: they are taken out of a text before it is asked for, unless it
/// has no other, and a text without a word left would find everything here.
pub fn of(index: Index) -> Settings {
    let texts = index.texts().into_iter().map(|(field, _)| field.name);
    let mut filterable = vec![ID];
    let mut sortable = Vec::new();
    for field in index.fields() {
        match field.kind {
            Kind::Text { .. } => {}
            Kind::Keyword | Kind::Flag => filterable.push(field.name),
            Kind::Number | Kind::Point => {
                filterable.push(attribute(*field));
                sortable.push(attribute(*field));
            }
        }
    }
    Settings {
        synonyms: Some(all_synonyms()),
        stop_words: Some(Vec::new()),
        ranking_rules: Some(owned(RANKING)),
        filterable_attributes: Some(filterable.into_iter().map(FilterableAttribute::from).collect()),
        sortable_attributes: Some(owned(sortable)),
        searchable_attributes: Some(owned(texts)),
        pagination: Some(PaginationSetting {
            max_total_hits: MAX_TOTAL,
        }),
        faceting: Some(FacetingSettings {
            max_values_per_facet: MAX_FACET_VALUES,
            sort_facet_values_by: Some(BTreeMap::from([("*".to_owned(), FacetSortValue::Count)])),
        }),
        typo_tolerance: Some(TypoToleranceSettings {
            enabled: Some(true),
            min_word_size_for_typos: Some(MinWordSizeForTypos {
                one_typo: u8::try_from(ONE_TYPO_FROM).ok(),
                two_typos: u8::try_from(TWO_TYPOS_FROM).ok(),
            }),
            ..TypoToleranceSettings::default()
        }),
        search_cutoff_ms: Some(CUTOFF_MILLIS),
        ..Settings::default()
    }
}

fn owned<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn all_synonyms() -> HashMap<String, Vec<String>> {
    let words = SYNONYMS.iter().flat_map(|group| group.iter().copied());
    words.map(|word| (word.to_owned(), owned(synonyms(word)))).collect()
}

/// Are these the settings that were made by `of`? An index that the server made up by itself has others.
pub fn are_ours(index: Index, found: &Settings) -> bool {
    let ours = of(index);
    ours.ranking_rules == found.ranking_rules && ours.searchable_attributes == found.searchable_attributes
}

/// What an index must have been built by to be of use: the schema, these settings and the way documents are written.
pub fn fingerprint() -> String {
    let mut hash = Sha256::new();
    hash.update(WRITTEN.to_be_bytes());
    hash.update(schema::fingerprint());
    for index in Index::ALL {
        // Synonyms are the schema's, and come in no order.
        let settings = Settings {
            synonyms: None,
            ..of(index)
        };
        hash.update(format!("{}{settings:?}", index.name()));
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::GEO, *};

    #[test]
    fn an_index_has_one_place_at_most() {
        // The server knows one field for places.
        for index in Index::ALL {
            let points = index.fields().iter().filter(|field| field.kind == Kind::Point);
            assert!(points.count() <= 1, "{}", index.name());
            assert!(index.fields().iter().all(|field| field.name != ID && field.name != GEO));
        }
    }

    #[test]
    fn settings_follow_the_schema() {
        let settings = of(Index::Creators);
        assert_eq!(
            settings.searchable_attributes.unwrap(),
            ["name", "handles", "headline", "nicheNames", "bio"]
        );
        assert_eq!(
            settings.sortable_attributes.unwrap(),
            ["followers", "engagement", GEO, "createdAt"]
        );
        assert_eq!(settings.synonyms.unwrap()["saas"], ["software"]);
        assert!(are_ours(Index::Brands, &of(Index::Brands)));
        assert!(!are_ours(Index::Brands, &Settings::default()));
    }

    #[test]
    fn a_fingerprint_is_the_same_every_time() {
        assert_eq!(fingerprint(), fingerprint());
        assert_eq!(fingerprint().len(), 32);
    }
}
