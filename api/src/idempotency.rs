//! The same request twice has one effect. One row per (tenant, operation, key), unique, written in the transaction of the
//! effect: a twin that arrives meanwhile waits on the row and then finds the first one's outcome. A refusal rolls back
//! and so does not use the key up.

use entity::{
    idempotency_key::{ActiveModel, Column, Entity},
    ids::{IdempotencyKeyId, TypedId},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PrimaryKeyTrait, QueryFilter,
    sea_query::OnConflict,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{app::App, error::ApiError};

/// Longest key accepted, in bytes.
pub const MAX_KEY_LEN: usize = 128;

/// A key as a client sent it, checked.
#[derive(Clone, Debug)]
pub struct Key(String);

impl Key {
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let printable = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if text.is_empty() || text.len() > MAX_KEY_LEN || !printable {
            return Err(ApiError::bad_field(
                "idempotencyKey",
                format!("an idempotency key has 1 to {MAX_KEY_LEN} printable ASCII characters without spaces"),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What became of claiming a key.
pub enum Claim {
    /// Nobody did this yet: do it, then [`Pending::settle`] before the commit.
    Fresh(Pending),
    /// It was done; the row it made.
    Replay(Uuid),
}

/// A claimed key whose effect is being made in this transaction.
pub struct Pending(IdempotencyKeyId);

/// A result, and whether it is an earlier one given again.
#[derive(Debug)]
pub struct Outcome<T> {
    pub value: T,
    pub replayed: bool,
}

impl<T> Outcome<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome {
            value: f(self.value),
            replayed: self.replayed,
        }
    }
}

fn request_hash(request: &impl Serialize) -> Result<String, ApiError> {
    let canonical = serde_json::to_vec(request).map_err(ApiError::internal)?;
    Ok(hex(&Sha256::digest(canonical)))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Claims `key` for `operation` of `tenant`. `request` is the validated command: what it serialises to is what "the same
/// content" means.
pub async fn claim_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    tenant: Uuid,
    operation: &'static str,
    key: &Key,
    request: &impl Serialize,
) -> Result<Claim, ApiError> {
    let fault = |error: DbErr| ApiError::internal(error);
    let hash = request_hash(request)?;
    let now = app.clock.now();
    let id: IdempotencyKeyId = app.ids.new_id(now);
    let row = ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant),
        operation: Set(operation.to_owned()),
        key: Set(key.0.clone()),
        request_hash: Set(hash.clone()),
        outcome_id: Set(None),
        created_at: Set(now),
    };
    let inserted = Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::TenantId, Column::Operation, Column::Key])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await
        .map_err(fault)?;
    if inserted > 0 {
        return Ok(Claim::Fresh(Pending(id)));
    }
    let earlier = Entity::find()
        .filter(Column::TenantId.eq(tenant))
        .filter(Column::Operation.eq(operation))
        .filter(Column::Key.eq(&key.0))
        .one(tx)
        .await
        .map_err(fault)?
        .ok_or_else(|| ApiError::internal("an idempotency key vanished while it was held"))?;
    if earlier.request_hash != hash {
        return Err(ApiError::IdempotencyKeyReused);
    }
    earlier
        .outcome_id
        .map(Claim::Replay)
        .ok_or_else(|| ApiError::internal("an idempotency key was committed without an outcome"))
}

/// A claim whose earlier outcome was read.
pub enum Begun<T> {
    Replay(T),
    Fresh(Pending),
}

/// Claims `key` for an operation whose outcome is a row of `E`.
pub async fn begin_in_tx<E>(
    tx: &DatabaseTransaction,
    app: &App,
    tenant: Uuid,
    operation: &'static str,
    key: &Key,
    request: &impl Serialize,
) -> Result<Begun<E::Model>, ApiError>
where
    E: EntityTrait,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: TypedId,
{
    match claim_in_tx(tx, app, tenant, operation, key, request).await? {
        Claim::Fresh(pending) => Ok(Begun::Fresh(pending)),
        Claim::Replay(id) => E::find_by_id(<E::PrimaryKey as PrimaryKeyTrait>::ValueType::from_uuid(id))
            .one(tx)
            .await
            .map_err(ApiError::internal)?
            .map(Begun::Replay)
            .ok_or_else(|| ApiError::internal("the outcome of a replayed operation is gone")),
    }
}

impl Pending {
    /// Remembers what the operation made.
    pub async fn settle(self, tx: &DatabaseTransaction, outcome: Uuid) -> Result<(), DbErr> {
        Entity::update(ActiveModel {
            id: Set(self.0),
            outcome_id: Set(Some(outcome)),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await
        .map(drop)
    }
}
