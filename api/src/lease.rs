//! A named right that one process of the installation holds for a while. It runs out by itself when its holder is killed.

use chrono::TimeDelta;
use entity::lease::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    sea_query::OnConflict,
};
use uuid::Uuid;

use crate::app::App;

/// Takes or renews it, in a transaction of its own.
pub async fn hold(app: &App, name: &str, holder: Uuid, time: TimeDelta) -> Result<bool, DbErr> {
    let tx = app.db.begin().await?;
    let held = hold_in_tx(&tx, app, name, holder, time).await?;
    tx.commit().await?;
    Ok(held)
}

/// Takes or renews it; false when another holds it. The row stays locked until the transaction ends, so that two never act
/// at once in such transactions even when one of them has overstayed.
pub async fn hold_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    name: &str,
    holder: Uuid,
    time: TimeDelta,
) -> Result<bool, DbErr> {
    let now = app.clock.now();
    let expires_at = now + time;
    Entity::insert(ActiveModel {
        name: Set(name.to_owned()),
        holder: Set(holder),
        expires_at: Set(expires_at),
    })
    .on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned())
    .exec_without_returning(tx)
    .await?;
    let taken = Entity::update_many()
        .set(ActiveModel {
            holder: Set(holder),
            expires_at: Set(expires_at),
            ..Default::default()
        })
        .filter(Column::Name.eq(name))
        .filter(
            Condition::any()
                .add(Column::Holder.eq(holder))
                .add(Column::ExpiresAt.lte(now)),
        )
        .exec(tx)
        .await?;
    Ok(taken.rows_affected > 0)
}

/// Gives it back: whoever comes next, be it at once, need not wait until it runs out.
pub async fn release(app: &App, name: &str, holder: Uuid) -> Result<(), DbErr> {
    let tx = app.db.begin().await?;
    Entity::delete_many()
        .filter(Column::Name.eq(name))
        .filter(Column::Holder.eq(holder))
        .exec(&tx)
        .await?;
    tx.commit().await
}
