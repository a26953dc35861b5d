//! Keyset pages. Every list that can grow is read newest first by its UUIDv7 id, a bounded page at a time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use uuid::Uuid;

use crate::error::ApiError;

/// The most items one page may hold.
pub const MAX_PAGE: i32 = 100;
/// The items of a page nobody sized.
pub const DEFAULT_PAGE: i32 = 20;

/// What a connection's arguments ask for, checked.
#[derive(Clone, Debug)]
pub struct Page {
    pub limit: u64,
    /// Only rows behind this one (older).
    pub after: Option<Uuid>,
    /// Only rows in front of this one (newer).
    pub before: Option<Uuid>,
    /// Take the page from the end of the range.
    pub from_end: bool,
    /// Count the whole list as well.
    pub count: bool,
}

impl Page {
    pub fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        count: bool,
    ) -> Result<Self, ApiError> {
        if first.is_some() && last.is_some() {
            return Err(ApiError::bad_field(
                "last",
                "`first` and `last` cannot be used together",
            ));
        }
        for (name, size) in [("first", first), ("last", last)] {
            if size.is_some_and(|size| !(1..=MAX_PAGE).contains(&size)) {
                return Err(ApiError::bad_field(
                    name,
                    format!("`{name}` must be between 1 and {MAX_PAGE}"),
                ));
            }
        }
        Ok(Self {
            limit: u64::try_from(first.or(last).unwrap_or(DEFAULT_PAGE)).unwrap_or(1),
            after: after.map(|cursor| decode_cursor("after", &cursor)).transpose()?,
            before: before.map(|cursor| decode_cursor("before", &cursor)).transpose()?,
            from_end: last.is_some(),
            count,
        })
    }

    /// The first page of the default size, for callers inside the program.
    #[must_use]
    pub fn first(limit: u64) -> Self {
        Self {
            limit,
            after: None,
            before: None,
            from_end: false,
            count: false,
        }
    }

    /// The page that holds the same rows of the list read from its other end; its [`Slice`] is to be reversed too.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            after: self.before,
            before: self.after,
            from_end: !self.from_end,
            ..self
        }
    }
}

/// What a page of `child` costs, for the complexity limit: as many times as it may hold items.
#[must_use]
pub fn cost(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    let size = first.or(last).unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    usize::try_from(size)
        .unwrap_or(1)
        .saturating_mul(child)
        .saturating_add(1)
}

#[must_use]
pub fn encode_cursor(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn decode_cursor(field: &str, cursor: &str) -> Result<Uuid, ApiError> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(|| ApiError::bad_field(field, format!("`{field}` is not a cursor of this list")))
}

/// One page: items newest first, each with its cursor.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    pub items: Vec<(String, T)>,
    pub has_previous_page: bool,
    pub has_next_page: bool,
    /// Present when it was asked for.
    pub total: Option<u64>,
}

impl<T> Slice<T> {
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.items.reverse();
        Self {
            has_previous_page: self.has_next_page,
            has_next_page: self.has_previous_page,
            ..self
        }
    }

    #[must_use]
    pub fn map<U>(self, f: impl Fn(T) -> U) -> Slice<U> {
        Slice {
            items: self.items.into_iter().map(|(cursor, item)| (cursor, f(item))).collect(),
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            total: self.total,
        }
    }
}

/// Reads one page of `select` by its id column, newest first.
pub async fn fetch<E, M, C>(
    connection: &C,
    select: Select<E>,
    id_column: E::Column,
    id_of: impl Fn(&M) -> Uuid,
    page: &Page,
) -> Result<Slice<M>, DbErr>
where
    E: EntityTrait<Model = M>,
    M: FromQueryResult + Send + Sync,
    C: ConnectionTrait,
{
    let total = if page.count {
        Some(select.clone().count(connection).await?)
    } else {
        None
    };
    let mut select = select;
    if let Some(after) = page.after {
        select = select.filter(id_column.lt(after));
    }
    if let Some(before) = page.before {
        select = select.filter(id_column.gt(before));
    }
    select = if page.from_end {
        select.order_by_asc(id_column)
    } else {
        select.order_by_desc(id_column)
    };
    // One row more than asked tells whether there is another page.
    let mut rows = select.limit(page.limit + 1).all(connection).await?;
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    if page.from_end {
        rows.reverse();
    }
    let (has_previous_page, has_next_page) = if page.from_end {
        (more, page.before.is_some())
    } else {
        (page.after.is_some(), more)
    };
    let items = rows.into_iter().map(|row| (encode_cursor(id_of(&row)), row)).collect();
    Ok(Slice {
        items,
        has_previous_page,
        has_next_page,
        total,
    })
}
