//! What can be asked of the marketplace, and how it answers.

use async_graphql::{Enum, InputObject, SimpleObject, connection::PageInfo};
use chrono::{DateTime, Utc};
use entity::listing;
use sea_orm::ActiveEnum;

use crate::{
    error::ApiError,
    graphql::{
        objects::Brand,
        scalars::{CountryCode, CurrencyCode, Decimal, ppm_to_percent},
    },
    infra::search::{self, Field, Filter, schema::listings},
    marketplace::types::{
        Listing, ListingPayoutMethod, OrderDirection,
        conditions::{AmountRange, CategoryFilter, DaysRange, PercentRange, Where, one_of, one_of_enum},
        found::{
            DaysExtent, FacetValue, FoundPage, Highlight, PercentExtent, bounded, enum_values, found, highlight, values,
        },
    },
    money::{self, Currency},
};

/// What a program pays for, and how.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum CommissionKind {
    /// A percentage of a sale.
    SalePercent,
    /// An amount for a sale or for each item of it.
    SaleFixed,
    /// An amount for a lead.
    LeadFixed,
    /// An amount for a signup.
    SignupFixed,
}

impl CommissionKind {
    const ALL: [Self; 4] = [Self::SalePercent, Self::SaleFixed, Self::LeadFixed, Self::SignupFixed];

    fn keyword(self) -> &'static str {
        match self {
            Self::SalePercent => "SALE_PERCENT",
            Self::SaleFixed => "SALE_FIXED",
            Self::LeadFixed => "LEAD_FIXED",
            Self::SignupFixed => "SIGNUP_FIXED",
        }
    }
}

/// Which kinds of commission to find.
#[derive(Clone, Default, InputObject)]
pub struct CommissionKindFilter {
    /// Exactly this one.
    pub eq: Option<CommissionKind>,
    /// Any of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<CommissionKind>>,
}

/// Which ways of paying to find.
#[derive(Clone, Default, InputObject)]
pub struct ListingPayoutMethodFilter {
    /// Exactly this one.
    pub eq: Option<ListingPayoutMethod>,
    /// Any of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<ListingPayoutMethod>>,
}

/// What to find in the marketplace; every condition must hold.
#[derive(Clone, Default, InputObject)]
pub struct ListingWhere {
    /// Words that must all occur in title, brand, program, category or pitch. Case and accents do not matter; a word of five
    /// letters may have one typo, one of nine two; the last word may go on; `"in quotes"` words must occur side by side and to
    /// the letter. At most 256 characters, of which ten words count. Only at the top, not within `and`, `or` and `not`.
    pub text: Option<String>,
    /// By category.
    pub category: Option<CategoryFilter>,
    /// Open to this country.
    pub country: Option<CountryCode>,
    /// By what pays and how, for somebody who just came in.
    pub commission: Option<CommissionKindFilter>,
    /// By the most that a sale pays as a percentage.
    pub sale_percent: Option<PercentRange>,
    /// By the most that an event pays as a fixed amount. A program that pays such amounts in several currencies counts
    /// with the first of them by name.
    pub fixed_amount: Option<AmountRange>,
    /// Takes orders in this currency.
    pub currency: Option<CurrencyCode>,
    /// By how many days after a click a sale still counts.
    pub attribution_window_days: Option<DaysRange>,
    /// By how many days commissions wait before they are approved.
    pub hold_days: Option<DaysRange>,
    /// Later orders of a customer pay too, or do not.
    pub recurring: Option<bool>,
    /// Lets in who applies, or decides first.
    pub auto_approval: Option<bool>,
    /// By how the brand says it pays its partners.
    pub payout_method: Option<ListingPayoutMethodFilter>,
    /// Shown first by the platform now, or not.
    pub featured: Option<bool>,
    /// First published at this moment or later: what is new.
    pub published_since: Option<DateTime<Utc>>,
    /// By what a click earns (`ListingTrust.earningsPerClick`), with up to six digits more than the currency has. This and
    /// the other numbers of trust pass nobody of whom they are not known.
    pub earnings_per_click: Option<AmountRange>,
    /// By `ListingTrust.conversionRate`.
    pub conversion_rate: Option<PercentRange>,
    /// By `ListingTrust.approvalRate`.
    pub approval_rate: Option<PercentRange>,
    /// By `ListingTrust.reversalRate`.
    pub reversal_rate: Option<PercentRange>,
    /// By `ListingTrust.daysToApprove`.
    pub days_to_approve: Option<DaysRange>,
    /// By `ListingTrust.daysToPay`.
    pub days_to_pay: Option<DaysRange>,
    /// All of these hold, too.
    pub and: Option<Vec<ListingWhere>>,
    /// One of these holds at least. An empty list finds nothing.
    pub or: Option<Vec<ListingWhere>>,
    /// This does not hold.
    pub not: Option<Box<ListingWhere>>,
}

