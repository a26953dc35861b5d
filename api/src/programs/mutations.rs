//! Program mutations.

use async_graphql::{Context, ID, Object};

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, not_null, nullable, parse_id, said_id},
        scalars::{CountryCode, CurrencyCode, percent_to_ppm},
    },
    programs::{
        service::{
            self, Conditions, CreateGroup, CreateRule, Earning, GroupPatch, Patch, RuleScope, SetAdmission,
            SetQuestionnaire, Settings,
        },
        types::{
            ActivateProgramInput, ActivateProgramPayload, ArchiveCommissionRuleInput, ArchiveCommissionRulePayload,
            ArchivePartnerGroupInput, ArchivePartnerGroupPayload, ArchiveProgramInput, ArchiveProgramPayload,
            CommissionEarningInput, CreateCommissionRuleInput, CreateCommissionRulePayload, CreatePartnerGroupInput,
            CreatePartnerGroupPayload, CreateProgramInput, CreateProgramPayload, PauseProgramInput,
            PauseProgramPayload, ProgramPatchInput, ReferralEarningInput, SetAdmissionPolicyInput,
            SetAdmissionPolicyPayload, SetDefaultPartnerGroupInput, SetDefaultPartnerGroupPayload,
            SetQuestionnaireInput, SetQuestionnairePayload, SetReferralLevelsInput, SetReferralLevelsPayload,
            UpdatePartnerGroupInput, UpdatePartnerGroupPayload, UpdateProgramInput, UpdateProgramPayload,
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

    /// Adds a commission rule to a program, to one of its groups, or to the personal terms of one of its partnerships.
    async fn create_commission_rule(
        &self,
        ctx: &Context<'_>,
        input: CreateCommissionRuleInput,
    ) -> Result<Option<CreateCommissionRulePayload>, ApiError> {
        let command = CreateRule {
            program: parse_id(&input.program_id, "programId")?,
            scope: read_scope(input.group_id.as_ref(), input.partnership_id.as_ref())?,
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

    /// Makes a partner group of a program. At most 100 are in use at a time.
    async fn create_partner_group(
        &self,
        ctx: &Context<'_>,
        input: CreatePartnerGroupInput,
    ) -> Result<Option<CreatePartnerGroupPayload>, ApiError> {
        let command = CreateGroup {
            program: parse_id(&input.program_id, "programId")?,
            name: input.name,
            hold_days: input.hold_days,
            auto_approve_commissions: input.auto_approve_commissions,
            auto_approve_applications: input.auto_approve_applications,
        };
        CreatePartnerGroupPayload::of(service::create_group(ctx.app(), ctx.actor(), command).await)
    }

    /// Changes a partner group. What the patch leaves out stays as it is.
    async fn update_partner_group(
        &self,
        ctx: &Context<'_>,
        input: UpdatePartnerGroupInput,
    ) -> Result<Option<UpdatePartnerGroupPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let patch = GroupPatch {
            name: not_null(input.patch.name, "patch.name")?,
            hold_days: nullable(input.patch.hold_days),
            auto_approve_commissions: nullable(input.patch.auto_approve_commissions),
            auto_approve_applications: not_null(
                input.patch.auto_approve_applications,
                "patch.autoApproveApplications",
            )?,
        };
        UpdatePartnerGroupPayload::of(service::update_group(ctx.app(), ctx.actor(), id, patch).await)
    }

    /// Takes a partner group out of use, for good. Its name is free again.
    async fn archive_partner_group(
        &self,
        ctx: &Context<'_>,
        input: ArchivePartnerGroupInput,
    ) -> Result<Option<ArchivePartnerGroupPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ArchivePartnerGroupPayload::of(service::archive_group(ctx.app(), ctx.actor(), id).await)
    }

    /// Says to which group new partnerships of a program come. Those that are there stay where they are.
    async fn set_default_partner_group(
        &self,
        ctx: &Context<'_>,
        input: SetDefaultPartnerGroupInput,
    ) -> Result<Option<SetDefaultPartnerGroupPayload>, ApiError> {
        let id = parse_id(&input.program_id, "programId")?;
        let group = said_id(&input.group_id, "groupId", "say which group, or null for none")?;
        SetDefaultPartnerGroupPayload::of(service::set_default_group(ctx.app(), ctx.actor(), id, group).await)
    }

    /// Sets what partners who apply to a program are asked, in place of what was asked: a new version, unless it is the current
    /// one. Applications keep the version they answered. A program has at most 1,000 versions.
    async fn set_questionnaire(
        &self,
        ctx: &Context<'_>,
        input: SetQuestionnaireInput,
    ) -> Result<Option<SetQuestionnairePayload>, ApiError> {
        let questions = nullable(input.questions)
            .ok_or_else(|| ApiError::bad_field("questions", "say what to ask, or null for nothing of its own"))?;
        let command = SetQuestionnaire {
            program: parse_id(&input.program_id, "programId")?,
            group: input.group_id.map(|id| parse_id(&id, "groupId")).transpose()?,
            questions: questions.map(|questions| questions.into_iter().map(Into::into).collect()),
        };
        SetQuestionnairePayload::of(service::set_questionnaire(ctx.app(), ctx.actor(), command).await)
    }

    /// Sets how partners come into a program, in place of what was set: who may apply, who decides, and when somebody may ask
    /// again. It holds for applications that are open, too.
    async fn set_admission_policy(
        &self,
        ctx: &Context<'_>,
        input: SetAdmissionPolicyInput,
    ) -> Result<Option<SetAdmissionPolicyPayload>, ApiError> {
        let countries = |codes: Vec<CountryCode>| codes.into_iter().map(|code| code.0).collect();
        let command = SetAdmission {
            program: parse_id(&input.program_id, "programId")?,
            allowed_countries: countries(input.allowed_countries),
            excluded_countries: countries(input.excluded_countries),
            allowed_email_domains: input.allowed_email_domains,
            blocked_email_domains: input.blocked_email_domains,
            minimum_followers: input.minimum_followers_count,
            requires_verified_channel: input.require_verified_channel,
            decision: input.decision.into(),
            approve_after_days: input.approve_after_days,
            reject_ineligible: input.reject_ineligible,
            after_rejection: (input.after_rejection.into(), input.after_rejection_days),
            after_withdrawal: (input.after_withdrawal.into(), input.after_withdrawal_days),
        };
        SetAdmissionPolicyPayload::of(service::set_admission(ctx.app(), ctx.actor(), command).await)
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

fn read_scope(group: Option<&ID>, partnership: Option<&ID>) -> Result<RuleScope, ApiError> {
    match (group, partnership) {
        (None, None) => Ok(RuleScope::Program),
        (Some(id), None) => parse_id(id, "groupId").map(RuleScope::Group),
        (None, Some(id)) => parse_id(id, "partnershipId").map(RuleScope::Partnership),
        (Some(_), Some(_)) => Err(ApiError::bad_field(
            "groupId",
            "a rule is for a group or for a partnership, not for both",
        )),
    }
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
