//! What is put into an index.

use uuid::Uuid;

use super::{
    query::Point,
    schema::{Field, Kind},
};

/// Longest text that is indexed, in bytes: far above what a row may hold.
pub const MAX_TEXT_BYTES: usize = 20_000;
/// Most keywords of one field.
pub const MAX_KEYWORDS: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Keywords(Vec<String>),
    Number(i64),
    Flag(bool),
    Point(Point),
}

/// One thing that can be found. A field that has no value is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: Uuid,
    values: Vec<(Field, Value)>,
}

impl Document {
    #[must_use]
    pub fn new(id: Uuid) -> Self {
        Self { id, values: Vec::new() }
    }

    #[must_use]
    pub fn text(self, field: Field, text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        self.with(field, Value::Text(text))
    }

    #[must_use]
    pub fn keywords<T: Into<String>>(self, field: Field, words: impl IntoIterator<Item = T>) -> Self {
        let mut words: Vec<String> = words.into_iter().map(Into::into).collect();
        words.sort_unstable();
        words.dedup();
        words.truncate(MAX_KEYWORDS);
        self.with(field, Value::Keywords(words))
    }

    #[must_use]
    pub fn number(self, field: Field, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.with(field, Value::Number(number)),
            None => self,
        }
    }

    #[must_use]
    pub fn flag(self, field: Field, flag: bool) -> Self {
        self.with(field, Value::Flag(flag))
    }

    #[must_use]
    pub fn point(self, field: Field, point: Option<Point>) -> Self {
        match point {
            Some(point) => self.with(field, Value::Point(point)),
            None => self,
        }
    }

    fn with(mut self, field: Field, value: Value) -> Self {
        debug_assert!(
            matches!(
                (field.kind, &value),
                (Kind::Text { .. }, Value::Text(_))
                    | (Kind::Keyword, Value::Keywords(_))
                    | (Kind::Number, Value::Number(_))
                    | (Kind::Flag, Value::Flag(_))
                    | (Kind::Point, Value::Point(_))
            ),
            "{} cannot be {value:?}",
            field.name
        );
        self.values.push((field, value));
        self
    }

    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.values
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value)
    }

    pub fn values(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.values.iter().map(|(field, value)| (*field, value))
    }
}

/// A change of an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The document as it is now, whether there was one or not.
    Put(Document),
    Remove(Uuid),
}
