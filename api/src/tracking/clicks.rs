//! Click rows, written in batches behind the redirect.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use entity::click::{self, Entity};
use sea_orm::{ActiveModelTrait, DbErr, EntityTrait};

use crate::{app::App, marketplace::trust};

/// Clicks that may wait. Beyond it the oldest row is dropped: its id still proves itself, so no credit is lost.
const MAX_WAITING: usize = 100_000;
/// Rows of one insert.
const BATCH: usize = 500;

#[derive(Default)]
pub struct ClickQueue(Mutex<VecDeque<click::Model>>);

impl ClickQueue {
    pub fn push(&self, row: click::Model) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MAX_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(row);
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self) -> Vec<click::Model> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(BATCH);
        waiting.drain(..count).collect()
    }

    fn put_back(&self, rows: Vec<click::Model>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows.into_iter().rev() {
            waiting.push_front(row);
        }
    }
}

/// Writes what waits; a batch that fails waits again.
pub async fn flush(app: &App) -> Result<usize, DbErr> {
    let mut written = 0;
    loop {
        let rows = app.clicks.take();
        if rows.is_empty() {
            return Ok(written);
        }
        if let Err(error) = insert(app, &rows).await {
            app.clicks.put_back(rows);
            return Err(error);
        }
        written += rows.len();
    }
}

async fn insert(app: &App, rows: &[click::Model]) -> Result<(), DbErr> {
    let models = rows
        .iter()
        .cloned()
        .map(|row| click::ActiveModel::from(row).reset_all());
    let tx = app.db.begin().await?;
    Entity::insert_many(models).exec_without_returning(&tx).await?;
    trust::stale_in_tx(&tx, rows).await?;
    tx.commit().await
}
