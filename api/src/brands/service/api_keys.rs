//! A brand's keys: made, listed, rotated, revoked.

use std::ops::RangeInclusive;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use entity::{
    TenantScoped,
    api_key::{self, ApiKeyKind, ApiKeyMode, KeyScope, KeyScopes},
    brand,
    ids::{ApiKeyId, BrandId},
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, sea_query::LockType,
};

use super::{Code, Result};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::{Operation, scopes_of},
        rules, service as accounts, tokens,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    page::{self, Page, Slice},
};

const MAX_KEYS_PER_BRAND: u64 = 50;
/// The furthest end a key may be given.
const MAX_EXPIRY_DAYS: i64 = 3_650;
/// How long a rotated key may work on.
const OVERLAP_HOURS: RangeInclusive<i64> = 0..=168;

/// A new key, whose text is shown this once.
#[derive(Debug)]
pub struct NewApiKey {
    pub key: api_key::Model,
    pub text: String,
}

pub struct CreateApiKey {
    pub brand: BrandId,
    pub kind: ApiKeyKind,
    pub mode: ApiKeyMode,
    pub name: String,
    /// Absent: everything its kind allows.
    pub scopes: Option<Vec<KeyScope>>,
    pub expires_at: Option<DateTime<Utc>>,
}

pub async fn create_api_key(app: &App, actor: &Actor, command: CreateApiKey) -> Result<NewApiKey> {
    actor.authorise(Operation::CreateApiKey, Place::brand(command.brand))?;
    let created_by = actor.user()?;
    let name = rules::clean_name(&command.name)
        .ok_or_else(|| Failure::refused_field(Code::NameInvalid, "name", "a name has 1 to 100 characters"))?;
    let scopes = command
        .scopes
        .map(|scopes| check_scopes(command.kind, &scopes))
        .transpose()?;
    let now = app.clock.now();
    // PostgreSQL keeps microseconds.
    let expires_at = command.expires_at.map(|at| at.trunc_subsecs(6));
    if expires_at.is_some_and(|at| at <= now || at > now + TimeDelta::days(MAX_EXPIRY_DAYS)) {
        return Err(Failure::refused_field(
            Code::ApiKeyExpiryInvalid,
            "expiresAt",
            format!("a key ends in the future, at most {MAX_EXPIRY_DAYS} days ahead"),
        ));
    }
    let (id, text) = (app.ids.new_id(now), new_text(app, command.kind, command.mode));
    let key = api_key::Model {
        id,
        brand_id: command.brand,
        kind: command.kind,
        mode: command.mode,
        name,
        last_four: last_four(&text),
        key_hash: tokens::fingerprint(&text),
        created_by,
        scopes: scopes.map(KeyScopes::to_text),
        expires_at,
        last_used_at: None,
        replaces_id: None,
        replaced_by_id: None,
        created_at: now,
        revoked_at: None,
    };
    let tx = app.db.begin().await?;
    insert_in_tx(&tx, app, &key).await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(key.brand_id, "api_key.created", id)).await?;
    tx.commit().await?;
    Ok(NewApiKey { key, text })
}

fn check_scopes(kind: ApiKeyKind, scopes: &[KeyScope]) -> Result<KeyScopes> {
    let allowed = scopes_of(kind);
    match scopes.iter().find(|scope| !allowed.contains(**scope)) {
        None => Ok(scopes.iter().copied().collect()),
        Some(scope) => Err(Failure::refused_field(
            Code::ScopeNotAllowed,
            "scopes",
            format!("a {} key cannot have the scope {}", kind.to_value(), scope.to_value()),
        )),
    }
}

fn new_text(app: &App, kind: ApiKeyKind, mode: ApiKeyMode) -> String {
    tokens::new_opaque(app, accounts::key_prefix(kind, mode))
}

fn last_four(text: &str) -> String {
    text.chars().skip(text.len() - 4).collect()
}

