//! The same request twice has one effect. One row per (tenant, operation, key), unique, written in the transaction of the
//! effect: a twin that arrives meanwhile waits on the row and then finds the first one's outcome. A refusal rolls back
//! and so does not use the key up.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    idempotency_key::{ActiveModel, Column, Entity, Model},
    ids::{IdempotencyKeyId, TypedId},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PrimaryKeyTrait, QueryFilter,
    sea_query::OnConflict,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{app::App, error::ApiError, infra::db::INSERT_CHUNK};

/// Longest key accepted, in bytes.
pub const MAX_KEY_LEN: usize = 128;

/// A key as a client sent it, checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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

/// What "the same content" means: the hash of what a validated command serialises to.
pub fn request_hash(request: &impl Serialize) -> Result<String, ApiError> {
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

/// One request of a batch that wants its key.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub operation: &'static str,
    pub key: Key,
    /// See [`request_hash`].
    pub hash: String,
    /// What the request will have made when it is done.
    pub outcome: Uuid,
}

impl Wanted {
    fn name(&self) -> Name {
        (self.operation, self.key.clone())
    }
}

/// A key within its tenant.
type Name = (&'static str, Key);

/// The keys of a batch, held until its transaction ends. They are taken in their order, so that two batches with the same
/// keys never wait for each other.
pub struct Claims {
    tenant: Uuid,
    /// Rows made for this batch.
    held: BTreeMap<Name, Model>,
    /// The content and outcome of what was done under a key, before the batch or by an earlier request of it.
    done: BTreeMap<Name, (String, Uuid)>,
    /// Keys under which this batch did something.
    used: BTreeSet<Name>,
}

/// Claims the keys of a batch: one statement, and another one when some are known already.
pub async fn claim_all_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    tenant: Uuid,
    wanted: &[Wanted],
) -> Result<Claims, ApiError> {
    let now = app.clock.now();
    let mut held: BTreeMap<Name, Model> = BTreeMap::new();
    for request in wanted {
        held.entry(request.name()).or_insert_with(|| Model {
            id: app.ids.new_id(now),
            tenant_id: tenant,
            operation: request.operation.to_owned(),
            key: request.key.0.clone(),
            request_hash: request.hash.clone(),
            outcome_id: Some(request.outcome),
            created_at: now,
        });
    }
    let mut claims = Claims {
        tenant,
        held,
        done: BTreeMap::new(),
        used: BTreeSet::new(),
    };
    let rows: Vec<Model> = claims.held.values().cloned().collect();
    if insert_in_tx(tx, &rows).await.map_err(ApiError::internal)? < rows.len() as u64 {
        claims.read_earlier_in_tx(tx).await?;
    }
    Ok(claims)
}

/// Rows that were not there before; how many they were.
async fn insert_in_tx(tx: &DatabaseTransaction, rows: &[Model]) -> Result<u64, DbErr> {
    let mut inserted = 0;
    for chunk in rows.chunks(INSERT_CHUNK) {
        let rows: Vec<ActiveModel> = chunk.iter().cloned().map(Into::into).collect();
        inserted += Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([Column::TenantId, Column::Operation, Column::Key])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(inserted)
}

impl Claims {
    /// Reads the rows of other transactions that hold some of the keys.
    async fn read_earlier_in_tx(&mut self, tx: &DatabaseTransaction) -> Result<(), ApiError> {
        let operations: BTreeSet<&str> = self.held.keys().map(|(operation, _)| *operation).collect();
        let keys: BTreeSet<&str> = self.held.keys().map(|(_, key)| key.0.as_str()).collect();
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.tenant))
            .filter(Column::Operation.is_in(operations))
            .filter(Column::Key.is_in(keys))
            .all(tx)
            .await
            .map_err(ApiError::internal)?;
        let mut rows: BTreeMap<(String, String), Model> = rows
            .into_iter()
            .map(|row| ((row.operation.clone(), row.key.clone()), row))
            .collect();
        let mut earlier = Vec::new();
        for (name, own) in &self.held {
            let row = rows
                .remove(&(own.operation.clone(), own.key.clone()))
                .ok_or_else(|| ApiError::internal("an idempotency key vanished while it was held"))?;
            if row.id != own.id {
                let outcome = row
                    .outcome_id
                    .ok_or_else(|| ApiError::internal("an idempotency key was committed without an outcome"))?;
                earlier.push((name.clone(), row.request_hash, outcome));
            }
        }
        for (name, hash, outcome) in earlier {
            self.held.remove(&name);
            self.done.insert(name, (hash, outcome));
        }
        Ok(())
    }

    /// What was done under the key of a request: nothing yet, its own content before (the outcome), or other content.
    pub fn earlier(&self, request: &Wanted) -> Result<Option<Uuid>, ApiError> {
        match self.done.get(&request.name()) {
            None => Ok(None),
            Some((hash, outcome)) if *hash == request.hash => Ok(Some(*outcome)),
            Some(_) => Err(ApiError::IdempotencyKeyReused),
        }
    }

    /// Remembers that a request was done.
    pub fn use_up(&mut self, request: &Wanted) {
        self.done
            .insert(request.name(), (request.hash.clone(), request.outcome));
        self.used.insert(request.name());
    }

    /// Takes back all that was done under the keys of this batch.
    pub fn forget(&mut self) {
        self.used.clear();
    }

    /// Leaves what was done in the database, and gives the keys of refused requests back.
    pub async fn settle_in_tx(mut self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        let mut wrong = Vec::new();
        let mut right = Vec::new();
        for (name, mut row) in std::mem::take(&mut self.held) {
            let done = self.done.get(&name).filter(|_| self.used.contains(&name));
            match done {
                Some((hash, outcome)) if row.outcome_id == Some(*outcome) && row.request_hash == *hash => {}
                // The first request under this key was refused, a later one was not.
                Some((hash, outcome)) => {
                    wrong.push(row.id);
                    row.request_hash.clone_from(hash);
                    row.outcome_id = Some(*outcome);
                    right.push(row);
                }
                None => wrong.push(row.id),
            }
        }
        if !wrong.is_empty() {
            Entity::delete_many().filter(Column::Id.is_in(wrong)).exec(tx).await?;
        }
        insert_in_tx(tx, &right).await.map(drop)
    }
}