impl Where for ListingWhere {
    fn text(&self) -> Option<&String> {
        self.text.as_ref()
    }

    fn and(&self) -> Option<&[Self]> {
        self.and.as_deref()
    }

    fn or(&self) -> Option<&[Self]> {
        self.or.as_deref()
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }

    fn conditions(&self, path: &str, now: DateTime<Utc>) -> Result<Vec<Filter>, ApiError> {
        let mut all = Vec::new();
        if let Some(category) = &self.category {
            let path = format!("{path}.category");
            all.extend(one_of(
                listings::CATEGORY,
                category.eq.as_ref(),
                category.any_of.as_deref(),
                &path,
            )?);
        }
        if let Some(country) = &self.country {
            all.push(open_to(listings::EVERYWHERE, listings::COUNTRIES, country));
        }
        if let Some(commission) = &self.commission {
            let word = |kind: CommissionKind| kind.keyword().to_owned();
            let (eq, any_of) = (commission.eq, commission.any_of.as_deref());
            let path = format!("{path}.commission");
            all.extend(one_of_enum(listings::COMMISSIONS, eq, any_of, word, &path)?);
        }
        for (field, name, percent) in [
            (listings::SALE_PPM, "salePercent", &self.sale_percent),
            (listings::CONVERSION_PPM, "conversionRate", &self.conversion_rate),
            (listings::APPROVAL_PPM, "approvalRate", &self.approval_rate),
            (listings::REVERSAL_PPM, "reversalRate", &self.reversal_rate),
        ] {
            if let Some(percent) = percent {
                all.push(percent.filter(field, &format!("{path}.{name}"))?);
            }
        }
        if let Some(amount) = &self.earnings_per_click {
            let path = format!("{path}.earningsPerClick");
            let end = |end: Option<Decimal>| end.map(|end| micro(end, &amount.currency, &path)).transpose();
            all.push(Filter::In(listings::CLICK_CURRENCY, vec![amount.currency.0.clone()]));
            all.push(Filter::Between(
                listings::CLICK_MICRO,
                end(amount.gte)?,
                end(amount.lte)?,
            ));
        }
        if let Some(amount) = &self.fixed_amount {
            let path = format!("{path}.fixedAmount");
            let end = |end: Option<Decimal>| end.map(|end| minor(end, &amount.currency, &path)).transpose();
            all.push(Filter::In(listings::FIXED_CURRENCY, vec![amount.currency.0.clone()]));
            all.push(Filter::Between(
                listings::FIXED_MINOR,
                end(amount.gte)?,
                end(amount.lte)?,
            ));
        }
        if let Some(currency) = &self.currency {
            all.push(Filter::In(listings::CURRENCIES, vec![currency.0.clone()]));
        }
        for (field, days) in [
            (listings::WINDOW_DAYS, &self.attribution_window_days),
            (listings::HOLD_DAYS, &self.hold_days),
            (listings::APPROVE_DAYS, &self.days_to_approve),
            (listings::PAY_DAYS, &self.days_to_pay),
        ] {
            if let Some(days) = days {
                all.push(Filter::Between(
                    field,
                    days.min_days.map(Into::into),
                    days.max_days.map(Into::into),
                ));
            }
        }
        all.extend(self.recurring.map(|flag| Filter::Is(listings::RECURRING, flag)));
        all.extend(self.auto_approval.map(|flag| Filter::Is(listings::AUTO_APPROVAL, flag)));
        if let Some(methods) = &self.payout_method {
            let word = |method: ListingPayoutMethod| listing::PayoutMethod::from(method).to_value();
            let (eq, any_of) = (methods.eq, methods.any_of.as_deref());
            let path = format!("{path}.payoutMethod");
            all.extend(one_of_enum(listings::PAYOUT_METHODS, eq, any_of, word, &path)?);
        }
        if let Some(featured) = self.featured {
            let until_later = Filter::Between(listings::FEATURED_UNTIL, Some(now.timestamp_micros()), None);
            all.push(if featured {
                until_later
            } else {
                Filter::Not(Box::new(until_later))
            });
        }
        if let Some(since) = self.published_since {
            all.push(Filter::Between(
                listings::PUBLISHED_AT,
                Some(since.timestamp_micros()),
                None,
            ));
        }
        Ok(all)
    }
}

