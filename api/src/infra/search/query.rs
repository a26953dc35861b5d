//! What to look for, typed. Each engine writes its own filters from it, never from what a person typed.

use uuid::Uuid;

use super::{schema::Field, words::Text};

/// Most hits a page may have, and how far into a list it may begin.
pub const MAX_LIMIT: u64 = 100;
pub const MAX_OFFSET: u64 = 10_000;

/// A place on earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub latitude: f64,
    pub longitude: f64,
}

/// Mean radius of the earth.
const EARTH_METRES: f64 = 6_371_008.8;

impl Point {
    /// From millionths of a degree.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "angles are no money")]
    pub fn of_micro(latitude: i32, longitude: i32) -> Self {
        Self {
            latitude: f64::from(latitude) / 1e6,
            longitude: f64::from(longitude) / 1e6,
        }
    }

    /// The way over the ground, in metres.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "angles are no money")]
    pub fn metres_to(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_latitude = (to - from) / 2.0;
        let half_longitude = (other.longitude - self.longitude).to_radians() / 2.0;
        let chord = half_latitude.sin().powi(2) + from.cos() * to.cos() * half_longitude.sin().powi(2);
        2.0 * EARTH_METRES * chord.sqrt().min(1.0).asin()
    }
}

/// Which documents pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every one of them; all documents when there is none.
    All(Vec<Filter>),
    /// One of them at least; no document when there is none.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// One of the field's keywords is among these.
    In(Field, Vec<String>),
    /// From the first to the second, both included. A document without the number does not pass.
    Between(Field, Option<i64>, Option<i64>),
    Is(Field, bool),
    /// One of these documents.
    Ids(Vec<Uuid>),
    /// At most so many metres away.
    Within(Field, Point, u32),
}

impl Filter {
    /// The same where this holds, too.
    #[must_use]
    pub fn with(self, other: Option<Self>) -> Self {
        match other {
            Some(other) => Self::All(vec![self, other]),
            None => self,
        }
    }

    /// The same without these documents, however well they fit.
    #[must_use]
    pub fn without(self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        if ids.is_empty() {
            return self;
        }
        Self::All(vec![self, Self::Not(Box::new(Self::Ids(ids)))])
    }

    /// How many conditions it is made of, itself included.
    #[must_use]
    pub fn nodes(&self) -> usize {
        1 + match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::nodes).sum(),
            Self::Not(part) => part.nodes(),
            _ => 0,
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

/// In which order. Among equals the newest id comes first; what has no value comes last either way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sort {
    /// The best match first.
    #[default]
    Relevance,
    Ascending(Field),
    Descending(Field),
    /// The nearest first.
    Distance(Field, Point),
}

/// What to look for in an index.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Absent: everything. A text without a word in it finds nothing.
    pub text: Option<Text>,
    pub filter: Filter,
    pub sort: Sort,
    pub offset: u64,
    pub limit: u64,
    /// Count everything that passes, too.
    pub count: bool,
    /// Keywords and flags to count the values of, numbers to find the range of, among everything that passes.
    pub facets: Vec<Field>,
    /// Texts to show the matches in.
    pub highlight: Vec<Field>,
}

impl Query {
    /// Is it plain from the query alone that nothing is found?
    #[must_use]
    pub fn finds_nothing(&self) -> bool {
        self.text.as_ref().is_some_and(Text::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let berlin = Point {
            latitude: 52.520_008,
            longitude: 13.404_954,
        };
        let paris = Point {
            latitude: 48.856_613,
            longitude: 2.352_222,
        };
        let kilometres = berlin.metres_to(paris) / 1_000.0;
        assert!((877.0..879.0).contains(&kilometres), "{kilometres}");
        assert!(berlin.metres_to(berlin) < 1.0);
        let (east, west) = (
            Point {
                latitude: 0.0,
                longitude: 179.5,
            },
            Point {
                latitude: 0.0,
                longitude: -179.5,
            },
        );
        let across = east.metres_to(west) / 1_000.0;
        assert!((111.0..112.0).contains(&across), "the date line is no wall: {across}");
    }

    #[test]
    fn nodes_are_counted_all_the_way_down() {
        let some = Filter::Any(vec![Filter::default(), Filter::Not(Box::default())]);
        assert_eq!(some.nodes(), 4);
    }
}
