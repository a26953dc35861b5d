//! Who an API key is.

use entity::{
    api_key::{self, ApiKeyKind, ApiKeyMode},
    ids::ApiKeyId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use crate::{
    accounts::{
        actor::{Actor, Identity},
        tokens,
    },
    app::App,
    error::ApiError,
};

/// What all keys begin with.
const PREFIX: &str = "trk_";

/// What a key's text begins with, so that people can tell what they hold.
#[must_use]
pub fn key_prefix(kind: ApiKeyKind, mode: ApiKeyMode) -> &'static str {
    match (mode, kind) {
        (ApiKeyMode::Live, ApiKeyKind::Secret) => "trk_secret_",
        (ApiKeyMode::Live, ApiKeyKind::Publishable) => "trk_public_",
        (ApiKeyMode::Test, ApiKeyKind::Secret) => "trk_test_secret_",
        (ApiKeyMode::Test, ApiKeyKind::Publishable) => "trk_test_public_",
    }
}

pub(super) fn is_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

pub(super) async fn identify_key(app: &App, token: &str) -> Result<Actor, ApiError> {
    let key = working_keys()
        .filter(api_key::Column::KeyHash.eq(tokens::fingerprint(token)))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or(ApiError::Unauthenticated("this API key is unknown or revoked"))?;
    Ok(actor_of(&key))
}

/// The key's rights as they stand now.
pub(super) async fn reload_key(app: &App, id: ApiKeyId) -> Result<Actor, ApiError> {
    let key = working_keys()
        .filter(api_key::Column::Id.eq(id))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or(ApiError::Unauthenticated("this API key was revoked"))?;
    Ok(actor_of(&key))
}

fn working_keys() -> Select<api_key::Entity> {
    api_key::Entity::find().filter(api_key::Column::RevokedAt.is_null())
}

fn actor_of(key: &api_key::Model) -> Actor {
    let (id, brand, mode) = (key.id, key.brand_id, key.mode);
    let identity = match key.kind {
        ApiKeyKind::Secret => Identity::SecretKey { key: id, brand, mode },
        ApiKeyKind::Publishable => Identity::PublishableKey { key: id, brand, mode },
    };
    Actor {
        identity,
        ..Actor::anonymous()
    }
}
