//! One query, run.

use std::collections::{HashMap, HashSet};

use tantivy::{
    DocAddress, DocId, Order, Score, Searcher, SegmentReader, Term,
    aggregation::{
        AggContextParams, AggregationCollector, AggregationLimitsGuard, Key,
        agg_req::Aggregations,
        agg_result::{AggregationResult, AggregationResults, BucketResult, MetricResult},
    },
    collector::{
        Count, SegmentSortKeyComputer, SortKeyComputer, TopDocs,
        sort_key::{NaturalComparator, SortBySimilarityScore, SortByStaticFastValue},
    },
    query::{Bm25StatisticsProvider, BooleanQuery, Occur, Query as TantivyQuery},
    schema::{Field as TantivyField, TantivyDocument, Value as _},
};
use uuid::Uuid;

use super::{
    Shelf, conditions,
    fields::{ID_HIGH, ID_LOW, latitude, longitude},
    terms,
};
use crate::infra::search::{
    Facet, Found, Hit, Index, MAX_FACET_VALUES, Point, Query, SearchError, Sort,
    schema::{Field, Kind},
    words,
};

pub fn search(shelf: &Shelf, index: Index, query: &Query) -> Result<Found, SearchError> {
    let searcher = shelf.reader.searcher();
    let texts: Vec<(TantivyField, u8)> = index
        .texts()
        .into_iter()
        .filter_map(|(field, weight)| Some((shelf.fields.get(field)?, weight)))
        .collect();
    let mut parts = vec![(Occur::Must, conditions::of(&shelf.fields, &query.filter)?)];
    let mut matched = HashSet::new();
    if let Some(text) = &query.text {
        for (place, word) in text.words.iter().enumerate() {
            let condition = terms::word(&searcher, &texts, word, text.is_prefix(place))?;
            parts.push((Occur::Must, condition.query));
            matched.extend(condition.words);
        }
        for phrase in &text.phrases {
            let condition = terms::phrase(&texts, phrase);
            parts.push((Occur::Must, condition.query));
            matched.extend(condition.words);
        }
    }
    let ask = Ask {
        searcher: &searcher,
        what: BooleanQuery::new(parts),
        query,
    };
    let mut page = match query.sort {
        Sort::Relevance => ask.run(SortBySimilarityScore)?,
        Sort::Ascending(field) => ask.run((SortByStaticFastValue::<i64>::for_field(field.name), Order::Asc))?,
        Sort::Descending(field) => ask.run((SortByStaticFastValue::<i64>::for_field(field.name), Order::Desc))?,
        Sort::Distance(field, from) => ask.run((Nearby { field, from }, Order::Asc))?,
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = page.documents.len() > limit;
    page.documents.truncate(limit);
    let hits = page.documents.into_iter().map(|(id, address)| {
        let highlights = if query.highlight.is_empty() {
            Vec::new()
        } else {
            highlights(shelf, &searcher, address, &query.highlight, &matched)?
        };
        Ok(Hit { id, highlights })
    });
    Ok(Found {
        hits: hits.collect::<Result<_, SearchError>>()?,
        has_more,
        total: page.total,
        facets: page.facets,
    })
}

struct Page {
    /// One more than asked for, if there is one.
    documents: Vec<(Uuid, DocAddress)>,
    total: Option<u64>,
    facets: Vec<Facet>,
}

struct Ask<'a> {
    searcher: &'a Searcher,
    what: BooleanQuery,
    query: &'a Query,
}

impl Ask<'_> {
    fn run<K>(&self, first: K) -> Result<Page, SearchError>
    where
        K: SortKeyComputer + Send + 'static,
        (K, SortByStaticFastValue<u64>, SortByStaticFastValue<u64>):
            SortKeyComputer<SortKey = (K::SortKey, Option<u64>, Option<u64>)>,
    {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let by_id = |half: &str| SortByStaticFastValue::<u64>::for_field(half);
        let top = TopDocs::with_limit(size(self.query.limit).saturating_add(1))
            .and_offset(size(self.query.offset))
            .order_by((first, by_id(ID_HIGH), by_id(ID_LOW)));
        let count = self.query.count.then_some(Count);
        let facets = facets(&self.query.facets)?;
        let collectors = (top, count, facets);
        let (top, total, counted) = self.searcher.search_with_statistics_provider(
            &self.what as &dyn TantivyQuery,
            &collectors,
            &EvenWords(self.searcher),
        )?;
        let documents = top.into_iter().map(|((_, high, low), address)| {
            let id = Uuid::from_u64_pair(high.unwrap_or_default(), low.unwrap_or_default());
            (id, address)
        });
        Ok(Page {
            documents: documents.collect(),
            total: total.map(|total| u64::try_from(total).unwrap_or(u64::MAX)),
            facets: read_facets(&self.query.facets, counted),
        })
    }
}

/// Statistics in which all words are equally rare: a frequent word that was typed is meant as much as a rare one.
struct EvenWords<'a>(&'a Searcher);

