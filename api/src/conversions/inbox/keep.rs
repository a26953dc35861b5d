//! Keeping what was refused, behind the refusal.

use std::collections::BTreeMap;

use entity::{
    ids::{BrandId, RefusedEventId},
    refused_event::{ActiveModel, Column, Entity, EventKind, Model, RefusedEventState},
};
use sea_orm::{
    ActiveEnum, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::Value;

use super::rules;
use crate::{
    accounts::{
        actor::{Actor, Identity, Place},
        permissions::Operation,
    },
    app::App,
    error::Failure,
    idempotency::{self, Key},
    infra::db::INSERT_CHUNK,
};

/// Refused events of a brand. Over it the oldest go, those that are closed before those that are open.
pub const MAX_KEPT: u64 = 10_000;

/// Where events came in, and by whose right.
pub struct Door<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub brand: BrandId,
    /// What the sender must be allowed.
    pub operation: Operation,
    /// The path or the mutation.
    pub name: &'a str,
}

/// An event that was refused.
#[derive(Debug)]
pub struct Refused {
    pub kind: EventKind,
    /// As its `/track` door takes it. What is no JSON is a text.
    pub body: Value,
    pub idempotency_key: Option<String>,
    pub code: &'static str,
    pub message: String,
    pub field: Option<String>,
}

impl Refused {
    /// What is to be kept of a failure: nothing, unless it was about the content.
    pub fn of<C: crate::error::RefusalCode>(
        failure: &Failure<C>,
        kind: EventKind,
        body: Value,
        idempotency_key: Option<String>,
    ) -> Option<Self> {
        rules::is_of_content(failure).then(|| Self {
            kind,
            body,
            idempotency_key,
            code: failure.code(),
            message: failure.public_message(),
            field: failure.field().map(str::to_owned),
        })
    }
}

/// Keeps what was refused: as many statements for a thousand events as for one, but for a statement each
/// [`INSERT_CHUNK`]. The refusal has been decided, so a fault here is logged and told to nobody.
pub async fn keep(door: &Door<'_>, refused: Vec<Refused>) {
    let Door {
        actor,
        brand,
        operation,
        ..
    } = door;
    if refused.is_empty() || actor.authorise(*operation, Place::brand(*brand)).is_err() {
        return;
    }
    let rows = door.rows(refused);
    if let Err(error) = write(door, rows).await {
        tracing::error!(%error, "refused events could not be kept");
    }
}

impl Door<'_> {
    /// A row for each different one, by its content.
    fn rows(&self, refused: Vec<Refused>) -> Vec<Model> {
        let mut rows: BTreeMap<String, Model> = BTreeMap::new();
        for event in refused {
            let row = self.row(event);
            rows.entry(row.content_hash.clone())
                .and_modify(|known| known.attempts += 1)
                .or_insert(row);
        }
        rows.into_values().collect()
    }

    fn row(&self, event: Refused) -> Model {
        let now = self.app.clock.now();
        let (api_key_id, user_id) = match self.actor.identity {
            Identity::SecretKey { key, .. } | Identity::PublishableKey { key, .. } => (Some(key), None),
            Identity::User(user) => (None, Some(user)),
            Identity::Anonymous | Identity::System => (None, None),
        };
        let whole = rules::clean(&event.body);
        let content_hash = content_hash(event.kind, &self.actor.mode.to_value(), event.code, &whole);
        let (body, body_cut) = rules::cut(whole);
        Model {
            id: self.app.ids.new_id::<RefusedEventId>(now),
            brand_id: self.brand,
            kind: event.kind,
            mode: self.actor.mode,
            state: RefusedEventState::Open,
            door: self.name.to_owned(),
            api_key_id,
            user_id,
            body,
            body_cut,
            content_hash,
            code: event.code.to_owned(),
            message: rules::clean_message(&event.message),
            field: event.field,
            order_id: rules::searchable(&event.body, "orderId"),
            customer_id: rules::searchable(&event.body, "customerId"),
            idempotency_key: event.idempotency_key.filter(|key| Key::parse(key).is_ok()),
            attempts: 1,
            became: None,
            dismissal_reason: None,
            created_at: now,
            last_seen_at: now,
            closed_at: None,
        }
    }
}

fn content_hash(kind: EventKind, mode: &str, code: &str, body: &str) -> String {
    use sha2::{Digest, Sha256};
    let text = [kind.to_value().as_str(), mode, code, body].join("\n");
    idempotency::hex(&Sha256::digest(text))
}

async fn write(door: &Door<'_>, rows: Vec<Model>) -> Result<(), DbErr> {
    let tx = door.app.db.begin().await?;
    for chunk in rows.chunks(INSERT_CHUNK) {
        let rows: Vec<ActiveModel> = chunk.iter().cloned().map(Into::into).collect();
        Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([Column::BrandId, Column::ContentHash])
                    .value(
                        Column::Attempts,
                        Expr::cust("refused_events.attempts + excluded.attempts"),
                    )
                    .update_columns([Column::LastSeenAt, Column::Message])
                    .to_owned(),
            )
            .exec_without_returning(&tx)
            .await?;
    }
    make_room_in_tx(&tx, door.brand).await?;
    tx.commit().await
}

/// Forgets what is over the brand's bound.
async fn make_room_in_tx(tx: &DatabaseTransaction, brand: BrandId) -> Result<(), DbErr> {
    let of_brand = Entity::find().filter(Column::BrandId.eq(brand));
    let kept = of_brand.clone().count(tx).await?;
    let Some(over) = kept.checked_sub(MAX_KEPT).filter(|over| *over > 0) else {
        return Ok(());
    };
    let oldest: Vec<RefusedEventId> = of_brand
        .select_only()
        .column(Column::Id)
        .order_by_asc(Expr::cust("CASE WHEN state = 'OPEN' THEN 1 ELSE 0 END"))
        .order_by_asc(Column::LastSeenAt)
        .order_by_asc(Column::Id)
        .limit(over)
        .into_tuple()
        .all(tx)
        .await?;
    for chunk in oldest.chunks(INSERT_CHUNK) {
        Entity::delete_many()
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}