/// What to find among brands; every condition must hold.
#[derive(Clone, Default, InputObject)]
pub struct BrandWhere {
    /// Words that must all occur in the brand's name or the categories of its listings; read as in `ListingWhere.text`.
    pub text: Option<String>,
    /// By the categories of their open listings.
    pub category: Option<CategoryFilter>,
    /// With an open listing for this country.
    pub country: Option<CountryCode>,
}

impl BrandWhere {
    /// The same for an engine, with errors that name their field.
    pub fn filter(&self) -> Result<Filter, ApiError> {
        use search::schema::brands;
        let mut all = Vec::new();
        if let Some(category) = &self.category {
            let (eq, any_of) = (category.eq.as_ref(), category.any_of.as_deref());
            all.extend(one_of(brands::CATEGORIES, eq, any_of, "where.category")?);
        }
        if let Some(country) = &self.country {
            all.push(open_to(brands::EVERYWHERE, brands::COUNTRIES, country));
        }
        Ok(Filter::All(all))
    }
}

fn open_to(everywhere: Field, countries: Field, country: &CountryCode) -> Filter {
    Filter::Any(vec![
        Filter::Is(everywhere, true),
        Filter::In(countries, vec![country.0.clone()]),
    ])
}

fn minor(amount: Decimal, currency: &CurrencyCode, path: &str) -> Result<i64, ApiError> {
    let refuse = |error: &dyn std::fmt::Display| ApiError::bad_field(path, error.to_string());
    let currency: Currency = currency.0.parse().map_err(|error| refuse(&error))?;
    let money = money::Money::from_decimal(amount.0, currency).map_err(|error| refuse(&error))?;
    Ok(money.amount_minor)
}

/// An amount in millionths of its currency's minor unit.
fn micro(amount: Decimal, currency: &CurrencyCode, path: &str) -> Result<i64, ApiError> {
    use rust_decimal::prelude::ToPrimitive;
    /// Digits behind the minor unit.
    const DIGITS: u32 = 6;
    let known: Currency = currency
        .0
        .parse()
        .map_err(|error: money::UnknownCurrency| ApiError::bad_field(path, error.to_string()))?;
    let digits = known.scale() + DIGITS;
    amount
        .0
        .checked_mul(rust_decimal::Decimal::from(10_i64.pow(digits)))
        .map(|micro| micro.normalize())
        .filter(|micro| micro.scale() == 0)
        .and_then(|micro| micro.to_i64())
        .ok_or_else(|| ApiError::bad_field(path, format!("an amount of {known} has at most {digits} digits here")))
}

/// What to order listings by.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ListingOrderField {
    /// By when they were first published.
    Newest,
    /// By how well they match the text, the best first in either direction; without a text, as `NEWEST`.
    Relevance,
    /// By the most that a sale pays as a percentage; those that pay none come last.
    SalePercent,
    /// By how many days after a click a sale still counts.
    AttributionWindow,
    /// By what a click earns, in one currency: only listings whose earnings are in it are found.
    EarningsPerClick,
    /// By how many of their conversions are approved; those of whom it is not known come last.
    ApprovalRate,
    /// By how long an approved commission waits for its payment; those of whom it is not known come last.
    DaysToPay,
}

