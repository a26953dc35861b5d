//! Sealing a table anew under the key that seals now, in batches.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::ExprTrait,
};
use uuid::Uuid;

use crate::{app::App, error::Fault};

/// Rows of one transaction: few, for whoever else wants to change them waits.
const BATCH: u64 = 100;
/// Rows that did not open and are named.
const MAX_NAMED: usize = 20;

/// What became of the rows of a table.
#[derive(Debug, Default)]
pub struct Resealed {
    /// Sealed anew.
    pub resealed: u64,
    /// Were under that key already.
    pub kept: u64,
    /// Did not open.
    pub failed: u64,
    /// Those of them that are named, with why.
    pub reasons: Vec<String>,
}

/// What stands where in a table.
pub struct Sealed<E: EntityTrait> {
    pub id: E::Column,
    pub text: E::Column,
    pub uuid: fn(&E::Model) -> Uuid,
    /// How a row is called when it does not open.
    pub name: fn(&E::Model) -> String,
    /// The row sealed anew: its id, and what changes.
    pub anew: fn(&App, &E::Model) -> Result<E::ActiveModel, Fault>,
}

/// Seals anew every row that another key than the first one of the ring sealed. What does not open stays as it is. Each batch is
/// a transaction of its own: cut off and run again, it goes on where it was.
pub async fn reseal<E>(app: &App, table: Sealed<E>) -> Result<Resealed, Fault>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Send + Sync,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let current = table.text.starts_with(app.key_ring.sealed_prefix());
    let mut report = Resealed {
        kept: E::find().filter(current.clone()).count(app.db.read()).await?,
        ..Resealed::default()
    };
    let mut behind = Uuid::nil();
    loop {
        let tx = app.db.begin().await?;
        let rows = E::find()
            .filter(table.id.gt(behind))
            .filter(current.clone().not())
            .order_by_asc(table.id)
            .limit(BATCH)
            .lock_exclusive()
            .all(&tx)
            .await?;
        let Some(last) = rows.last() else {
            break;
        };
        behind = (table.uuid)(last);
        for row in &rows {
            match (table.anew)(app, row) {
                Ok(model) => {
                    E::update(model).exec_without_returning(&tx).await?;
                    report.resealed += 1;
                }
                Err(reason) => {
                    report.failed += 1;
                    if report.reasons.len() < MAX_NAMED {
                        report.reasons.push(format!("{}: {reason}", (table.name)(row)));
                    }
                }
            }
        }
        tx.commit().await?;
    }
    Ok(report)
}

/// A function that seals anew the one sealed text of a table's rows.
macro_rules! reseals {
    ($(#[$meta:meta])* $name:ident of $entity:ident: $column:ident, $field:ident, $place_of:path) => {
        $(#[$meta])*
        pub async fn $name(
            app: &$crate::app::App,
        ) -> std::result::Result<$crate::payouts::reseal::Resealed, $crate::error::Fault> {
            use entity::$entity::{ActiveModel, Column, Entity};
            let table: $crate::payouts::reseal::Sealed<Entity> = $crate::payouts::reseal::Sealed {
                id: Column::Id,
                text: Column::$column,
                uuid: |row| row.id.0,
                name: |row| row.id.to_string(),
                anew: |app, row| {
                    let place = $place_of(row.id);
                    let text = app.key_ring.open(place, &row.$field)?;
                    Ok(ActiveModel {
                        id: sea_orm::ActiveValue::Set(row.id),
                        $field: sea_orm::ActiveValue::Set(app.key_ring.seal(&app.ids, place, &text)?),
                        ..Default::default()
                    })
                },
            };
            $crate::payouts::reseal::reseal(app, table).await
        }
    };
}

pub(in crate::payouts) use reseals;
