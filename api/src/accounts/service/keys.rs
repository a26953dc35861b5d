//! Who an API key is.

use entity::{
    api_key::{self, ApiKeyKind, ApiKeyMode, KeyScopes},
    ids::ApiKeyId,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, Select};

use crate::{
    accounts::{
        actor::{Actor, Identity, KeyRights},
        permissions::scopes_of,
        tokens,
    },
    app::App,
    error::ApiError,
};

/// Keys of one statement.
const BATCH: usize = 1_000;
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
    let key = working_keys(app)
        .filter(api_key::Column::KeyHash.eq(tokens::fingerprint(token)))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or(ApiError::Unauthenticated("this API key is unknown, expired or revoked"))?;
    app.keys_in_use.note(key.id);
    Ok(actor_of(&key))
}

/// The key's rights as they stand now.
pub(super) async fn reload_key(app: &App, id: ApiKeyId) -> Result<Actor, ApiError> {
    let key = working_keys(app)
        .filter(api_key::Column::Id.eq(id))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or(ApiError::Unauthenticated("this API key has expired or was revoked"))?;
    Ok(actor_of(&key))
}

fn working_keys(app: &App) -> Select<api_key::Entity> {
    let not_expired = Condition::any()
        .add(api_key::Column::ExpiresAt.is_null())
        .add(api_key::Column::ExpiresAt.gt(app.clock.now()));
    api_key::Entity::find()
        .filter(api_key::Column::RevokedAt.is_null())
        .filter(not_expired)
}

fn actor_of(key: &api_key::Model) -> Actor {
    let (id, brand) = (key.id, key.brand_id);
    let rights = KeyRights {
        mode: key.mode,
        scopes: scopes_of_key(key),
    };
    let identity = match key.kind {
        ApiKeyKind::Secret => Identity::SecretKey { key: id, brand, rights },
        ApiKeyKind::Publishable => Identity::PublishableKey { key: id, brand, rights },
    };
    Actor {
        identity,
        valid_until: key.expires_at,
        mode: key.mode,
        ..Actor::anonymous()
    }
}

/// What a key was given: never more than its kind allows.
#[must_use]
pub fn scopes_of_key(key: &api_key::Model) -> KeyScopes {
    let all = scopes_of(key.kind);
    match &key.scopes {
        None => all,
        Some(text) => KeyScopes::from_text(text)
            .iter()
            .filter(|scope| all.contains(*scope))
            .collect(),
    }
}

/// Writes which keys were used since the last time.
pub async fn write_keys_last_used(app: &App) -> Result<(), DbErr> {
    for keys in app.keys_in_use.take().chunks(BATCH) {
        let tx = app.db.begin().await?;
        api_key::Entity::update_many()
            .set(api_key::ActiveModel {
                last_used_at: Set(Some(app.clock.now())),
                ..Default::default()
            })
            .filter(api_key::Column::Id.is_in(keys.iter().copied()))
            .exec(&tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}