impl Bm25StatisticsProvider for EvenWords<'_> {
    fn total_num_tokens(&self, field: TantivyField) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_tokens(self.0, field)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_docs(self.0)
    }

    fn doc_freq(&self, _: &Term) -> tantivy::Result<u64> {
        Ok(0)
    }
}

/// The nearest first; what is nowhere comes last.
struct Nearby {
    field: Field,
    from: Point,
}

struct NearbySegment {
    latitudes: tantivy::columnar::Column<f64>,
    longitudes: tantivy::columnar::Column<f64>,
    from: Point,
}

impl SortKeyComputer for Nearby {
    type SortKey = Option<f64>;
    type Child = NearbySegment;
    type Comparator = NaturalComparator;

    fn segment_sort_key_computer(&self, segment: &SegmentReader) -> tantivy::Result<NearbySegment> {
        Ok(NearbySegment {
            latitudes: segment.fast_fields().f64(&latitude(self.field))?,
            longitudes: segment.fast_fields().f64(&longitude(self.field))?,
            from: self.from,
        })
    }
}

impl SegmentSortKeyComputer for NearbySegment {
    type SortKey = Option<f64>;
    type SegmentSortKey = Option<f64>;
    type SegmentComparator = NaturalComparator;

    fn segment_sort_key(&mut self, document: DocId, _: Score) -> Option<f64> {
        let latitude = self.latitudes.first(document)?;
        let longitude = self.longitudes.first(document)?;
        Some(Point { latitude, longitude }.metres_to(self.from))
    }

    fn convert_segment_sort_key(&self, key: Option<f64>) -> Option<f64> {
        key
    }
}

fn facets(fields: &[Field]) -> Result<Option<AggregationCollector>, SearchError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let asked: serde_json::Map<String, serde_json::Value> = fields
        .iter()
        .map(|field| {
            let what = match field.kind {
                // All of a segment's values, so that the sums are right.
                Kind::Keyword | Kind::Flag | Kind::Text { .. } => serde_json::json!({ "terms": {
                    "field": field.name, "size": MAX_VALUES, "segment_size": MAX_VALUES,
                } }),
                Kind::Number | Kind::Point => serde_json::json!({ "stats": { "field": field.name } }),
            };
            (field.name.to_owned(), what)
        })
        .collect();
    let asked: Aggregations = serde_json::from_value(serde_json::Value::Object(asked))
        .map_err(|error| SearchError::Unavailable(error.to_string()))?;
    let context = AggContextParams::new(AggregationLimitsGuard::new(None, Some(MAX_BUCKETS)), Default::default());
    Ok(Some(AggregationCollector::from_aggs(asked, context)))
}

/// Values of a field that are counted before the most frequent ones are taken.
const MAX_VALUES: u32 = 10_000;
const MAX_BUCKETS: u32 = 100_000;

fn read_facets(fields: &[Field], counted: Option<AggregationResults>) -> Vec<Facet> {
    let mut counted: HashMap<String, AggregationResult> = counted
        .map(|counted| counted.0.into_iter().collect())
        .unwrap_or_default();
    fields
        .iter()
        .map(|field| read_facet(*field, counted.remove(field.name)))
        .collect()
}

fn read_facet(field: Field, counted: Option<AggregationResult>) -> Facet {
    let mut facet = Facet {
        field,
        values: Vec::new(),
        range: None,
    };
    match counted {
        Some(AggregationResult::BucketResult(BucketResult::Terms { buckets, .. })) => {
            facet.values = buckets
                .into_iter()
                .map(|bucket| (value_name(field, &bucket.key), bucket.doc_count))
                .collect();
            facet
                .values
                .sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
            facet.values.truncate(MAX_FACET_VALUES);
        }
        Some(AggregationResult::MetricResult(MetricResult::Stats(stats))) => {
            facet.range = stats
                .min
                .zip(stats.max)
                .map(|(least, greatest)| (whole(least), whole(greatest)));
        }
        _ => {}
    }
    facet
}

fn value_name(field: Field, key: &Key) -> String {
    match (field.kind, key) {
        (Kind::Flag, key) => matches!(key, Key::U64(1) | Key::I64(1)).to_string(),
        (_, Key::Str(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Statistics come as floating point; what is indexed is below 2^53.
#[expect(clippy::cast_possible_truncation, reason = "it was an integer")]
fn whole(number: f64) -> i64 {
    number as i64
}

fn highlights(
    shelf: &Shelf,
    searcher: &Searcher,
    address: DocAddress,
    fields: &[Field],
    matched: &HashSet<String>,
) -> Result<Vec<(Field, Vec<crate::infra::search::Fragment>)>, SearchError> {
    let stored: TantivyDocument = searcher.doc(address)?;
    Ok(fields
        .iter()
        .filter_map(|field| {
            let text = stored.get_first(shelf.fields.get(*field)?)?.as_str()?;
            Some((*field, words::highlighted(text, matched)))
        })
        .collect())
}
