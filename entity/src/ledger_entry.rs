//! One side of a transfer. Never updated, never deleted.

use sea_orm::entity::prelude::*;

use crate::ids::{LedgerAccountId, LedgerEntryId, LedgerTransferId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerEntryId,
    pub transfer_id: LedgerTransferId,
    pub account_id: LedgerAccountId,
    /// Credits are positive, debits negative.
    pub amount_minor: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