/// Within the brand's limit: its row is locked, so that two at once cannot both be the last.
async fn insert_in_tx(tx: &DatabaseTransaction, app: &App, key: &api_key::Model) -> Result<()> {
    brand::Entity::find_by_id(key.brand_id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let not_expired = Condition::any()
        .add(api_key::Column::ExpiresAt.is_null())
        .add(api_key::Column::ExpiresAt.gt(app.clock.now()));
    let in_use = api_key::Entity::find()
        .filter(api_key::Column::BrandId.eq(key.brand_id))
        .filter(api_key::Column::RevokedAt.is_null())
        .filter(not_expired)
        .count(tx)
        .await?;
    if in_use >= MAX_KEYS_PER_BRAND {
        return Err(Failure::refused(
            Code::TooManyApiKeys,
            format!("a brand may have at most {MAX_KEYS_PER_BRAND} keys in use"),
        ));
    }
    api_key::Entity::insert(api_key::ActiveModel::from(key.clone()))
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Makes a key in the place of another, which works on for a while, so that a server can change over without a gap.
pub async fn rotate_api_key(app: &App, actor: &Actor, id: ApiKeyId, overlap_hours: i64) -> Result<NewApiKey> {
    let tx = app.db.begin().await?;
    let old = find_in_tx(&tx, actor, id).await?;
    actor.authorise(Operation::RotateApiKey, Place::brand(old.brand_id))?;
    let created_by = actor.user()?;
    if !OVERLAP_HOURS.contains(&overlap_hours) {
        return Err(Failure::refused_field(
            Code::OverlapOutOfRange,
            "overlapHours",
            format!(
                "the old key works on for {} to {} hours",
                OVERLAP_HOURS.start(),
                OVERLAP_HOURS.end()
            ),
        ));
    }
    let now = app.clock.now();
    if old.revoked_at.is_some() || old.expires_at.is_some_and(|at| at <= now) {
        return Err(Failure::refused(
            Code::ApiKeyRevoked,
            "a key that has ended cannot be rotated; make a new one",
        ));
    }
    let (successor, text) = (app.ids.new_id(now), new_text(app, old.kind, old.mode));
    let key = api_key::Model {
        id: successor,
        last_four: last_four(&text),
        key_hash: tokens::fingerprint(&text),
        created_by,
        created_at: now,
        last_used_at: None,
        replaces_id: Some(id),
        replaced_by_id: None,
        ..old.clone()
    };
    let overlap_ends = now + TimeDelta::hours(overlap_hours);
    // A key that ends sooner by itself is not kept alive.
    let ends = old.expires_at.map_or(overlap_ends, |at| at.min(overlap_ends));
    let ended = api_key::Entity::update_many()
        .set(api_key::ActiveModel {
            expires_at: Set(Some(ends)),
            replaced_by_id: Set(Some(successor)),
            ..Default::default()
        })
        .filter(api_key::Column::Id.eq(id))
        .filter(api_key::Column::ReplacedById.is_null())
        .filter(api_key::Column::RevokedAt.is_null())
        .exec(&tx)
        .await?;
    if ended.rows_affected == 0 {
        return Err(Failure::refused(
            Code::ApiKeyReplaced,
            "this key was rotated before; rotate its successor",
        ));
    }
    insert_in_tx(&tx, app, &key).await?;
    let fact = Change::of_fact(key.brand_id, "api_key.created", successor);
    audit::record_in_tx(&tx, app, actor, fact).await?;
    let reason = format!("replaced by {successor}");
    let fact = Change {
        reason: Some(&reason),
        ..Change::of_fact(key.brand_id, "api_key.rotated", id)
    };
    audit::record_in_tx(&tx, app, actor, fact).await?;
    tx.commit().await?;
    Ok(NewApiKey { key, text })
}

async fn find_in_tx(tx: &DatabaseTransaction, actor: &Actor, id: ApiKeyId) -> Result<api_key::Model> {
    api_key::Entity::find_within(&actor.reach())
        .filter(api_key::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("API key").into())
}

/// Stops a key at once: every request and every delivery asks again.
pub async fn revoke_api_key(app: &App, actor: &Actor, id: ApiKeyId) -> Result<api_key::Model> {
    let tx = app.db.begin().await?;
    let mut key = find_in_tx(&tx, actor, id).await?;
    actor.authorise(Operation::RevokeApiKey, Place::brand(key.brand_id))?;
    if key.revoked_at.is_some() {
        return Err(Failure::refused(Code::ApiKeyRevoked, "this key was revoked before"));
    }
    key.revoked_at = Some(app.clock.now());
    api_key::Entity::update(api_key::ActiveModel {
        id: Set(id),
        revoked_at: Set(key.revoked_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(key.brand_id, "api_key.revoked", key.id),
    )
    .await?;
    tx.commit().await?;
    Ok(key)
}

pub async fn list_api_keys(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    page: &Page,
) -> std::result::Result<Slice<api_key::Model>, ApiError> {
    actor.authorise(Operation::SeeApiKeys, Place::brand(brand))?;
    let select = api_key::Entity::find_within(&actor.reach()).filter(api_key::Column::BrandId.eq(brand));
    page::fetch(
        app.db.read(),
        select,
        api_key::Column::Id,
        |row: &api_key::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
