//! Mutations of conversions.

use async_graphql::{Context, Object};
use entity::{commission_rule::ConversionEvent, order::CaptureState, refused_event::EventKind};

use crate::{
    accounts::permissions::Operation,
    conversions::{
        inbox::mutations::sent::{keep_rows, kept},
        service::{
            amend::{self, AmendOrder},
            bulk,
            capture::{self, RecordCapture},
            chargeback::{self, RecordChargeback, ResolveChargeback},
            clear,
            record::{self, RecordEvent, Recording},
            refund::{self, RecordRefund},
            review,
        },
        types::{
            AmendOrderInput, AmendOrderPayload, ApproveConversionInput, ApproveConversionPayload, ClearTestEventsInput,
            ClearTestEventsPayload, RecordCaptureInput, RecordCapturePayload, RecordChargebackInput,
            RecordChargebackPayload, RecordEventInput, RecordLeadPayload, RecordRefundInput, RecordRefundPayload,
            RecordSaleInput, RecordSalePayload, RecordSignupPayload, RejectConversionInput, RejectConversionPayload,
            ResolveChargebackInput, ResolveChargebackPayload,
            bulk::{RecordEventsInput, RecordEventsPayload},
        },
    },
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
};

#[derive(Default)]
pub struct ConversionMutations;

fn event_command(event: ConversionEvent, input: RecordEventInput) -> Result<RecordEvent, ApiError> {
    Ok(RecordEvent {
        brand: parse_id(&input.brand_id, "brandId")?,
        event,
        program: input.program_id.map(|id| parse_id(&id, "programId")).transpose()?,
        customer_id: Some(input.customer_id),
        order_id: None,
        amount: None,
        lines: Vec::new(),
        capture: CaptureState::Captured,
        promo_codes: input.promo_codes,
        click_id: input.click_id,
        occurred_at: input.occurred_at,
        idempotency_key: Key::parse(&input.idempotency_key)?,
    })
}

fn sale_command(input: RecordSaleInput) -> Result<RecordEvent, ApiError> {
    Ok(RecordEvent {
        brand: parse_id(&input.brand_id, "brandId")?,
        event: ConversionEvent::Sale,
        program: input.program_id.map(|id| parse_id(&id, "programId")).transpose()?,
        customer_id: input.customer_id,
        order_id: Some(input.order_id),
        amount: input.amount.map(|money| (money.amount.0, money.currency.0)),
        lines: input.lines.into_iter().map(Into::into).collect(),
        capture: input.capture.into(),
        promo_codes: input.promo_codes,
        click_id: input.click_id,
        occurred_at: input.occurred_at,
        idempotency_key: Key::parse(&input.idempotency_key)?,
    })
}

async fn try_record(ctx: &Context<'_>, command: Result<RecordEvent, ApiError>) -> Recording {
    record::record_conversion(ctx.app(), ctx.actor(), command?).await
}

#[Object]
impl ConversionMutations {
    /// Records that a customer made an account. The same as `POST /track/signup`.
    async fn record_signup(
        &self,
        ctx: &Context<'_>,
        input: RecordEventInput,
    ) -> Result<Option<RecordSignupPayload>, ApiError> {
        let recorded = try_record(ctx, event_command(ConversionEvent::Signup, input)).await;
        RecordSignupPayload::of(kept(ctx, Operation::RecordSignup, EventKind::Signup, recorded).await)
    }

    /// Records that a customer showed interest. The same as `POST /track/lead`.
    async fn record_lead(
        &self,
        ctx: &Context<'_>,
        input: RecordEventInput,
    ) -> Result<Option<RecordLeadPayload>, ApiError> {
        let recorded = try_record(ctx, event_command(ConversionEvent::Lead, input)).await;
        RecordLeadPayload::of(kept(ctx, Operation::RecordLead, EventKind::Lead, recorded).await)
    }

    /// Records a sale. The same as `POST /track/purchase`.
    async fn record_sale(
        &self,
        ctx: &Context<'_>,
        input: RecordSaleInput,
    ) -> Result<Option<RecordSalePayload>, ApiError> {
        let recorded = try_record(ctx, sale_command(input)).await;
        RecordSalePayload::of(kept(ctx, Operation::RecordSale, EventKind::Sale, recorded).await)
    }

    /// Records a refund: commissions come back proportionally at every level of the tree. The same as
    /// `POST /track/refund`.
    async fn record_refund(
        &self,
        ctx: &Context<'_>,
        input: RecordRefundInput,
    ) -> Result<Option<RecordRefundPayload>, ApiError> {
        let recorded = async {
            let command = RecordRefund {
                brand: parse_id(&input.brand_id, "brandId")?,
                order_id: input.order_id,
                amount: input.amount.map(|money| (money.amount.0, money.currency.0)),
                lines: input.lines.into_iter().map(Into::into).collect(),
                reason: input.reason,
                occurred_at: input.occurred_at,
                idempotency_key: Key::parse(&input.idempotency_key)?,
            };
            refund::record_refund(ctx.app(), ctx.actor(), command).await
        };
        RecordRefundPayload::of(kept(ctx, Operation::RecordRefund, EventKind::Refund, recorded.await).await)
    }

