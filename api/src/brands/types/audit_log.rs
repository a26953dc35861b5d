//! The audit log as the schema shows it.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    audit_entry,
    ids::{
        AdjustmentId, ApiKeyId, ApplicationId, BrandId, BrandMemberId, ChargebackId, CommissionRuleId, ConversionId,
        ListingId, MemberInvitationId, OrderId, PartnerGroupId, PartnershipId, PayoutBatchId, PayoutId,
        PayoutRailConnectionId, ProgramId, ProgramInvitationId, PromoCodeId, RefusedEventId, StoreCreditRedemptionId,
        StoreCreditTransferId, TrackingLinkId, TypedId, UserId, split_id,
    },
};

use super::ApiKey;
use crate::{
    brands::service::{ActorKind, AuditFilter},
    connection,
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        node::{self, Node},
    },
};

/// Actions a filter may name.
const MAX_ACTIONS: usize = 20;
/// Longest name of an action, in characters.
const MAX_ACTION_CHARS: usize = 100;

/// What did something.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "ActorKind")]
pub enum AuditActorKind {
    /// A person who was signed in: of the brand, of a partner, or of the platform.
    User,
    /// One of the brand's API keys.
    ApiKey,
    /// Tributary itself: what is due by the clock, imports, the demo.
    System,
    /// Somebody who was not signed in.
    Anonymous,
}

/// Who did something.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct AuditActor {
    /// What it is.
    pub kind: AuditActorKind,
    /// The id of the person or key; absent for the others.
    pub actor_id: Option<ID>,
}

#[ComplexObject]
impl AuditActor {
    /// How to call it: a person's display name, never the address; a key's name.
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        let id = self.actor_id.as_ref().and_then(|id| split_id(id)).map(|(_, uuid)| uuid);
        Ok(match (self.kind, id) {
            (AuditActorKind::User, Some(id)) => ctx.load(UserId(id)).await?.map(|row| row.display_name),
            (AuditActorKind::ApiKey, Some(id)) => ctx.load(ApiKeyId(id)).await?.map(|row| row.name),
            (AuditActorKind::System, _) => Some("Tributary".to_owned()),
            _ => None,
        })
    }

    /// The key; absent for any other actor.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>, ApiError> {
        match (self.kind, self.actor_id.as_ref().and_then(|id| split_id(id))) {
            (AuditActorKind::ApiKey, Some((_, id))) => Ok(ctx.load(ApiKeyId(id)).await?.map(ApiKey::from)),
            _ => Ok(None),
        }
    }
}

/// Something that was changed in a brand: by whom, when, from which state to which, and why. Written with the change
/// itself, and never changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct AuditEntry {
    /// Global id.
    pub id: ID,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What was done, as `noun.verb`: `program.paused`. A name that is once used keeps its meaning; new ones come.
    pub action: String,
    /// Who did it.
    pub actor: AuditActor,
    /// The id of what it was done to, also when that is no longer there.
    pub subject_id: ID,
    /// The state before; absent when there was none.
    pub from_state: Option<String>,
    /// The state after; absent when it has none.
    pub to_state: Option<String>,
    /// What was said about it.
    pub reason: Option<String>,
}

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        let kind = ActorKind::of(&row.actor);
        Self {
            id: row.id.to_string().into(),
            occurred_at: row.occurred_at,
            action: row.action,
            actor: AuditActor {
                kind: kind.into(),
                actor_id: matches!(kind, ActorKind::User | ActorKind::ApiKey).then(|| row.actor.into()),
            },
            subject_id: row.subject.into(),
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason,
        }
    }
}

#[ComplexObject]
impl AuditEntry {
    /// What it was done to, as it is now. Absent when it is no longer there, and for whoever may not see it.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<Node>, ApiError> {
        node::load(ctx, &self.subject_id).await
    }
}

connection! {
    /// Entries of an audit log.
    AuditEntryConnection, AuditEntryEdge of AuditEntry
}

/// What things are done to.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum AuditSubjectKind {
    /// The brand itself.
    Brand,
    /// Its people.
    BrandMember,
    /// Invitations of its people.
    MemberInvitation,
    /// API keys.
    ApiKey,
    /// Programs.
    Program,
    /// Partner groups.
    PartnerGroup,
    /// Invitations of partners into programs.
    ProgramInvitation,
    /// Commission rules.
    CommissionRule,
    /// Listings.
    Listing,
    /// Applications.
    Application,
    /// Partnerships.
    Partnership,
    /// Tracking links.
    TrackingLink,
    /// Promo codes.
    PromoCode,
    /// Conversions.
    Conversion,
    /// Orders.
    Order,
    /// Chargebacks.
    Chargeback,
    /// Payouts.
    Payout,
    /// Batches of payouts, and files written of them.
    PayoutBatch,
    /// Credentials that a brand pays by.
    PayoutRailConnection,
    /// Adjustments.
    Adjustment,
    /// Transfers to customers, as store credit.
    StoreCreditTransfer,
    /// Store credit that was spent.
    StoreCreditRedemption,
    /// Events that were refused.
    RefusedEvent,
}

