//! Trust metrics as the schema shows them.

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ids::PartnerId, partner_trust, program_trust};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    error::ApiError,
    graphql::{
        context::ContextExt,
        scalars::{CurrencyCode, Decimal, ppm_to_percent},
    },
    marketplace::trust::{
        loaders::{PartnerTrustOf, ProgramsJoinedBy},
        rules::{self, PerClick, Rate, Wait},
    },
    money::Currency,
};

/// A share, with what it is a share of.
#[derive(Clone, Debug, SimpleObject)]
pub struct TrustRate {
    /// In percent, such as `"3.25"`.
    pub percent: Decimal,
    /// How many there were.
    pub sample_count: i32,
}

impl From<Rate> for TrustRate {
    fn from(rate: Rate) -> Self {
        Self {
            percent: ppm_to_percent(rate.ppm),
            sample_count: count(rate.sample),
        }
    }
}

/// A median of whole days, with how many waited.
#[derive(Clone, Debug, SimpleObject)]
pub struct TrustWait {
    /// Half of them waited no longer.
    pub median_days: i32,
    /// How many there were.
    pub sample_count: i32,
}

impl From<Wait> for TrustWait {
    fn from(wait: Wait) -> Self {
        Self {
            median_days: wait.days,
            sample_count: count(wait.sample),
        }
    }
}

/// What one click earned its partner on average.
#[derive(Clone, Debug, SimpleObject)]
pub struct EarningsPerClick {
    /// In major units such as `"0.1234"`, with four digits more than the currency has, half-even.
    pub amount: Decimal,
    /// The currency in which most commissions of the program are; what is earned in another one is not in the amount.
    pub currency: CurrencyCode,
    /// How many clicks there were.
    pub sample_count: i32,
}

impl EarningsPerClick {
    fn of(earned: PerClick) -> Option<Self> {
        /// Digits behind the minor unit.
        const DIGITS: u32 = 4;
        let currency: Currency = earned.currency.parse().ok()?;
        let parts = crate::money::proportion(earned.earned_minor, 10_i64.pow(DIGITS), earned.clicks);
        Some(Self {
            amount: Decimal(rust_decimal::Decimal::new(parts, currency.scale() + DIGITS).normalize()),
            currency: CurrencyCode(earned.currency),
            sample_count: count(earned.clicks),
        })
    }
}

/// How a program does, from what happened in the last 90 days (UTC). Counted about once a minute; a number whose sample is
/// too small to say anything is absent: below 100 clicks, or 20 conversions.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListingTrust {
    /// Commissions of the partners themselves, those of promo codes left out, by clicks on their links.
    pub earnings_per_click: Option<EarningsPerClick>,
    /// Of clicks, how many won a conversion that was not rejected.
    pub conversion_rate: Option<TrustRate>,
    /// Of conversions that were decided, how many were approved.
    pub approval_rate: Option<TrustRate>,
    /// Of conversions with an amount that were not rejected, from how many something came back.
    pub reversal_rate: Option<TrustRate>,
    /// From a conversion to its approval.
    pub days_to_approve: Option<TrustWait>,
    /// From the approval to the payment.
    pub days_to_pay: Option<TrustWait>,
    /// When a number last changed.
    pub measured_at: DateTime<Utc>,
}

impl From<program_trust::Model> for ListingTrust {
    fn from(row: program_trust::Model) -> Self {
        Self {
            earnings_per_click: rules::per_click(&row).and_then(EarningsPerClick::of),
            conversion_rate: rules::conversion_rate(row.clicked, row.clicks).map(Into::into),
            approval_rate: rules::approval_rate(&row).map(Into::into),
            reversal_rate: rules::reversal_rate(row.reversed, row.kept).map(Into::into),
            days_to_approve: rules::days_to_approve(&row).map(Into::into),
            days_to_pay: rules::days_to_pay(&row).map(Into::into),
            measured_at: row.measured_at,
        }
    }
}

/// How a partner does in all programs, from what happened in the last 90 days (UTC). Counted about once a minute; a rate
/// whose sample is too small to say anything is absent: below 100 clicks, or 20 conversions.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PartnerTrust {
    /// Sales that were not rejected.
    pub sales_count: i32,
    /// Of clicks on its links, how many won a conversion that was not rejected.
    pub conversion_rate: Option<TrustRate>,
    /// Of conversions with an amount that were not rejected, from how many something came back.
    pub reversal_rate: Option<TrustRate>,
    /// When a number last changed; absent when nothing was counted yet.
    pub measured_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub partner: PartnerId,
}

impl PartnerTrust {
    fn of(partner: PartnerId, row: Option<partner_trust::Model>) -> Self {
        let Some(row) = row else {
            return Self {
                sales_count: 0,
                conversion_rate: None,
                reversal_rate: None,
                measured_at: None,
                partner,
            };
        };
        Self {
            sales_count: count(row.sales),
            conversion_rate: rules::conversion_rate(row.clicked, row.clicks).map(Into::into),
            reversal_rate: rules::reversal_rate(row.reversed, row.kept).map(Into::into),
            measured_at: Some(row.measured_at),
            partner,
        }
    }
}

#[ComplexObject]
impl PartnerTrust {
    /// In how many programs it is active now.
    async fn programs_joined_count(&self, ctx: &Context<'_>) -> Result<Option<i32>, ApiError> {
        let joined = ctx.load(ProgramsJoinedBy(self.partner)).await?;
        Ok(Some(count(joined.unwrap_or_default())))
    }
}

/// What is told of a partner.
#[derive(Clone)]
pub struct TrustOfPartner(pub PartnerId);

#[Object]
impl TrustOfPartner {
    /// How it does. For its own people, the people of brands and the platform; absent for everybody else.
    async fn trust(&self, ctx: &Context<'_>) -> Result<Option<PartnerTrust>, ApiError> {
        let actor = ctx.actor();
        let own = actor.authorise(Operation::SeePartner, Place::partner(self.0)).is_ok();
        if !own && actor.brands.is_empty() {
            return Ok(None);
        }
        let row = ctx.load(PartnerTrustOf(self.0)).await?;
        Ok(Some(PartnerTrust::of(self.0, row)))
    }
}

fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