/// In which order listings come.
#[derive(Clone, InputObject)]
pub struct ListingOrder {
    /// What to order by.
    pub field: ListingOrderField,
    /// Which end comes first.
    #[graphql(default_with = "OrderDirection::Desc")]
    pub direction: OrderDirection,
    /// The currency to compare in: for `EARNINGS_PER_CLICK`, which needs it, and for nothing else.
    pub currency: Option<CurrencyCode>,
}

impl ListingOrder {
    /// What only is found because of this order.
    pub fn filter(&self) -> Result<Option<Filter>, ApiError> {
        match (self.field, &self.currency) {
            (ListingOrderField::EarningsPerClick, Some(currency)) => {
                Ok(Some(Filter::In(listings::CLICK_CURRENCY, vec![currency.0.clone()])))
            }
            (ListingOrderField::EarningsPerClick, None) => Err(ApiError::bad_field(
                "orderBy.currency",
                "`EARNINGS_PER_CLICK` compares within one currency: say which",
            )),
            (_, Some(_)) => Err(ApiError::bad_field(
                "orderBy.currency",
                "`currency` is for `EARNINGS_PER_CLICK` only",
            )),
            (_, None) => Ok(None),
        }
    }
}

/// How often a kind of commission is found.
#[derive(Clone, Debug, SimpleObject)]
pub struct CommissionFacetValue {
    /// The kind.
    pub value: CommissionKind,
    /// How many of everything that was found have it.
    pub count: i32,
}

/// How often a way of paying is found.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListingPayoutMethodFacetValue {
    /// The way.
    pub value: ListingPayoutMethod,
    /// How many of everything that was found have it.
    pub count: i32,
}

/// What there is among everything that was found, before it is cut into pages. At most 100 values each, the most frequent
/// first; only what is asked for is counted.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct ListingFacets {
    /// By category.
    pub categories: Vec<FacetValue>,
    /// By country, those open everywhere left out.
    pub countries: Vec<FacetValue>,
    /// By what pays and how.
    pub commissions: Vec<CommissionFacetValue>,
    /// By currency of orders.
    pub currencies: Vec<FacetValue>,
    /// How many let in who applies (`true`) or decide first (`false`).
    pub auto_approval: Vec<FacetValue>,
    /// How many pay for later orders of a customer too (`true`) or do not (`false`).
    pub recurring: Vec<FacetValue>,
    /// By how the brand says it pays.
    pub payout_methods: Vec<ListingPayoutMethodFacetValue>,
    /// What a sale pays as a percentage; absent when none does.
    pub sale_percent: Option<PercentExtent>,
    /// How many days after a click a sale still counts; absent when nothing was found.
    pub attribution_window_days: Option<DaysExtent>,
}

