//! Filters as tantivy's queries. None of them scores.

use std::ops::Bound;

use tantivy::{
    SegmentReader, Term,
    query::{
        AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, Occur, Query, RangeQuery, TermQuery, TermSetQuery,
        doc_predicate_query::{DocPredicateQuery, FunctionPredicate},
    },
    schema::IndexRecordOption,
};

use super::fields::{Fields, id_text, latitude, longitude};
use crate::infra::search::{Filter, Point, SearchError, schema::Field};

/// The documents that pass, each at a score of nothing.
pub fn of(fields: &Fields, filter: &Filter) -> Result<Box<dyn Query>, SearchError> {
    Ok(Box::new(ConstScoreQuery::new(query(fields, filter)?, 0.0)))
}

fn query(fields: &Fields, filter: &Filter) -> Result<Box<dyn Query>, SearchError> {
    let known = |field: Field| {
        fields
            .get(field)
            .ok_or_else(|| SearchError::Unavailable(format!("the index has no field {}", field.name)))
    };
    Ok(match filter {
        Filter::All(parts) if parts.is_empty() => Box::new(AllQuery),
        Filter::All(parts) => joined(fields, parts, Occur::Must)?,
        Filter::Any(parts) if parts.is_empty() => Box::new(EmptyQuery),
        Filter::Any(parts) => joined(fields, parts, Occur::Should)?,
        Filter::Not(part) => Box::new(BooleanQuery::new(vec![
            (Occur::Must, Box::new(AllQuery)),
            (Occur::MustNot, query(fields, part)?),
        ])),
        Filter::In(field, words) => {
            let field = known(*field)?;
            Box::new(TermSetQuery::new(
                words.iter().map(|word| Term::from_field_text(field, word)),
            ))
        }
        Filter::Between(field, from, to) => {
            let field = known(*field)?;
            let bound =
                |number: Option<i64>, open: i64| Bound::Included(Term::from_field_i64(field, number.unwrap_or(open)));
            Box::new(RangeQuery::new(bound(*from, i64::MIN), bound(*to, i64::MAX)))
        }
        Filter::Is(field, flag) => {
            let term = Term::from_field_bool(known(*field)?, *flag);
            Box::new(TermQuery::new(term, IndexRecordOption::Basic))
        }
        Filter::Ids(ids) => Box::new(TermSetQuery::new(
            ids.iter().map(|id| Term::from_field_text(fields.id, &id_text(*id))),
        )),
        Filter::Within(field, center, metres) => Box::new(within(*field, *center, *metres)),
    })
}

fn joined(fields: &Fields, parts: &[Filter], occur: Occur) -> Result<Box<dyn Query>, SearchError> {
    let parts = parts.iter().map(|part| Ok((occur, query(fields, part)?)));
    Ok(Box::new(BooleanQuery::new(parts.collect::<Result<_, SearchError>>()?)))
}

/// Metres of one degree of latitude, a little less than the least there is: a bound, not a measure.
const DEGREE_METRES: f64 = 110_000.0;

/// Tantivy knows no places: each document's is measured, those clearly too far north or south by their latitude alone.
#[expect(clippy::float_arithmetic, reason = "angles are no money")]
fn within(field: Field, center: Point, metres: u32) -> DocPredicateQuery {
    let metres = f64::from(metres);
    let degrees = metres / DEGREE_METRES;
    let predicate = FunctionPredicate::from(move |segment: &SegmentReader| {
        let latitudes = segment.fast_fields().f64(&latitude(field))?;
        let longitudes = segment.fast_fields().f64(&longitude(field))?;
        Ok(move |document| {
            let Some(latitude) = latitudes.first(document) else {
                return false;
            };
            if (latitude - center.latitude).abs() > degrees {
                return false;
            }
            longitudes.first(document).is_some_and(|longitude| {
                let place = Point { latitude, longitude };
                place.metres_to(center) <= metres
            })
        })
    });
    predicate.into()
}
