//! Deleting what was only tried. What was audited stays.

use entity::{
    api_key::ApiKeyMode,
    capture, chargeback, commission, conversion, conversion_touch, customer, customer_binding, idempotency_key,
    ids::{BrandId, ConversionId, CustomerId, IdempotencyKeyId, OrderId, RefusedEventId},
    order, order_amendment, order_line, refund, refund_line, refused_event,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};

use super::{Result, book::Book};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::Fault,
};

/// Rows of one kind that one transaction deletes.
const PIECE: u64 = 500;
/// Transactions of one request: 10,000 rows at most.
const MAX_PIECES: usize = 20;

/// What one request deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    pub conversions: u64,
    /// Nothing is left.
    pub complete: bool,
}

/// Deletes a brand's test events with all that hangs on them, a bounded piece after the other. What is recorded meanwhile
/// may be left.
pub async fn clear_test_events(app: &App, actor: &Actor, brand: BrandId) -> Result<Cleared> {
    actor.authorise(Operation::ClearTestEvents, Place::brand(brand))?;
    let book = Book {
        brand,
        mode: ApiKeyMode::Test,
    };
    let mut cleared = Cleared::default();
    for piece in 0..MAX_PIECES {
        let tx = app.db.begin().await?;
        let deleted = clear_piece_in_tx(&tx, book).await?;
        if piece == 0 && deleted != Piece::Nothing {
            audit::record_in_tx(&tx, app, actor, Change::of_fact(brand, "test_events.cleared", brand)).await?;
        }
        tx.commit().await?;
        match deleted {
            Piece::Nothing => {
                cleared.complete = true;
                break;
            }
            Piece::Conversions(count) => cleared.conversions += count,
            Piece::Others => {}
        }
    }
    Ok(cleared)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Conversions(u64),
    Others,
    Nothing,
}

/// The keys go first: one that outlived what was made under it could not be answered.
async fn clear_piece_in_tx(tx: &DatabaseTransaction, book: Book) -> std::result::Result<Piece, Fault> {
    let keys = idempotency_key::Entity::find().filter(idempotency_key::Column::TenantId.eq(book.keys()));
    let keys: Vec<IdempotencyKeyId> = first_ids(tx, keys, idempotency_key::Column::Id).await?;
    if !keys.is_empty() {
        delete_in_tx::<idempotency_key::Entity, _>(tx, idempotency_key::Column::Id, &keys).await?;
        return Ok(Piece::Others);
    }
    let conversions = conversion::Entity::find()
        .filter(conversion::Column::BrandId.eq(book.brand))
        .filter(conversion::Column::Mode.eq(book.mode));
    let conversions: Vec<ConversionId> = first_ids(tx, conversions, conversion::Column::Id).await?;
    if !conversions.is_empty() {
        delete_in_tx::<conversion_touch::Entity, _>(tx, conversion_touch::Column::ConversionId, &conversions).await?;
        delete_in_tx::<commission::Entity, _>(tx, commission::Column::ConversionId, &conversions).await?;
        delete_in_tx::<conversion::Entity, _>(tx, conversion::Column::Id, &conversions).await?;
        return Ok(Piece::Conversions(conversions.len() as u64));
    }
    let orders = order::Entity::find()
        .filter(order::Column::BrandId.eq(book.brand))
        .filter(order::Column::Mode.eq(book.mode));
    let orders: Vec<OrderId> = first_ids(tx, orders, order::Column::Id).await?;
    if !orders.is_empty() {
        delete_refund_lines_in_tx(tx, &orders).await?;
        delete_in_tx::<refund::Entity, _>(tx, refund::Column::OrderId, &orders).await?;
        delete_in_tx::<chargeback::Entity, _>(tx, chargeback::Column::OrderId, &orders).await?;
        delete_in_tx::<capture::Entity, _>(tx, capture::Column::OrderId, &orders).await?;
        delete_in_tx::<order_amendment::Entity, _>(tx, order_amendment::Column::OrderId, &orders).await?;
        delete_in_tx::<order_line::Entity, _>(tx, order_line::Column::OrderId, &orders).await?;
        delete_in_tx::<order::Entity, _>(tx, order::Column::Id, &orders).await?;
        return Ok(Piece::Others);
    }
    let customers = customer::Entity::find()
        .filter(customer::Column::BrandId.eq(book.brand))
        .filter(customer::Column::Mode.eq(book.mode));
    let customers: Vec<CustomerId> = first_ids(tx, customers, customer::Column::Id).await?;
    if !customers.is_empty() {
        delete_in_tx::<customer_binding::Entity, _>(tx, customer_binding::Column::CustomerId, &customers).await?;
        delete_in_tx::<customer::Entity, _>(tx, customer::Column::Id, &customers).await?;
        return Ok(Piece::Others);
    }
    let refused = refused_event::Entity::find()
        .filter(refused_event::Column::BrandId.eq(book.brand))
        .filter(refused_event::Column::Mode.eq(book.mode));
    let refused: Vec<RefusedEventId> = first_ids(tx, refused, refused_event::Column::Id).await?;
    if refused.is_empty() {
        return Ok(Piece::Nothing);
    }
    delete_in_tx::<refused_event::Entity, _>(tx, refused_event::Column::Id, &refused).await?;
    Ok(Piece::Others)
}

/// They name both a refund and a line of its order.
async fn delete_refund_lines_in_tx(tx: &DatabaseTransaction, orders: &[OrderId]) -> std::result::Result<(), Fault> {
    let refunds = refund::Entity::find()
        .select_only()
        .column(refund::Column::Id)
        .filter(refund::Column::OrderId.is_in(orders.iter().copied()))
        .into_query();
    refund_line::Entity::delete_many()
        .filter(refund_line::Column::RefundId.in_subquery(refunds))
        .exec(tx)
        .await?;
    Ok(())
}

async fn first_ids<E, Id>(
    tx: &DatabaseTransaction,
    select: Select<E>,
    id: E::Column,
) -> std::result::Result<Vec<Id>, Fault>
where
    E: EntityTrait,
    Id: sea_orm::TryGetable + Send,
{
    let ids: Vec<(Id,)> = select
        .select_only()
        .column(id)
        .order_by_asc(id)
        .limit(PIECE)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

async fn delete_in_tx<E, Id>(tx: &DatabaseTransaction, column: E::Column, ids: &[Id]) -> std::result::Result<(), Fault>
where
    E: EntityTrait,
    Id: Copy + Into<sea_orm::Value>,
{
    E::delete_many()
        .filter(column.is_in(ids.iter().copied()))
        .exec(tx)
        .await?;
    Ok(())
}
