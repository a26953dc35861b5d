//! Batches of conversions and what hangs on them. Scoped: outside the caller's reach there is nothing.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped, capture, chargeback, conversion, conversion_touch, customer,
    ids::{CaptureId, ChargebackId, ConversionId, CustomerId, OrderAmendmentId, OrderId, OrderLineId, RefundId},
    order, order_amendment, order_line, refund, refund_line,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    graphql::context::{Batch, LoadError},
};

/// Rows of a table within reach, by their ids.
macro_rules! by_id {
    ($($id:ident => $table:ident),* $(,)?) => {$(
        impl Loader<$id> for Batch {
            type Value = $table::Model;
            type Error = LoadError;

            async fn load(&self, keys: &[$id]) -> Result<HashMap<$id, Self::Value>, LoadError> {
                let rows = $table::Entity::find_within_any_mode(&self.actor.reach())
                    .filter($table::Column::Id.is_in(keys.iter().copied()))
                    .all(self.app.db.read())
                    .await?;
                Ok(rows.into_iter().map(|row| (row.id, row)).collect())
            }
        }
    )*};
}

by_id! {
    ConversionId => conversion,
    // These are for the brand itself.
    RefundId => refund,
    OrderId => order,
    OrderLineId => order_line,
    CustomerId => customer,
    OrderAmendmentId => order_amendment,
    CaptureId => capture,
    ChargebackId => chargeback,
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

/// What an order is made up of and what happened to it, in the order of their ids, by the order.
macro_rules! of_order {
    ($($(#[$meta:meta])* $key:ident => $table:ident),* $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $key(pub OrderId);

        impl Loader<$key> for Batch {
            type Value = Vec<$table::Model>;
            type Error = LoadError;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Self::Value>, LoadError> {
                let rows = $table::Entity::find_within(&self.actor.reach())
                    .filter($table::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
                    .order_by_asc($table::Column::Id)
                    .all(self.app.db.read())
                    .await?;
                let mut found: HashMap<$key, Self::Value> = HashMap::new();
                for row in rows {
                    found.entry($key(row.order_id)).or_default().push(row);
                }
                Ok(found)
            }
        }
    )*};
}

of_order! {
    /// The lines of an order.
    LinesOf => order_line,
    /// The refunds of an order.
    RefundsOf => refund,
    /// The amendments of an order.
    AmendmentsOf => order_amendment,
    /// The captures of an order.
    CapturesOf => capture,
    /// The chargebacks of an order.
    ChargebacksOf => chargeback,
}

/// What a refund took of lines, in the order in which it named them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOfRefund(pub RefundId);

impl Loader<LinesOfRefund> for Batch {
    type Value = Vec<refund_line::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[LinesOfRefund]) -> Result<HashMap<LinesOfRefund, Self::Value>, LoadError> {
        let rows = refund_line::Entity::find_within(&self.actor.reach())
            .filter(refund_line::Column::RefundId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(refund_line::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut found: HashMap<LinesOfRefund, Self::Value> = HashMap::new();
        for row in rows {
            found.entry(LinesOfRefund(row.refund_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// A line of an order, for whoever was shown a commission on it and the conversion it was earned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineOfCommission(pub OrderLineId);

impl Loader<LineOfCommission> for Batch {
    type Value = order_line::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[LineOfCommission]) -> Result<HashMap<LineOfCommission, Self::Value>, LoadError> {
        let rows = order_line::Entity::find()
            .filter(order_line::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (LineOfCommission(row.id), row)).collect())
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