impl AuditSubjectKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Brand => BrandId::PREFIX,
            Self::BrandMember => BrandMemberId::PREFIX,
            Self::MemberInvitation => MemberInvitationId::PREFIX,
            Self::ApiKey => ApiKeyId::PREFIX,
            Self::Program => ProgramId::PREFIX,
            Self::PartnerGroup => PartnerGroupId::PREFIX,
            Self::ProgramInvitation => ProgramInvitationId::PREFIX,
            Self::CommissionRule => CommissionRuleId::PREFIX,
            Self::Listing => ListingId::PREFIX,
            Self::Application => ApplicationId::PREFIX,
            Self::Partnership => PartnershipId::PREFIX,
            Self::TrackingLink => TrackingLinkId::PREFIX,
            Self::PromoCode => PromoCodeId::PREFIX,
            Self::Conversion => ConversionId::PREFIX,
            Self::Order => OrderId::PREFIX,
            Self::Chargeback => ChargebackId::PREFIX,
            Self::Payout => PayoutId::PREFIX,
            Self::PayoutBatch => PayoutBatchId::PREFIX,
            Self::PayoutRailConnection => PayoutRailConnectionId::PREFIX,
            Self::Adjustment => AdjustmentId::PREFIX,
            Self::StoreCreditTransfer => StoreCreditTransferId::PREFIX,
            Self::StoreCreditRedemption => StoreCreditRedemptionId::PREFIX,
            Self::RefusedEvent => RefusedEventId::PREFIX,
        }
    }
}

/// Which actions to list.
#[derive(InputObject)]
pub struct AuditActionFilter {
    /// Exactly this one, such as `program.paused`.
    pub eq: Option<String>,
    /// Any of these: at most 20.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<String>>,
}

/// A stretch of time.
#[derive(InputObject)]
pub struct AuditTimeFilter {
    /// Not before then.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub until: Option<DateTime<Utc>>,
}

/// Which entries of an audit log to list; every condition must hold.
#[derive(Default, InputObject)]
pub struct AuditLogWhere {
    /// Of this object only.
    pub subject_id: Option<ID>,
    /// Of objects of this kind only.
    pub subject_kind: Option<AuditSubjectKind>,
    /// By what was done.
    pub action: Option<AuditActionFilter>,
    /// By this user or API key only.
    pub actor_id: Option<ID>,
    /// By actors of this kind only.
    pub actor_kind: Option<AuditActorKind>,
    /// By when it happened.
    pub occurred_at: Option<AuditTimeFilter>,
}

impl AuditLogWhere {
    pub(super) fn read(self) -> Result<AuditFilter, ApiError> {
        let (from, until) = self.occurred_at.map_or((None, None), |time| (time.from, time.until));
        Ok(AuditFilter {
            subject: self.subject_id.map(|id| read_id(&id, "where.subjectId")).transpose()?,
            subject_prefix: self.subject_kind.map(AuditSubjectKind::prefix),
            actions: match self.action {
                Some(action) => read_actions(action)?,
                None => None,
            },
            actor: self.actor_id.map(|id| read_actor(&id)).transpose()?,
            actor_kind: self.actor_kind.map(Into::into),
            from,
            until,
        })
    }
}

/// The id as the log writes it.
fn read_id(id: &ID, field: &str) -> Result<String, ApiError> {
    match split_id(id) {
        Some(_) => Ok(id.to_string()),
        None => Err(ApiError::bad_field(field, format!("`{field}` is not a global id"))),
    }
}

fn read_actor(id: &ID) -> Result<String, ApiError> {
    let field = "where.actorId";
    if id.starts_with(UserId::PREFIX) {
        parse_id::<UserId>(id, field).map(|id| id.to_string())
    } else {
        parse_id::<ApiKeyId>(id, field).map(|id| id.to_string())
    }
}

/// The actions that pass both operators; nothing when there is no condition.
fn read_actions(filter: AuditActionFilter) -> Result<Option<Vec<String>>, ApiError> {
    let named = filter.eq.iter().chain(filter.any_of.iter().flatten());
    if filter.any_of.as_ref().is_some_and(|any| any.len() > MAX_ACTIONS) {
        return Err(ApiError::bad_field(
            "where.action.in",
            format!("`in` takes at most {MAX_ACTIONS} actions"),
        ));
    }
    if named.clone().any(|action| action.chars().count() > MAX_ACTION_CHARS) {
        return Err(ApiError::bad_field(
            "where.action",
            format!("the name of an action has at most {MAX_ACTION_CHARS} characters"),
        ));
    }
    Ok(match (filter.eq, filter.any_of) {
        (None, None) => None,
        (Some(one), None) => Some(vec![one]),
        (None, Some(any)) => Some(any),
        (Some(one), Some(any)) => Some(any.into_iter().filter(|action| *action == one).collect()),
    })
}