impl ListingFacets {
    /// Each facet's name in the schema with the field it counts.
    pub const FIELDS: [(&'static str, Field); 9] = [
        ("categories", listings::CATEGORY),
        ("countries", listings::COUNTRIES),
        ("commissions", listings::COMMISSIONS),
        ("currencies", listings::CURRENCIES),
        ("autoApproval", listings::AUTO_APPROVAL),
        ("recurring", listings::RECURRING),
        ("payoutMethods", listings::PAYOUT_METHODS),
        ("salePercent", listings::SALE_PPM),
        ("attributionWindowDays", listings::WINDOW_DAYS),
    ];

    #[must_use]
    pub fn of(counted: Vec<search::Facet>) -> Self {
        let mut facets = Self::default();
        for facet in counted {
            match facet.field {
                listings::CATEGORY => facets.categories = values(facet),
                listings::COUNTRIES => facets.countries = values(facet),
                listings::CURRENCIES => facets.currencies = values(facet),
                listings::AUTO_APPROVAL => facets.auto_approval = values(facet),
                listings::RECURRING => facets.recurring = values(facet),
                listings::COMMISSIONS => {
                    let known = |(word, count): (String, u64)| {
                        let value = CommissionKind::ALL.into_iter().find(|kind| kind.keyword() == word)?;
                        Some(CommissionFacetValue {
                            value,
                            count: bounded(count),
                        })
                    };
                    facets.commissions = facet.values.into_iter().filter_map(known).collect();
                }
                listings::PAYOUT_METHODS => {
                    facets.payout_methods = enum_values(facet, |method: listing::PayoutMethod, count| {
                        ListingPayoutMethodFacetValue {
                            value: method.into(),
                            count,
                        }
                    });
                }
                listings::SALE_PPM => {
                    facets.sale_percent = facet.range.map(|(min, max)| PercentExtent {
                        min: ppm_to_percent(min),
                        max: ppm_to_percent(max),
                    });
                }
                listings::WINDOW_DAYS => {
                    let days = |days: i64| i32::try_from(days).unwrap_or(i32::MAX);
                    facets.attribution_window_days = facet.range.map(|(min, max)| DaysExtent {
                        min_days: days(min),
                        max_days: days(max),
                    });
                }
                _ => {}
            }
        }
        facets
    }
}

/// What a search box may show while somebody types.
#[derive(Clone, SimpleObject)]
pub struct MarketplaceSuggestions {
    /// Listings, the best match first.
    pub listings: Vec<Listing>,
    /// Brands with an open listing, the best match first.
    pub brands: Vec<Brand>,
    /// Categories of everything that matches, the most frequent first.
    pub categories: Vec<FacetValue>,
    /// The search engine did not answer, and the database was searched instead.
    pub degraded: bool,
}

impl MarketplaceSuggestions {
    #[must_use]
    pub fn of(listings: FoundPage<listing::Model>, brands: FoundPage<entity::brand::Model>, limit: usize) -> Self {
        let counted = listings.facets.into_iter().flat_map(values);
        Self {
            categories: counted.take(limit).collect(),
            degraded: listings.degraded || brands.degraded,
            listings: listings.items.into_iter().map(|item| item.row.into()).collect(),
            brands: brands.items.into_iter().map(|item| item.row.into()).collect(),
        }
    }
}

found! {
    /// Listings as they were found.
    ListingConnection, ListingEdge of Listing, from listing::Model, facets ListingFacets
}

found! {
    /// Brands as they were found.
    BrandConnection, BrandEdge of Brand, from entity::brand::Model
}

#[cfg(test)]
mod tests {
    use super::{
        super::conditions::{MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES},
        *,
    };

    fn category(eq: Option<&str>, any_of: Option<&[&str]>) -> Result<Filter, ApiError> {
        let any_of = any_of.map(|any| any.iter().map(|one| (*one).to_owned()).collect());
        let category = Some(CategoryFilter {
            eq: eq.map(str::to_owned),
            any_of,
        });
        ListingWhere {
            category,
            ..ListingWhere::default()
        }
        .filter(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn both_operators_must_hold() {
        let of = |words: &[&str]| {
            Filter::In(
                listings::CATEGORY,
                words.iter().map(|word| (*word).to_owned()).collect(),
            )
        };
        assert_eq!(
            category(Some("food"), Some(&["home"])).unwrap(),
            Filter::All(vec![of(&["food"]), of(&["home"])])
        );
        assert_eq!(category(None, Some(&[])).unwrap(), Filter::All(vec![of(&[])]));
        assert!(category(None, Some(&["x"; MAX_VALUES + 1])).is_err());
    }

    #[test]
    fn filters_are_bounded_in_breadth_and_depth() {
        let leaf = || ListingWhere {
            recurring: Some(true),
            ..ListingWhere::default()
        };
        let wide = |size| ListingWhere {
            or: Some(vec![leaf(); size]),
            ..ListingWhere::default()
        };
        assert!(wide(20).filter(DateTime::UNIX_EPOCH).is_ok());
        assert!(wide(MAX_CONDITIONS).filter(DateTime::UNIX_EPOCH).is_err());
        let deep = |depth| {
            (0..depth).fold(leaf(), |inner, _| ListingWhere {
                not: Some(Box::new(inner)),
                ..ListingWhere::default()
            })
        };
        assert!(deep(MAX_DEPTH).filter(DateTime::UNIX_EPOCH).is_ok());
        assert!(deep(MAX_DEPTH + 1).filter(DateTime::UNIX_EPOCH).is_err());
        let hidden = ListingWhere {
            text: Some("tea".to_owned()),
            ..ListingWhere::default()
        };
        assert!(
            ListingWhere {
                not: Some(Box::new(hidden)),
                ..ListingWhere::default()
            }
            .filter(DateTime::UNIX_EPOCH)
            .is_err()
        );
    }
}