    /// Changes what an order comes to. Less takes commissions back as a refund does; more than it ever came to is earned on
    /// at every level, and only before approval. The same as `POST /track/amend`.
    async fn amend_order(
        &self,
        ctx: &Context<'_>,
        input: AmendOrderInput,
    ) -> Result<Option<AmendOrderPayload>, ApiError> {
        let recorded = async {
            let command = AmendOrder {
                brand: parse_id(&input.brand_id, "brandId")?,
                order_id: input.order_id,
                amount: (input.amount.amount.0, input.amount.currency.0),
                reason: input.reason,
                occurred_at: input.occurred_at,
                idempotency_key: Key::parse(&input.idempotency_key)?,
            };
            amend::amend_order(ctx.app(), ctx.actor(), command).await
        };
        AmendOrderPayload::of(kept(ctx, Operation::AmendOrder, EventKind::Amendment, recorded.await).await)
    }

    /// Records that money of an authorised order was taken. The same as `POST /track/capture`.
    async fn record_capture(
        &self,
        ctx: &Context<'_>,
        input: RecordCaptureInput,
    ) -> Result<Option<RecordCapturePayload>, ApiError> {
        let recorded = async {
            let command = RecordCapture {
                brand: parse_id(&input.brand_id, "brandId")?,
                order_id: input.order_id,
                amount: input.amount.map(|money| (money.amount.0, money.currency.0)),
                is_final: input.is_final,
                occurred_at: input.occurred_at,
                idempotency_key: Key::parse(&input.idempotency_key)?,
            };
            capture::record_capture(ctx.app(), ctx.actor(), command).await
        };
        RecordCapturePayload::of(kept(ctx, Operation::RecordCapture, EventKind::Capture, recorded.await).await)
    }

    /// Records that a payment was charged back: commissions come back as with a refund, until the dispute is decided.
    /// The same as `POST /track/chargeback`.
    async fn record_chargeback(
        &self,
        ctx: &Context<'_>,
        input: RecordChargebackInput,
    ) -> Result<Option<RecordChargebackPayload>, ApiError> {
        let recorded = async {
            let command = RecordChargeback {
                brand: parse_id(&input.brand_id, "brandId")?,
                order_id: input.order_id,
                reference: input.reference,
                amount: input.amount.map(|money| (money.amount.0, money.currency.0)),
                reason: input.reason,
                occurred_at: input.occurred_at,
                idempotency_key: Key::parse(&input.idempotency_key)?,
            };
            chargeback::record_chargeback(ctx.app(), ctx.actor(), command).await
        };
        RecordChargebackPayload::of(kept(ctx, Operation::RecordChargeback, EventKind::Chargeback, recorded.await).await)
    }

    /// Closes an open chargeback: won, its commissions come again at every level; lost, they are gone. The same as
    /// `POST /track/chargeback/resolve`.
    async fn resolve_chargeback(
        &self,
        ctx: &Context<'_>,
        input: ResolveChargebackInput,
    ) -> Result<Option<ResolveChargebackPayload>, ApiError> {
        let recorded = async {
            let command = ResolveChargeback {
                brand: parse_id(&input.brand_id, "brandId")?,
                order_id: input.order_id,
                reference: input.reference,
                outcome: input.outcome.into(),
                idempotency_key: Key::parse(&input.idempotency_key)?,
            };
            chargeback::resolve_chargeback(ctx.app(), ctx.actor(), command).await
        };
        ResolveChargebackPayload::of(
            kept(
                ctx,
                Operation::ResolveChargeback,
                EventKind::ChargebackResolution,
                recorded.await,
            )
            .await,
        )
    }

    /// Records many events of one brand in their order, and says what became of each. The same as `POST /track/bulk`.
    async fn record_events(
        &self,
        ctx: &Context<'_>,
        input: RecordEventsInput,
    ) -> Result<Option<RecordEventsPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let rows = input.events.into_iter().map(|row| row.command(&input.brand_id));
        let policy = input.error_policy.into();
        let rows = bulk::record_events(ctx.app(), ctx.actor(), brand, rows.collect(), policy).await;
        if let Ok(rows) = &rows {
            keep_rows(ctx, brand, rows).await;
        }
        RecordEventsPayload::of(kept(ctx, Operation::RecordEvents, EventKind::Unreadable, rows).await)
    }

    /// Deletes the brand's test events with their orders, customers, refused events and idempotency keys. A bounded number:
    /// ask again until it is complete.
    async fn clear_test_events(
        &self,
        ctx: &Context<'_>,
        input: ClearTestEventsInput,
    ) -> Result<Option<ClearTestEventsPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        ClearTestEventsPayload::of(clear::clear_test_events(ctx.app(), ctx.actor(), brand).await)
    }

    /// Approves a conversion whose hold period is over, with its commissions at every level.
    async fn approve_conversion(
        &self,
        ctx: &Context<'_>,
        input: ApproveConversionInput,
    ) -> Result<Option<ApproveConversionPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        ApproveConversionPayload::of(review::approve_conversion(ctx.app(), ctx.actor(), id, &key).await)
    }

    /// Rejects a pending conversion, with its commissions at every level.
    async fn reject_conversion(
        &self,
        ctx: &Context<'_>,
        input: RejectConversionInput,
    ) -> Result<Option<RejectConversionPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        let rejected = review::reject_conversion(ctx.app(), ctx.actor(), id, &input.reason, &key).await;
        RejectConversionPayload::of(rejected)
    }
}
