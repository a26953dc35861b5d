//! Filters as the server's expressions.

use std::fmt::Write as _;

use super::{ID, attribute, id_text};
use crate::infra::search::{Filter, schema::Field};

/// Which documents pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    All,
    Nothing,
    /// Those of this expression, which stands for itself among others.
    Those(String),
}

use Condition::{All, Nothing, Those};

/// The server has no word for everything and nothing: what is plain is worked out here.
pub fn of(filter: &Filter) -> Condition {
    match filter {
        Filter::All(parts) => joined(parts, " AND ", &All, &Nothing),
        Filter::Any(parts) => joined(parts, " OR ", &Nothing, &All),
        Filter::Not(part) => match of(part) {
            All => Nothing,
            Nothing => All,
            Those(text) => Those(format!("(NOT {text})")),
        },
        Filter::In(field, words) => one_of(field.name, words.iter().map(String::as_str)),
        Filter::Ids(ids) => {
            let ids: Vec<String> = ids.iter().map(|id| id_text(*id)).collect();
            one_of(ID, ids.iter().map(String::as_str))
        }
        Filter::Between(field, from, to) => between(*field, *from, *to),
        Filter::Is(field, flag) => Those(format!("({} = {flag})", field.name)),
        Filter::Within(_, center, metres) => Those(format!(
            "_geoRadius({}, {}, {metres})",
            center.latitude, center.longitude
        )),
    }
}

/// `neutral` changes nothing among others, and is what none of them come to; one that is `decisive` is the answer.
fn joined(parts: &[Filter], with: &str, neutral: &Condition, decisive: &Condition) -> Condition {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match of(part) {
            Those(text) => texts.push(text),
            plain if plain == *decisive => return plain,
            _ => {}
        }
    }
    match texts.as_slice() {
        [] => neutral.clone(),
        [only] => Those(only.clone()),
        _ => Those(format!("({})", texts.join(with))),
    }
}

fn one_of<'a>(name: &str, words: impl Iterator<Item = &'a str>) -> Condition {
    let words: Vec<String> = words.map(quoted).collect();
    if words.is_empty() {
        return Nothing;
    }
    Those(format!("({name} IN [{}])", words.join(", ")))
}

fn between(field: Field, from: Option<i64>, to: Option<i64>) -> Condition {
    let name = attribute(field);
    Those(match (from, to) {
        (Some(from), Some(to)) => format!("({name} >= {from} AND {name} <= {to})"),
        (Some(from), None) => format!("({name} >= {from})"),
        (None, Some(to)) => format!("({name} <= {to})"),
        (None, None) => format!("({name} EXISTS)"),
    })
}

/// A value that can end nowhere but at its own quote: of what is not a letter, a digit or a hyphen, only the number stands
/// there.
fn quoted(word: &str) -> String {
    let mut text = String::with_capacity(word.len() + 2);
    text.push('"');
    for c in word.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | ' ') {
            text.push(c);
        } else {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::{super::GEO, *};
    use crate::infra::search::{Point, schema::creators};

    fn text(filter: &Filter) -> String {
        match of(filter) {
            Those(text) => text,
            plain => format!("{plain:?}"),
        }
    }

    fn niche(words: &[&str]) -> Filter {
        Filter::In(creators::NICHES, words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn what_is_plain_is_worked_out() {
        let (all, nothing) = (Filter::All(vec![]), Filter::Any(vec![]));
        let not = |filter: &Filter| Filter::Not(Box::new(filter.clone()));
        for (filter, expected) in [
            (all.clone(), "All"),
            (nothing.clone(), "Nothing"),
            (not(&all), "Nothing"),
            (not(&nothing), "All"),
            (niche(&[]), "Nothing"),
            (Filter::Ids(vec![]), "Nothing"),
            (Filter::All(vec![all.clone(), niche(&["a"])]), "(niches IN [\"a\"])"),
            (Filter::All(vec![nothing.clone(), niche(&["a"])]), "Nothing"),
            (Filter::Any(vec![nothing, niche(&["a"])]), "(niches IN [\"a\"])"),
            (Filter::Any(vec![all, niche(&["a"])]), "All"),
        ] {
            assert_eq!(text(&filter), expected, "{filter:?}");
        }
    }

    #[test]
    fn conditions_combine() {
        let filter = Filter::All(vec![
            Filter::Any(vec![niche(&["a", "b-c"]), Filter::Is(creators::VERIFIED, true)]),
            Filter::Not(Box::new(Filter::Between(creators::FOLLOWERS, Some(-1), Some(5)))),
            Filter::Between(creators::ENGAGEMENT, None, None),
        ]);
        assert_eq!(
            text(&filter),
            "(((niches IN [\"a\", \"b-c\"]) OR (verified = true)) AND (NOT (followers >= -1 AND followers <= 5)) \
             AND (engagement EXISTS))"
        );
        let point = Point {
            latitude: 52.5,
            longitude: -13.25,
        };
        assert_eq!(
            text(&Filter::Within(creators::LOCATION, point, 1_000)),
            "_geoRadius(52.5, -13.25, 1000)"
        );
    }

    #[test]
    fn a_value_ends_only_at_its_quote() {
        assert_eq!(quoted("food-drink"), "\"food-drink\"");
        assert_eq!(quoted(r#"a" OR "b"#), r#""a\u{22} OR \u{22}b""#);
        assert_eq!(quoted("\\"), r#""\u{5c}""#);
        assert_eq!(quoted("é]\n"), r#""é\u{5d}\u{a}""#);
    }

    #[test]
    fn the_schema_has_names_that_need_no_quotes() {
        for index in crate::infra::search::Index::ALL {
            for field in index.fields() {
                assert!(field.name.chars().all(|c| c.is_ascii_alphanumeric()), "{}", field.name);
            }
        }
        assert_eq!((ID, GEO), ("id", "_geo"));
    }
}
