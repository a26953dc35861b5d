//! Writing a decided batch, with a statement a table.

use std::collections::HashMap;

use entity::{conversion, conversion_touch, customer, ids::ConversionId, order, order_line};
use sea_orm::{DatabaseTransaction, DbErr, EntityTrait, sea_query::OnConflict};

use super::{
    announcement,
    batch::{Batch, Recorded},
};
use crate::{
    app::App,
    commissions::service::{self as commissions, Accrual},
    error::Fault,
    infra::db::INSERT_CHUNK,
    outbox::{self, Fact, Topic},
};

/// Whether what a batch was decided on still held when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// Another transaction took a customer's or an order's id meanwhile: decide again.
    Outrun,
}

impl Batch<'_> {
    /// Unique rows come first, in the order of their ids.
    pub async fn write_in_tx(self, tx: &DatabaseTransaction) -> Result<Written, Fault> {
        let app = self.app;
        if !self.insert_customers_in_tx(tx).await? || !self.insert_orders_in_tx(tx).await? {
            return Ok(Written::Outrun);
        }
        self.insert_lines_in_tx(tx).await?;
        let rows = self.recorded.iter().map(|event| event.row.clone());
        let rows: Vec<conversion::ActiveModel> = rows.map(Into::into).collect();
        for chunk in rows.chunks(INSERT_CHUNK) {
            conversion::Entity::insert_many(chunk.to_vec())
                .exec_without_returning(tx)
                .await?;
        }
        insert_touches_in_tx(tx, app, &self.recorded).await?;
        self.touchpoints.store_in_tx(tx).await?;
        accrue_and_announce_in_tx(tx, app, &self.recorded).await?;
        self.claims.settle_in_tx(tx).await?;
        Ok(Written::Done)
    }

    async fn insert_customers_in_tx(&self, tx: &DatabaseTransaction) -> Result<bool, DbErr> {
        use customer::{ActiveModel, Column, Entity};
        let rows = self.new_customers.values().cloned();
        let rows: Vec<ActiveModel> = rows.map(Into::into).collect();
        let mut inserted = 0;
        for chunk in rows.chunks(INSERT_CHUNK) {
            inserted += Entity::insert_many(chunk.to_vec())
                .on_conflict(
                    OnConflict::columns([Column::BrandId, Column::Mode, Column::ExternalId])
                        .do_nothing()
                        .to_owned(),
                )
                .exec_without_returning(tx)
                .await?;
        }
        Ok(inserted == rows.len() as u64)
    }

    async fn insert_orders_in_tx(&self, tx: &DatabaseTransaction) -> Result<bool, DbErr> {
        use order::{ActiveModel, Column, Entity};
        let rows = self.new_orders.values().cloned();
        let rows: Vec<ActiveModel> = rows.map(Into::into).collect();
        let mut inserted = 0;
        for chunk in rows.chunks(INSERT_CHUNK) {
            inserted += Entity::insert_many(chunk.to_vec())
                .on_conflict(
                    OnConflict::columns([Column::BrandId, Column::Mode, Column::ExternalId])
                        .do_nothing()
                        .to_owned(),
                )
                .exec_without_returning(tx)
                .await?;
        }
        Ok(inserted == rows.len() as u64)
    }

    async fn insert_lines_in_tx(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        for chunk in self.new_lines.chunks(INSERT_CHUNK) {
            let rows: Vec<order_line::ActiveModel> = chunk.iter().cloned().map(Into::into).collect();
            order_line::Entity::insert_many(rows).exec_without_returning(tx).await?;
        }
        Ok(())
    }
}

async fn insert_touches_in_tx(tx: &DatabaseTransaction, app: &App, recorded: &[Recorded]) -> Result<(), DbErr> {
    let rows = recorded
        .iter()
        .flat_map(|event| event.attribution.rows(app, &event.row));
    let rows: Vec<conversion_touch::ActiveModel> = rows.collect();
    for chunk in rows.chunks(INSERT_CHUNK) {
        conversion_touch::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Each event's commissions are announced before the event itself.
async fn accrue_and_announce_in_tx(tx: &DatabaseTransaction, app: &App, recorded: &[Recorded]) -> Result<(), Fault> {
    let mut accruals = Vec::new();
    for Recorded { row, credit, .. } in recorded {
        let Some(credit) = credit else { continue };
        accruals.push(Accrual {
            conversion: row,
            program: &credit.program,
            partnership: &credit.winner,
            assessed: &credit.assessed,
        });
    }
    let mut accrued: HashMap<ConversionId, Vec<Fact>> = HashMap::new();
    for (conversion, fact) in commissions::accrue_in_tx(tx, app, &accruals).await? {
        accrued.entry(conversion).or_default().push(fact);
    }
    let mut facts = Vec::new();
    for Recorded { row, .. } in recorded {
        facts.extend(accrued.remove(&row.id).unwrap_or_default());
        facts.extend(announcement(Topic::ConversionRecorded, row));
    }
    outbox::enqueue_all_in_tx(tx, app, facts).await?;
    Ok(())
}
