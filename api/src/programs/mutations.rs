//! Program mutations.

use async_graphql::{Context, MaybeUndefined, Object};

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, not_null, parse_id},
        scalars::{CurrencyCode, percent_to_ppm},
    },
    programs::{
        service::{self, Conditions, CreateRule, Earning, Patch, Settings},
        types::{
            ActivateProgramInput, ActivateProgramPayload, ArchiveCommissionRuleInput, ArchiveCommissionRulePayload,
            ArchiveProgramInput, ArchiveProgramPayload, CommissionEarningInput, CreateCommissionRuleInput,
            CreateCommissionRulePayload, CreateProgramInput, CreateProgramPayload, PauseProgramInput,
            PauseProgramPayload, ProgramPatchInput, ReferralEarningInput, SetReferralLevelsInput,
            SetReferralLevelsPayload, UpdateProgramInput, UpdateProgramPayload,
        },
    },
};

#[derive(Default)]
pub struct ProgramMutations;

#[Object]
impl ProgramMutations {
    /// Makes a program as a draft, with the first version of its terms.
    async fn create_program(
        &self,
        ctx: &Context<'_>,
        input: CreateProgramInput,
    ) -> Result<Option<CreateProgramPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let settings = Settings {
            name: input.name,
            description: input.description,
            currencies: codes(input.currencies),
            destination_url: input.destination_url.0,
            hold_days: input.hold_days,
            attribution_window_days: input.attribution_window_days,
            attribution_order: input.attribution_order.into(),
            customer_binding: input.customer_binding.into(),
            customer_binding_months: input.customer_binding_months,
            auto_approve_commissions: input.auto_approve_commissions,
            commission_note: input.commission_note,
        };
        CreateProgramPayload::of(service::create_program(ctx.app(), ctx.actor(), brand, settings, &input.terms).await)
    }

    /// Changes a program. What the patch leaves out stays as it is.
    async fn update_program(
        &self,
        ctx: &Context<'_>,
        input: UpdateProgramInput,
    ) -> Result<Option<UpdateProgramPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let patch = read_patch(input.patch)?;
        UpdateProgramPayload::of(service::update_program(ctx.app(), ctx.actor(), id, patch).await)
    }

    /// Opens a draft or paused program.
    async fn activate_program(
        &self,
        ctx: &Context<'_>,
        input: ActivateProgramInput,
    ) -> Result<Option<ActivateProgramPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ActivateProgramPayload::of(service::activate_program(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Lets an active program rest: nobody joins, and touches of its partners are rejected. Sales are still recorded.
    async fn pause_program(
        &self,
        ctx: &Context<'_>,
        input: PauseProgramInput,
    ) -> Result<Option<PauseProgramPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        PauseProgramPayload::of(service::pause_program(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Ends a draft or paused program for good; an active one is paused first. Commissions earned in it take their course.
    async fn archive_program(
        &self,
        ctx: &Context<'_>,
        input: ArchiveProgramInput,
    ) -> Result<Option<ArchiveProgramPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ArchiveProgramPayload::of(service::archive_program(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Adds a commission rule to a program, or to the personal terms of one of its partnerships.
    async fn create_commission_rule(
        &self,
        ctx: &Context<'_>,
        input: CreateCommissionRuleInput,
    ) -> Result<Option<CreateCommissionRulePayload>, ApiError> {
        let command = CreateRule {
            program: parse_id(&input.program_id, "programId")?,
            partnership: input
                .partnership_id
                .map(|id| parse_id(&id, "partnershipId"))
                .transpose()?,
            event: input.event.into(),
            earning: match input.earning {
                CommissionEarningInput::Percent(percent) => {
                    Earning::PercentOfSale(percent_to_ppm(percent, "earning.percent")?)
                }
                CommissionEarningInput::Fixed(money) => Earning::Fixed {
                    amount: money.amount.0,
                    currency: money.currency.0,
                },
                CommissionEarningInput::FixedPerItem(money) => Earning::FixedPerItem {
                    amount: money.amount.0,
                    currency: money.currency.0,
                },
            },
            conditions: input.conditions.map(Conditions::from).unwrap_or_default(),
            position: input.position,
            valid_from: input.valid_from,
            valid_until: input.valid_until,
        };
        CreateCommissionRulePayload::of(service::create_rule(ctx.app(), ctx.actor(), command).await)
    }

    /// Takes a commission rule out of use. Commissions it computed stay as they are.
    async fn archive_commission_rule(
        &self,
        ctx: &Context<'_>,
        input: ArchiveCommissionRuleInput,
    ) -> Result<Option<ArchiveCommissionRulePayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ArchiveCommissionRulePayload::of(service::archive_rule(ctx.app(), ctx.actor(), id).await)
    }

    /// Sets what the levels of a program's referral tree earn, in place of all it had.
    async fn set_referral_levels(
        &self,
        ctx: &Context<'_>,
        input: SetReferralLevelsInput,
    ) -> Result<Option<SetReferralLevelsPayload>, ApiError> {
        let id = parse_id(&input.program_id, "programId")?;
        let levels = input
            .levels
            .into_iter()
            .enumerate()
            .map(|(index, level)| Ok((level.level, read_earning(level.earning, index)?)))
            .collect::<Result<Vec<_>, ApiError>>()?;
        SetReferralLevelsPayload::of(service::set_levels(ctx.app(), ctx.actor(), id, levels).await)
    }
}

fn codes(currencies: Vec<CurrencyCode>) -> Vec<String> {
    currencies.into_iter().map(|code| code.0).collect()
}

fn read_earning(earning: ReferralEarningInput, index: usize) -> Result<Earning, ApiError> {
    let field = |name: &str| format!("levels.{index}.earning.{name}");
    Ok(match earning {
        ReferralEarningInput::PercentOfSale(percent) => {
            Earning::PercentOfSale(percent_to_ppm(percent, &field("percentOfSale"))?)
        }
        ReferralEarningInput::PercentOfCommission(percent) => {
            Earning::PercentOfCommission(percent_to_ppm(percent, &field("percentOfCommission"))?)
        }
        ReferralEarningInput::Fixed(money) => Earning::Fixed {
            amount: money.amount.0,
            currency: money.currency.0,
        },
    })
}

/// Absent keeps, null takes away.
fn nullable<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

fn read_patch(patch: ProgramPatchInput) -> Result<Patch, ApiError> {
    Ok(Patch {
        name: not_null(patch.name, "patch.name")?,
        description: not_null(patch.description, "patch.description")?,
        currencies: not_null(patch.currencies, "patch.currencies")?.map(codes),
        destination_url: not_null(patch.destination_url, "patch.destinationUrl")?.map(|url| url.0),
        hold_days: not_null(patch.hold_days, "patch.holdDays")?,
        attribution_window_days: not_null(patch.attribution_window_days, "patch.attributionWindowDays")?,
        attribution_order: not_null(patch.attribution_order, "patch.attributionOrder")?.map(Into::into),
        customer_binding: not_null(patch.customer_binding, "patch.customerBinding")?.map(Into::into),
        customer_binding_months: nullable(patch.customer_binding_months),
        auto_approve_commissions: not_null(patch.auto_approve_commissions, "patch.autoApproveCommissions")?,
        commission_note: nullable(patch.commission_note),
        terms: not_null(patch.terms, "patch.terms")?,
    })
}
