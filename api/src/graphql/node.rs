//! `node` and `nodes`: any object by its global id, for whoever may see it.
//!
//! What does not exist and what the caller may not see are the same: null, without an error.

use async_graphql::{Context, ID, Interface, Object};
use entity::ids::{
    AdjustmentId, ApiKeyId, ApplicationId, AuditEntryId, BrandId, BrandMemberId, CaptureId, ChargebackId, CommissionId,
    CommissionRuleId, ConversionId, CreatorChannelId, CreatorProfileId, CustomerId, JobId, ListingId,
    MemberInvitationId, MessageId, MessageThreadId, OrderAmendmentId, OrderId, PartnerGroupId, PartnerId,
    PartnerMemberId, PartnershipId, PayoutBatchId, PayoutFileId, PayoutId, PayoutMethodId, ProgramId,
    ProgramInvitationId, PromoCodeId, RefundId, RefusedEventId, SavedSearchId, SessionId, StoreCreditRedemptionId,
    StoreCreditTransferId, TrackingLinkId, TypedId, split_id,
};
use futures_util::future::try_join_all;

use crate::{
    accounts::types::UserSession,
    adjustments::types::Adjustment,
    brands::types::{ApiKey, AuditEntry, BrandMember},
    commissions::types::Commission,
    conversions::inbox::types::RefusedEvent,
    conversions::types::{Capture, Chargeback, Order, OrderAmendment, Refund},
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{Brand, Conversion, Customer, Partner, PartnerGroup, Partnership, Program},
    },
    jobs::types::Job,
    marketplace::{
        creators::types::{CreatorChannel, CreatorProfile},
        saved_searches::types::SavedSearch,
        types::Listing,
    },
    members::types::{MemberInvitation, PartnerMember},
    messages::types::{Message, MessageThread},
    partnerships::{
        loaders::VisiblePartner,
        types::{Application, ProgramInvitation},
    },
    payouts::{batches::types::PayoutBatch, files::types::PayoutFile, methods::types::PayoutMethod, types::Payout},
    programs::{loaders::VisibleProgram, types::CommissionRule},
    store_credit::types::{StoreCreditRedemption, StoreCreditTransfer},
    tracking::types::{PromoCode, TrackingLink},
};

/// The most ids `nodes` takes.
const MAX_NODES: usize = 100;

/// An object with a global id.
#[derive(Clone, Interface)]
#[allow(
    clippy::large_enum_variant,
    reason = "a hundred at a time live at most, and the library's interface takes no box"
)]
#[graphql(field(name = "id", ty = "&ID", desc = "Global id."))]
pub enum Node {
    Brand(Brand),
    BrandMember(BrandMember),
    ApiKey(ApiKey),
    AuditEntry(AuditEntry),
    MemberInvitation(MemberInvitation),
    Partner(Partner),
    PartnerMember(PartnerMember),
    CreatorProfile(CreatorProfile),
    CreatorChannel(CreatorChannel),
    Program(Program),
    CommissionRule(CommissionRule),
    PartnerGroup(PartnerGroup),
    Listing(Listing),
    SavedSearch(SavedSearch),
    Application(Application),
    ProgramInvitation(ProgramInvitation),
    Partnership(Partnership),
    MessageThread(MessageThread),
    Message(Message),
    TrackingLink(TrackingLink),
    PromoCode(PromoCode),
    Conversion(Conversion),
    Commission(Commission),
    Order(Order),
    Refund(Refund),
    OrderAmendment(OrderAmendment),
    Capture(Capture),
    Chargeback(Chargeback),
    RefusedEvent(RefusedEvent),
    Customer(Customer),
    Payout(Payout),
    PayoutMethod(PayoutMethod),
    PayoutBatch(PayoutBatch),
    PayoutFile(PayoutFile),
    Adjustment(Adjustment),
    StoreCreditTransfer(StoreCreditTransfer),
    StoreCreditRedemption(StoreCreditRedemption),
    UserSession(UserSession),
    Job(Job),
}

#[derive(Default)]
pub struct NodeQueries;

#[Object]
impl NodeQueries {
    /// Any object by its global id; null when there is none, or none that the caller may see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        load(ctx, &id).await
    }

    /// Objects by their global ids, in the order of the ids, with null where there is none that the caller may see.
    #[graphql(complexity = "ids.len().min(MAX_NODES).saturating_mul(child_complexity).saturating_add(1)")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Option<Vec<Option<Node>>>, ApiError> {
        if ids.len() > MAX_NODES {
            return Err(ApiError::bad_field(
                "ids",
                format!("`nodes` takes at most {MAX_NODES} ids"),
            ));
        }
        // All at once, so that the ids of one kind are one statement.
        try_join_all(ids.iter().map(|id| load(ctx, id))).await.map(Some)
    }
}

