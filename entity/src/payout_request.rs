//! What is sent to a provider, written down before it is sent.

use sea_orm::entity::prelude::*;

use crate::{
    ids::{BrandId, PayoutBatchId, PayoutRequestId},
    payout::PayoutRail,
};

/// PREPARED → SENDING → ACCEPTED | REFUSED | UNCLEAR; what is unclear is sent again as it is, or looked up, until it is one of the
/// other two. A refusal that is not final leaves it PREPARED. FOLLOWED when nothing of it can change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutRequestState {
    Prepared,
    Sending,
    Unclear,
    Accepted,
    Refused,
    Followed,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutRequestId,
    pub brand_id: BrandId,
    pub batch_id: PayoutBatchId,
    pub rail: PayoutRail,
    /// The brand whose credentials it goes under; absent where they are the installation's.
    pub holder_id: Option<BrandId>,
    /// The account at the provider that it was sent from; absent before it is.
    #[sea_orm(column_type = "Text", nullable)]
    pub account: Option<String>,
    /// What the provider tells a repetition by; unique a rail.
    #[sea_orm(column_type = "Text")]
    pub request_key: String,
    /// To the byte, sealed: it names accounts.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// Keys of the payouts in it, in its order, as JSON.
    #[sea_orm(column_type = "Text")]
    pub items: String,
    pub state: PayoutRequestState,
    /// What the provider called it.
    #[sea_orm(column_type = "Text", nullable)]
    pub provider_id: Option<String>,
    pub sends: i32,
    pub first_sent_at: Option<DateTimeUtc>,
    pub last_sent_at: Option<DateTimeUtc>,
    /// When it is sent or looked at next; absent when nothing is left to do.
    pub next_at: Option<DateTimeUtc>,
    /// Somebody is at it until then.
    pub held_until: Option<DateTimeUtc>,
    /// Why it is not further, as the provider or the way to it said last.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_code: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub last_message: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
