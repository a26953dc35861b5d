//! What a resolver reaches through its context, and how an [`ApiError`] becomes a GraphQL error.

use async_graphql::{
    Context, ErrorExtensionValues, ID, MaybeUndefined,
    dataloader::{DataLoader, HashMapCache, Loader},
    runtime::{TokioSpawner, TokioTimer},
};
use entity::ids::TypedId;

use crate::{
    accounts::{
        actor::{Actor, Device},
        throttle::Client,
    },
    app::App,
    error::{ApiError, Fault},
    page::Page,
};

/// Batches of one request. One per request: a schema-wide one would both leak rights between callers and be slower.
pub struct Batch {
    pub app: App,
    pub actor: Actor,
}

pub type Loaders = DataLoader<Batch, HashMapCache>;

/// The loaders of one request, batching whatever becomes known before the executor next waits.
#[must_use]
pub fn loaders(app: App, actor: Actor) -> Loaders {
    DataLoader::with_cache(
        Batch { app, actor },
        TokioSpawner::current(),
        TokioTimer::default(),
        HashMapCache::default(),
    )
    .delay(std::time::Duration::ZERO)
}

/// Loaders for a subscription: every event reads afresh.
#[must_use]
pub fn uncached_loaders(app: App, actor: Actor) -> Loaders {
    let loaders = loaders(app, actor);
    loaders.enable_all_cache(false);
    loaders
}

/// Why a batch failed; cloned to everyone who waited for it.
#[derive(Clone, Debug)]
pub struct LoadError(pub String);

impl From<sea_orm::DbErr> for LoadError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self(error.to_string())
    }
}

impl From<Fault> for LoadError {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

/// Shorthands of every resolver.
pub trait ContextExt {
    fn app(&self) -> &App;
    fn actor(&self) -> &Actor;
    fn device(&self) -> Device;
    fn client(&self) -> Client;
    /// Checks the arguments of a connection; counts the whole list only when `totalCount` is selected.
    fn page(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Page, ApiError>;
    /// One value of this request's batch.
    fn load<K>(&self, key: K) -> impl Future<Output = Result<Option<<Batch as Loader<K>>::Value>, ApiError>> + Send
    where
        K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
        Batch: Loader<K, Error = LoadError>;
}

impl ContextExt for Context<'_> {
    fn app(&self) -> &App {
        self.data_unchecked::<App>()
    }

    fn actor(&self) -> &Actor {
        self.data_unchecked::<Actor>()
    }

    fn device(&self) -> Device {
        self.data_unchecked::<Device>().clone()
    }

    fn client(&self) -> Client {
        self.data_unchecked::<Device>().client
    }

    fn page(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Page, ApiError> {
        let count = self.look_ahead().field("totalCount").exists();
        Page::new(first, after, last, before, count)
    }

    async fn load<K>(&self, key: K) -> Result<Option<<Batch as Loader<K>>::Value>, ApiError>
    where
        K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
        Batch: Loader<K, Error = LoadError>,
    {
        self.data_unchecked::<Loaders>()
            .load_one(key)
            .await
            .map_err(|error| ApiError::internal(error.0))
    }
}

/// Reads an `ID` argument as an id of the wanted kind.
pub fn parse_id<T>(id: &ID, field: &str) -> Result<T, ApiError>
where
    T: TypedId + std::str::FromStr<Err = entity::ids::IdParseError>,
{
    id.parse().map_err(|error| ApiError::bad_field(field, error))
}

/// Reads a field of a patch that has no "nothing": absent leaves it alone, null is refused.
pub fn not_null<T>(value: MaybeUndefined<T>, field: &str) -> Result<Option<T>, ApiError> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Err(ApiError::bad_field(
            field,
            format!("`{field}` cannot be null; leave it out to keep it"),
        )),
        MaybeUndefined::Value(value) => Ok(Some(value)),
    }
}

/// Reads an id whose "nothing" means something, so that leaving it out is a mistake: `what` says what is wanted.
pub fn said_id<T>(id: &MaybeUndefined<ID>, field: &str, what: &str) -> Result<Option<T>, ApiError>
where
    T: TypedId + std::str::FromStr<Err = entity::ids::IdParseError>,
{
    match id {
        MaybeUndefined::Value(id) => parse_id(id, field).map(Some),
        MaybeUndefined::Null => Ok(None),
        MaybeUndefined::Undefined => Err(ApiError::bad_field(field, what)),
    }
}

/// Reads a field of a patch: absent leaves it alone, null takes it away.
pub fn nullable<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        if let ApiError::Internal(_) = &error {
            tracing::error!(cause = error.log_text(), "a resolver failed");
        }
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code());
        if let ApiError::BadUserInput { field: Some(field), .. } = &error {
            extensions.set("field", field.as_str());
        }
        if let ApiError::RateLimited {
            retry_after_seconds: Some(seconds),
            ..
        } = &error
        {
            extensions.set("retryAfterSeconds", *seconds);
        }
        Self {
            message: error.public_message(),
            source: None,
            extensions: Some(extensions),
        }
    }
}
