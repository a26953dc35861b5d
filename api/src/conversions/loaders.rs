//! Batches of conversions and what hangs on them. Scoped: outside the caller's reach there is nothing.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped, conversion, conversion_touch, customer,
    ids::{ConversionId, CustomerId, OrderId, RefundId},
    order, refund,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    graphql::context::{Batch, LoadError},
};

impl Loader<ConversionId> for Batch {
    type Value = conversion::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ConversionId]) -> Result<HashMap<ConversionId, Self::Value>, LoadError> {
        let rows = conversion::Entity::find_within(&self.actor.reach())
            .filter(conversion::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<RefundId> for Batch {
    type Value = refund::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[RefundId]) -> Result<HashMap<RefundId, Self::Value>, LoadError> {
        let rows = refund::Entity::find_within(&self.actor.reach())
            .filter(refund::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Orders of a brand, for the brand itself.
impl Loader<OrderId> for Batch {
    type Value = order::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[OrderId]) -> Result<HashMap<OrderId, Self::Value>, LoadError> {
        let rows = order::Entity::find_within(&self.actor.reach())
            .filter(order::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Customers of a brand, for the brand itself.
impl Loader<CustomerId> for Batch {
    type Value = customer::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[CustomerId]) -> Result<HashMap<CustomerId, Self::Value>, LoadError> {
        let rows = customer::Entity::find_within(&self.actor.reach())
            .filter(customer::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The touches of a conversion, in the order in which they were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TouchesOf(pub ConversionId);

impl Loader<TouchesOf> for Batch {
    type Value = Vec<conversion_touch::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[TouchesOf]) -> Result<HashMap<TouchesOf, Self::Value>, LoadError> {
        let rows = conversion_touch::Entity::find_within(&self.actor.reach())
            .filter(conversion_touch::Column::ConversionId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(conversion_touch::Column::ConversionId)
            .order_by_asc(conversion_touch::Column::Position)
            .all(self.app.db.read())
            .await?;
        let mut touches: HashMap<TouchesOf, Self::Value> = HashMap::new();
        for row in rows {
            touches.entry(TouchesOf(row.conversion_id)).or_default().push(row);
        }
        Ok(touches)
    }
}

/// The refunds of an order, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefundsOf(pub OrderId);

impl Loader<RefundsOf> for Batch {
    type Value = Vec<refund::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[RefundsOf]) -> Result<HashMap<RefundsOf, Self::Value>, LoadError> {
        let rows = refund::Entity::find_within(&self.actor.reach())
            .filter(refund::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(refund::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut refunds: HashMap<RefundsOf, Self::Value> = HashMap::new();
        for row in rows {
            refunds.entry(RefundsOf(row.order_id)).or_default().push(row);
        }
        Ok(refunds)
    }
}

/// The rows that feed events are about. The feed has authorised its tenant, and its events are that tenant's own.
pub async fn by_subject(app: App, ids: Vec<Uuid>) -> Result<HashMap<Uuid, conversion::Model>, ApiError> {
    let rows = conversion::Entity::find()
        .filter(conversion::Column::Id.is_in(ids))
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row)).collect())
}
