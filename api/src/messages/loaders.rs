//! Batches of threads and messages, each within what the caller may see.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped,
    ids::{MessageId, MessageThreadId, PartnerId, ProgramId},
    message, message_thread, thread_read,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    graphql::context::{Batch, LoadError},
    messages::service,
};

/// The thread of a partner in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadFor(pub ProgramId, pub PartnerId);

/// Whether a partner and a program may write to each other now. The thread that says who they are was authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpenBetween(pub ProgramId, pub PartnerId);

/// What others wrote in a thread that the caller has not read. The thread was authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnreadIn(pub MessageThreadId);

impl Loader<MessageThreadId> for Batch {
    type Value = message_thread::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[MessageThreadId],
    ) -> Result<HashMap<MessageThreadId, message_thread::Model>, LoadError> {
        let rows = message_thread::Entity::find_within(&self.actor.reach())
            .filter(message_thread::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_thread(&self.actor, row.brand_id, row.partner_id))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<MessageId> for Batch {
    type Value = message::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[MessageId]) -> Result<HashMap<MessageId, message::Model>, LoadError> {
        let rows = message::Entity::find_within(&self.actor.reach())
            .filter(message::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_thread(&self.actor, row.brand_id, row.partner_id))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<ThreadFor> for Batch {
    type Value = message_thread::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ThreadFor]) -> Result<HashMap<ThreadFor, message_thread::Model>, LoadError> {
        let rows = message_thread::Entity::find_within(&self.actor.reach())
            .filter(message_thread::Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .filter(message_thread::Column::PartnerId.is_in(keys.iter().map(|key| key.1)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_thread(&self.actor, row.brand_id, row.partner_id))
            .map(|row| (ThreadFor(row.program_id, row.partner_id), row))
            .collect())
    }
}

impl Loader<OpenBetween> for Batch {
    type Value = bool;
    type Error = LoadError;

    async fn load(&self, keys: &[OpenBetween]) -> Result<HashMap<OpenBetween, bool>, LoadError> {
        let pairs: Vec<(ProgramId, PartnerId)> = keys.iter().map(|key| (key.0, key.1)).collect();
        let open = service::find_open(self.app.db.read(), self.app.clock.now(), &pairs).await?;
        Ok(keys.iter().map(|key| (*key, open.contains(&(key.0, key.1)))).collect())
    }
}

impl Loader<UnreadIn> for Batch {
    type Value = i64;
    type Error = LoadError;

    async fn load(&self, keys: &[UnreadIn]) -> Result<HashMap<UnreadIn, i64>, LoadError> {
        use message::{Column, Entity};
        let Ok(user) = self.actor.user() else {
            return Ok(HashMap::new());
        };
        let read: HashMap<MessageThreadId, MessageId> = thread_read::Entity::find()
            .filter(thread_read::Column::UserId.eq(user))
            .filter(thread_read::Column::ThreadId.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?
            .into_iter()
            .map(|row| (row.thread_id, row.message_id))
            .collect();
        // Thread by thread, each a look into the index behind what was read.
        let behind = keys.iter().fold(Condition::any(), |behind, key| {
            let mut this = Condition::all().add(Column::ThreadId.eq(key.0));
            if let Some(last) = read.get(&key.0) {
                this = this.add(Column::Id.gt(*last));
            }
            behind.add(this)
        });
        let counts: Vec<(Uuid, i64)> = Entity::find()
            .select_only()
            .column(Column::ThreadId)
            .column_as(Column::Id.count(), "count")
            .filter(behind)
            .filter(Column::UserId.ne(user))
            .group_by(Column::ThreadId)
            .into_tuple()
            .all(self.app.db.read())
            .await?;
        let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
        let count = |key: &UnreadIn| counts.get(&key.0.0).copied().unwrap_or_default();
        Ok(keys.iter().map(|key| (*key, count(key))).collect())
    }
}

/// The rows that feed events are about. The feed has authorised its tenant, and its events are that tenant's own.
pub async fn by_subject(app: App, ids: Vec<Uuid>) -> Result<HashMap<Uuid, message::Model>, ApiError> {
    let rows = message::Entity::find()
        .filter(message::Column::Id.is_in(ids))
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row)).collect())
}