/// Each kind goes through the loader that knows who may see it.
pub async fn load(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>, ApiError> {
    let Some((prefix, uuid)) = split_id(id) else {
        return Ok(None);
    };
    Ok(match prefix.as_str() {
        BrandId::PREFIX => ctx.load(BrandId(uuid)).await?.map(|row| Node::Brand(row.into())),
        BrandMemberId::PREFIX => ctx
            .load(BrandMemberId(uuid))
            .await?
            .map(|row| Node::BrandMember(row.into())),
        ApiKeyId::PREFIX => ctx.load(ApiKeyId(uuid)).await?.map(|row| Node::ApiKey(row.into())),
        AuditEntryId::PREFIX => ctx
            .load(AuditEntryId(uuid))
            .await?
            .map(|row| Node::AuditEntry(row.into())),
        PartnerId::PREFIX => ctx
            .load(VisiblePartner(PartnerId(uuid)))
            .await?
            .map(|row| Node::Partner(row.into())),
        PartnerMemberId::PREFIX => ctx
            .load(PartnerMemberId(uuid))
            .await?
            .map(|row| Node::PartnerMember(row.into())),
        CreatorProfileId::PREFIX => ctx
            .load(CreatorProfileId(uuid))
            .await?
            .map(|row| Node::CreatorProfile(row.into())),
        CreatorChannelId::PREFIX => ctx
            .load(CreatorChannelId(uuid))
            .await?
            .map(|row| Node::CreatorChannel(row.into())),
        MemberInvitationId::PREFIX => ctx
            .load(MemberInvitationId(uuid))
            .await?
            .map(|row| Node::MemberInvitation(row.into())),
        ProgramId::PREFIX => ctx
            .load(VisibleProgram(ProgramId(uuid)))
            .await?
            .map(|row| Node::Program(row.into())),
        CommissionRuleId::PREFIX => ctx
            .load(CommissionRuleId(uuid))
            .await?
            .map(|row| Node::CommissionRule(row.into())),
        PartnerGroupId::PREFIX => ctx
            .load(PartnerGroupId(uuid))
            .await?
            .map(|row| Node::PartnerGroup(row.into())),
        ListingId::PREFIX => ctx.load(ListingId(uuid)).await?.map(|row| Node::Listing(row.into())),
        SavedSearchId::PREFIX => ctx
            .load(SavedSearchId(uuid))
            .await?
            .map(|row| Node::SavedSearch(row.into())),
        ApplicationId::PREFIX => ctx
            .load(ApplicationId(uuid))
            .await?
            .map(|row| Node::Application(row.into())),
        ProgramInvitationId::PREFIX => ctx
            .load(ProgramInvitationId(uuid))
            .await?
            .map(|row| Node::ProgramInvitation(row.into())),
        PartnershipId::PREFIX => ctx
            .load(PartnershipId(uuid))
            .await?
            .map(|row| Node::Partnership(row.into())),
        MessageThreadId::PREFIX => ctx
            .load(MessageThreadId(uuid))
            .await?
            .map(|row| Node::MessageThread(row.into())),
        MessageId::PREFIX => ctx.load(MessageId(uuid)).await?.map(|row| Node::Message(row.into())),
        TrackingLinkId::PREFIX => ctx
            .load(TrackingLinkId(uuid))
            .await?
            .map(|row| Node::TrackingLink(row.into())),
        PromoCodeId::PREFIX => ctx
            .load(PromoCodeId(uuid))
            .await?
            .map(|row| Node::PromoCode(row.into())),
        ConversionId::PREFIX => ctx
            .load(ConversionId(uuid))
            .await?
            .map(|row| Node::Conversion(row.into())),
        CommissionId::PREFIX => ctx
            .load(CommissionId(uuid))
            .await?
            .map(|row| Node::Commission(row.into())),
        OrderId::PREFIX => ctx.load(OrderId(uuid)).await?.map(|row| Node::Order(row.into())),
        RefundId::PREFIX => ctx.load(RefundId(uuid)).await?.map(|row| Node::Refund(row.into())),
        OrderAmendmentId::PREFIX => ctx
            .load(OrderAmendmentId(uuid))
            .await?
            .map(|row| Node::OrderAmendment(row.into())),
        CaptureId::PREFIX => ctx.load(CaptureId(uuid)).await?.map(|row| Node::Capture(row.into())),
        ChargebackId::PREFIX => ctx
            .load(ChargebackId(uuid))
            .await?
            .map(|row| Node::Chargeback(row.into())),
        RefusedEventId::PREFIX => ctx
            .load(RefusedEventId(uuid))
            .await?
            .map(|row| Node::RefusedEvent(row.into())),
        CustomerId::PREFIX => ctx.load(CustomerId(uuid)).await?.map(|row| Node::Customer(row.into())),
        PayoutId::PREFIX => ctx.load(PayoutId(uuid)).await?.map(|row| Node::Payout(row.into())),
        PayoutBatchId::PREFIX => ctx
            .load(PayoutBatchId(uuid))
            .await?
            .map(|row| Node::PayoutBatch(row.into())),
        PayoutFileId::PREFIX => ctx
            .load(PayoutFileId(uuid))
            .await?
            .map(|row| Node::PayoutFile(row.into())),
        PayoutMethodId::PREFIX => ctx
            .load(PayoutMethodId(uuid))
            .await?
            .map(|row| Node::PayoutMethod(row.into())),
        StoreCreditTransferId::PREFIX => ctx
            .load(StoreCreditTransferId(uuid))
            .await?
            .map(|row| Node::StoreCreditTransfer(row.into())),
        StoreCreditRedemptionId::PREFIX => ctx
            .load(StoreCreditRedemptionId(uuid))
            .await?
            .map(|row| Node::StoreCreditRedemption(row.into())),
        AdjustmentId::PREFIX => ctx
            .load(AdjustmentId(uuid))
            .await?
            .map(|row| Node::Adjustment(row.into())),
        JobId::PREFIX => ctx.load(JobId(uuid)).await?.map(|row| Node::Job(row.into())),
        SessionId::PREFIX => ctx
            .load(SessionId(uuid))
            .await?
            .map(|row| Node::UserSession(row.into())),
        _ => None,
    })
}
