//! What conditions are made of, whatever is searched.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};

use crate::{
    error::ApiError,
    graphql::scalars::{CurrencyCode, Decimal, percent_to_ppm},
    infra::search::{Field, Filter},
};

/// Values of one `in`.
pub const MAX_VALUES: usize = 100;
/// Conditions of one `where`, all the way down.
pub const MAX_CONDITIONS: usize = 50;
/// How deep conditions may nest.
pub const MAX_DEPTH: usize = 5;

/// Conditions that hold together, and may be put together with others of their kind.
pub(in crate::marketplace) trait Where: Sized {
    /// What stands at the top only.
    fn text(&self) -> Option<&String>;
    fn and(&self) -> Option<&[Self]>;
    fn or(&self) -> Option<&[Self]>;
    fn not(&self) -> Option<&Self>;

    /// What it says beside these, with errors that name their field behind the path.
    fn conditions(&self, path: &str, now: DateTime<Utc>) -> Result<Vec<Filter>, ApiError>;

    /// All of it for an engine.
    fn filter(&self, now: DateTime<Utc>) -> Result<Filter, ApiError> {
        let filter = filter_at(self, "where", 0, now)?;
        if filter.nodes() > MAX_CONDITIONS {
            return Err(ApiError::bad_field(
                "where",
                format!("`where` has at most {MAX_CONDITIONS} conditions"),
            ));
        }
        Ok(filter)
    }
}

fn filter_at<W: Where>(asked: &W, path: &str, depth: usize, now: DateTime<Utc>) -> Result<Filter, ApiError> {
    if depth > MAX_DEPTH {
        return Err(ApiError::bad_field(
            path,
            format!("`and`, `or` and `not` nest at most {MAX_DEPTH} deep"),
        ));
    }
    if depth > 0 && asked.text().is_some() {
        return Err(ApiError::bad_field(
            &format!("{path}.text"),
            "`text` stands at the top of `where` only",
        ));
    }
    let mut all = asked.conditions(path, now)?;
    let parts = |name: &str, parts: &[W]| {
        at_most(parts.len(), MAX_CONDITIONS, &format!("{path}.{name}"))?;
        let read = |(place, part): (usize, &W)| filter_at(part, &format!("{path}.{name}[{place}]"), depth + 1, now);
        parts.iter().enumerate().map(read).collect::<Result<Vec<_>, ApiError>>()
    };
    if let Some(and) = asked.and() {
        all.extend(parts("and", and)?);
    }
    if let Some(or) = asked.or() {
        all.push(Filter::Any(parts("or", or)?));
    }
    if let Some(not) = asked.not() {
        let not = filter_at(not, &format!("{path}.not"), depth + 1, now)?;
        all.push(Filter::Not(Box::new(not)));
    }
    Ok(Filter::All(all))
}

/// Which categories to find.
#[derive(Clone, Default, InputObject)]
pub struct CategoryFilter {
    /// Exactly this one.
    pub eq: Option<String>,
    /// Any of these: at most 100.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<String>>,
}

/// A range of percentages; both ends belong to it.
#[derive(Clone, Default, InputObject)]
pub struct PercentRange {
    /// At least so much, such as `"10"`.
    pub gte: Option<Decimal>,
    /// At most so much.
    pub lte: Option<Decimal>,
}

impl PercentRange {
    /// Of a number in parts per million.
    pub(in crate::marketplace) fn filter(&self, field: Field, path: &str) -> Result<Filter, ApiError> {
        let end = |end: Option<Decimal>| end.map(|end| percent_to_ppm(end, path)).transpose();
        Ok(Filter::Between(field, end(self.gte)?, end(self.lte)?))
    }
}

/// A range of amounts of one currency; both ends belong to it.
#[derive(Clone, InputObject)]
pub struct AmountRange {
    /// The currency.
    pub currency: CurrencyCode,
    /// At least so much, in major units such as `"12.50"`.
    pub gte: Option<Decimal>,
    /// At most so much.
    pub lte: Option<Decimal>,
}

/// A range of days; both ends belong to it.
#[derive(Clone, Default, InputObject)]
pub struct DaysRange {
    /// At least so many.
    pub min_days: Option<i32>,
    /// At most so many.
    pub max_days: Option<i32>,
}

pub(in crate::marketplace) fn one_of(
    field: Field,
    eq: Option<&String>,
    any_of: Option<&[String]>,
    path: &str,
) -> Result<Vec<Filter>, ApiError> {
    at_most(any_of.map_or(0, <[_]>::len), MAX_VALUES, &format!("{path}.in"))?;
    let eq = eq.map(|value| Filter::In(field, vec![value.clone()]));
    let any_of = any_of.map(|values| Filter::In(field, values.to_vec()));
    Ok(eq.into_iter().chain(any_of).collect())
}

fn at_most(size: usize, most: usize, path: &str) -> Result<(), ApiError> {
    if size > most {
        return Err(ApiError::bad_field(path, format!("at most {most} values stand here")));
    }
    Ok(())
}

/// The same of values of an enum.
pub(in crate::marketplace) fn one_of_enum<T: Copy>(
    field: Field,
    eq: Option<T>,
    any_of: Option<&[T]>,
    word: impl Fn(T) -> String,
    path: &str,
) -> Result<Vec<Filter>, ApiError> {
    let eq = eq.map(&word);
    let any_of: Option<Vec<String>> = any_of.map(|values| values.iter().copied().map(&word).collect());
    one_of(field, eq.as_ref(), any_of.as_deref(), path)
}
