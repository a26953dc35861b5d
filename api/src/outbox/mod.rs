//! Facts for the outside, written in the transaction that makes them true.
//!
//! Invariants: an event exists exactly when its cause committed; `position` is dense, grows in the order in which readers
//! may see events, and is stamped by one relay at a time (whoever holds the lease); cursors are positions. Sequence
//! numbers commit out of order on PostgreSQL, so nothing but the relay reads by them.
//!
//! Deliberately absent: deletion. The log is what subscriptions resume from.

pub mod relay;

use chrono::{DateTime, Utc};
use entity::{
    Reach, TenantScoped,
    ids::{BrandId, PartnerId},
    outbox_event::{ActiveModel, Column, Entity, Model},
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::{app::App, infra::db::INSERT_CHUNK};

/// What an event is about; the text is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    ConversionRecorded,
    ConversionApproved,
    ConversionRejected,
    ConversionRefunded,
    ConversionAmended,
    ConversionCaptured,
    ConversionChargedBack,
    ConversionChargebackWon,
    ConversionChargebackLost,
    ApplicationSubmitted,
    ApplicationInReview,
    ApplicationDecided,
    PartnershipChanged,
    MessageSent,
    ProgramInvitationChanged,
    ProgramChanged,
    ListingChanged,
    CreatorChanged,
    PayoutChanged,
    StoreCreditTransferChanged,
    CommissionAccrued,
    CommissionApproved,
    CommissionRejected,
    CommissionReversed,
    CommissionRestored,
    CommissionReleased,
    CommissionPaid,
}

impl Topic {
    /// What the conversion feed carries.
    pub const CONVERSIONS: [Self; 9] = [
        Self::ConversionRecorded,
        Self::ConversionApproved,
        Self::ConversionRejected,
        Self::ConversionRefunded,
        Self::ConversionAmended,
        Self::ConversionCaptured,
        Self::ConversionChargedBack,
        Self::ConversionChargebackWon,
        Self::ConversionChargebackLost,
    ];

    /// What a brand's applications feed carries.
    pub const APPLICATIONS: [Self; 3] = [
        Self::ApplicationSubmitted,
        Self::ApplicationInReview,
        Self::ApplicationDecided,
    ];
    /// What the messages feed of a brand or a partner carries.
    pub const MESSAGES: [Self; 1] = [Self::MessageSent];
    /// What a brand's payouts feed carries.
    pub const PAYOUTS: [Self; 1] = [Self::PayoutChanged];
    /// What a partner's earnings feed carries.
    pub const EARNINGS: [Self; 7] = [
        Self::CommissionAccrued,
        Self::CommissionApproved,
        Self::CommissionRejected,
        Self::CommissionReversed,
        Self::CommissionRestored,
        Self::CommissionReleased,
        Self::CommissionPaid,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConversionRecorded => "conversion.recorded",
            Self::ConversionApproved => "conversion.approved",
            Self::ConversionRejected => "conversion.rejected",
            Self::ConversionRefunded => "conversion.refunded",
            Self::ConversionAmended => "conversion.amended",
            Self::ConversionCaptured => "conversion.captured",
            Self::ConversionChargedBack => "conversion.charged_back",
            Self::ConversionChargebackWon => "conversion.chargeback_won",
            Self::ConversionChargebackLost => "conversion.chargeback_lost",
            Self::ApplicationSubmitted => "application.submitted",
            Self::ApplicationInReview => "application.in_review",
            Self::ApplicationDecided => "application.decided",
            Self::PartnershipChanged => "partnership.changed",
            Self::MessageSent => "message.sent",
            Self::ProgramInvitationChanged => "program_invitation.changed",
            Self::ProgramChanged => "program.changed",
            Self::ListingChanged => "listing.changed",
            Self::CreatorChanged => "creator.changed",
            Self::PayoutChanged => "payout.changed",
            Self::StoreCreditTransferChanged => "store_credit_transfer.changed",
            Self::CommissionAccrued => "commission.accrued",
            Self::CommissionApproved => "commission.approved",
            Self::CommissionRejected => "commission.rejected",
            Self::CommissionReversed => "commission.reversed",
            Self::CommissionRestored => "commission.restored",
            Self::CommissionReleased => "commission.released",
            Self::CommissionPaid => "commission.paid",
        }
    }
}

/// A fact to be announced.
pub struct Fact {
    pub topic: Topic,
    /// Absent for what is no brand's.
    pub brand: Option<BrandId>,
    pub partner: Option<PartnerId>,
    pub subject: Uuid,
    pub payload: serde_json::Value,
}

/// Writes a fact into the outbox of the open transaction.
pub async fn enqueue_in_tx(tx: &DatabaseTransaction, app: &App, fact: Fact) -> Result<(), DbErr> {
    enqueue_all_in_tx(tx, app, vec![fact]).await
}

/// Writes facts into the outbox of the open transaction, in their order, with one statement. They are as many as one use
/// case makes: a conversion's levels, a payout's items.
pub async fn enqueue_all_in_tx(tx: &DatabaseTransaction, app: &App, facts: Vec<Fact>) -> Result<(), DbErr> {
    let now = app.clock.now();
    let rows: Vec<ActiveModel> = facts
        .into_iter()
        .map(|fact| ActiveModel {
            seq: NotSet,
            id: Set(app.ids.new_id(now)),
            position: Set(None),
            brand_id: Set(fact.brand),
            partner_id: Set(fact.partner),
            topic: Set(fact.topic.as_str().to_owned()),
            subject_id: Set(fact.subject),
            payload: Set(fact.payload.to_string()),
            occurred_at: Set(now),
        })
        .collect();
    for chunk in rows.chunks(INSERT_CHUNK) {
        Entity::insert_many(chunk.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Stamped events of a tenant behind `after`, oldest first.
pub async fn list_after(
    app: &App,
    reach: &Reach,
    topics: &[Topic],
    after: i64,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find_within(reach)
        .filter(Column::Position.gt(after))
        .filter(Column::Topic.is_in(topics.iter().map(|topic| topic.as_str())))
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(app.db.read())
        .await
}

/// Stamped events of everybody behind `after`, oldest first: for what the program itself keeps up with the log.
pub async fn log_after(app: &App, after: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(app.db.read())
        .await
}

/// The end of the log: the position of the newest stamped event, 0 when there is none.
pub async fn last_position(app: &App) -> Result<i64, DbErr> {
    let position: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::Position.max(), "position")
        .into_tuple()
        .one(app.db.read())
        .await?;
    Ok(position.flatten().unwrap_or(0))
}

/// The most unstamped events that are counted: beyond it, only that it is too many.
const MAX_COUNTED: u64 = 10_000;

/// Committed events that have no position yet.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    pub count: i64,
    pub oldest_at: Option<DateTime<Utc>>,
}

/// How far the relay is behind.
pub async fn waiting(app: &App) -> Result<Waiting, DbErr> {
    let times: Vec<DateTime<Utc>> = Entity::find()
        .select_only()
        .column(Column::OccurredAt)
        .filter(Column::Position.is_null())
        .order_by_asc(Column::Seq)
        .limit(MAX_COUNTED)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(Waiting {
        count: i64::try_from(times.len()).unwrap_or(i64::MAX),
        oldest_at: times.first().copied(),
    })
}
