//! What can be asked of creators, and how the search answers.

use async_graphql::{Enum, InputObject, SimpleObject, connection::PageInfo};
use entity::creator_profile;
use sea_orm::ActiveEnum;

use super::{CreatorAvailability, CreatorPlatform, CreatorProfile, CreatorVetting, GeoPointInput};
use crate::{
    error::ApiError,
    graphql::scalars::{CountryCode, Decimal, percent_to_ppm, ppm_to_percent},
    infra::search::{self, Field, Filter, Point, Sort, schema::creators},
    marketplace::{
        creators::rules::{self, Place},
        types::{
            OrderDirection,
            find::{
                FacetValue, FoundPage, Highlight, MAX_CONDITIONS, MAX_DEPTH, PercentExtent, PercentRange, at_most,
                bounded, found, highlight, one_of, values,
            },
        },
    },
};

/// How far away things may be looked for: half the way around the earth.
const MAX_KILOMETERS: i32 = 20_000;
const METRES: u32 = 1_000;
const PPM_PER_BPS: i64 = 100;

/// Which slugs or tags to find.
#[derive(Clone, Default, InputObject)]
pub struct CreatorKeywordFilter {
    /// Exactly this one.
    pub eq: Option<String>,
    /// Any of these: at most 100.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<String>>,
}

/// Which platforms to find.
#[derive(Clone, Default, InputObject)]
pub struct CreatorPlatformFilter {
    /// Exactly this one.
    pub eq: Option<CreatorPlatform>,
    /// Any of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<CreatorPlatform>>,
}

/// Which countries to find.
#[derive(Clone, Default, InputObject)]
pub struct CreatorCountryFilter {
    /// Exactly this one.
    pub eq: Option<CountryCode>,
    /// Any of these: at most 100.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<CountryCode>>,
}

/// Which availability to find.
#[derive(Clone, Default, InputObject)]
pub struct CreatorAvailabilityFilter {
    /// Exactly this one.
    pub eq: Option<CreatorAvailability>,
    /// Any of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<CreatorAvailability>>,
}

/// Which vetting to find.
#[derive(Clone, Default, InputObject)]
pub struct CreatorVettingFilter {
    /// Exactly this one.
    pub eq: Option<CreatorVetting>,
    /// Any of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<CreatorVetting>>,
}

/// A range of numbers of people; both ends belong to it.
#[derive(Clone, Default, InputObject)]
pub struct FollowersRange {
    /// At least so many.
    pub min_count: Option<i32>,
    /// At most so many.
    pub max_count: Option<i32>,
}

/// A circle on earth.
#[derive(Clone, InputObject)]
pub struct NearInput {
    /// Its middle.
    pub point: GeoPointInput,
    /// How far away from it, at most: 1 to 20,000.
    pub kilometers: i32,
}

impl NearInput {
    fn read(&self, path: &str) -> Result<(Point, u32), ApiError> {
        let place = Place::new(self.point.latitude.0, self.point.longitude.0).ok_or_else(|| {
            ApiError::bad_field(
                &format!("{path}.point"),
                "a latitude lies between -90 and 90, a longitude between -180 and 180",
            )
        })?;
        if !(1..=MAX_KILOMETERS).contains(&self.kilometers) {
            return Err(ApiError::bad_field(
                &format!("{path}.kilometers"),
                format!("`kilometers` must be between 1 and {MAX_KILOMETERS}"),
            ));
        }
        let point = Point::of_micro(place.latitude_micro, place.longitude_micro);
        Ok((point, self.kilometers.unsigned_abs() * METRES))
    }
}

/// What to find among creators; every condition must hold.
#[derive(Clone, Default, InputObject)]
pub struct CreatorWhere {
    /// Words that must all occur in name, handles, headline, niches or text; read as in `ListingWhere.text`. Only at the top,
    /// not within `and`, `or` and `not`.
    pub text: Option<String>,
    /// By what they are about.
    pub niche: Option<CreatorKeywordFilter>,
    /// With a channel there.
    pub platform: Option<CreatorPlatformFilter>,
    /// By how many follow the channel that has most of them.
    pub followers: Option<FollowersRange>,
    /// By how many of a hundred followers react, on the channel where most do.
    pub engagement: Option<PercentRange>,
    /// By where they are.
    pub country: Option<CreatorCountryFilter>,
    /// By where some of their audience is.
    pub audience_country: Option<CreatorCountryFilter>,
    /// By a language they speak to people in.
    pub language: Option<CreatorKeywordFilter>,
    /// By whether they take work now.
    pub availability: Option<CreatorAvailabilityFilter>,
    /// By what the platform makes of them.
    pub vetting: Option<CreatorVettingFilter>,
    /// With a verified channel, or with none.
    pub verified: Option<bool>,
    /// Within a circle. Who says no place is in none.
    pub near: Option<NearInput>,
    /// All of these hold, too.
    pub and: Option<Vec<CreatorWhere>>,
    /// One of these holds at least. An empty list finds nothing.
    pub or: Option<Vec<CreatorWhere>>,
    /// This does not hold.
    pub not: Option<Box<CreatorWhere>>,
}

impl CreatorWhere {
    /// The same for an engine, with errors that name their field.
    pub fn filter(&self) -> Result<Filter, ApiError> {
        let filter = self.filter_at("where", 0)?;
        if filter.nodes() > MAX_CONDITIONS {
            return Err(ApiError::bad_field(
                "where",
                format!("`where` has at most {MAX_CONDITIONS} conditions"),
            ));
        }
        Ok(filter)
    }

    fn filter_at(&self, path: &str, depth: usize) -> Result<Filter, ApiError> {
        if depth > MAX_DEPTH {
            return Err(ApiError::bad_field(
                path,
                format!("`and`, `or` and `not` nest at most {MAX_DEPTH} deep"),
            ));
        }
        if depth > 0 && self.text.is_some() {
            return Err(ApiError::bad_field(
                &format!("{path}.text"),
                "`text` stands at the top of `where` only",
            ));
        }
        let mut all = self.keywords(path)?;
        if let Some(followers) = &self.followers {
            let (least, most) = (followers.min_count, followers.max_count);
            all.push(Filter::Between(
                creators::FOLLOWERS,
                least.map(Into::into),
                most.map(Into::into),
            ));
        }
        if let Some(percent) = &self.engagement {
            let path = format!("{path}.engagement");
            let end = |end: Option<Decimal>| end.map(|end| percent_to_ppm(end, &path)).transpose();
            // Finer than what is kept: the next whole one within the range.
            let least = end(percent.gte)?.map(|ppm| ppm.div_euclid(PPM_PER_BPS) + i64::from(ppm % PPM_PER_BPS != 0));
            let most = end(percent.lte)?.map(|ppm| ppm.div_euclid(PPM_PER_BPS));
            all.push(Filter::Between(creators::ENGAGEMENT, least, most));
        }
        all.extend(self.verified.map(|flag| Filter::Is(creators::VERIFIED, flag)));
        if let Some(near) = &self.near {
            let (point, metres) = near.read(&format!("{path}.near"))?;
            all.push(Filter::Within(creators::LOCATION, point, metres));
        }
        let parts = |name: &str, parts: &[Self]| {
            at_most(parts.len(), MAX_CONDITIONS, &format!("{path}.{name}"))?;
            let read = |(place, part): (usize, &Self)| part.filter_at(&format!("{path}.{name}[{place}]"), depth + 1);
            parts.iter().enumerate().map(read).collect::<Result<Vec<_>, ApiError>>()
        };
        if let Some(and) = &self.and {
            all.extend(parts("and", and)?);
        }
        if let Some(or) = &self.or {
            all.push(Filter::Any(parts("or", or)?));
        }
        if let Some(not) = &self.not {
            all.push(Filter::Not(Box::new(not.filter_at(&format!("{path}.not"), depth + 1)?)));
        }
        Ok(Filter::All(all))
    }

    fn keywords(&self, path: &str) -> Result<Vec<Filter>, ApiError> {
        type Words = (Option<String>, Option<Vec<String>>);
        let of_enum = |eq: Option<String>, any_of: Option<Vec<String>>| -> Words { (eq, any_of) };
        let of_codes = |filter: &CreatorCountryFilter| -> Words {
            let code = |code: &CountryCode| code.0.clone();
            (
                filter.eq.as_ref().map(code),
                filter.any_of.as_ref().map(|codes| codes.iter().map(code).collect()),
            )
        };
        let of_words = |filter: &CreatorKeywordFilter| -> Words { (filter.eq.clone(), filter.any_of.clone()) };
        let asked: [(&str, Field, Option<Words>); 7] = [
            ("niche", creators::NICHES, self.niche.as_ref().map(of_words)),
            (
                "platform",
                creators::PLATFORMS,
                self.platform.as_ref().map(|filter| {
                    of_enum(
                        filter.eq.map(platform_word),
                        filter
                            .any_of
                            .as_ref()
                            .map(|any| any.iter().copied().map(platform_word).collect()),
                    )
                }),
            ),
            ("country", creators::COUNTRY, self.country.as_ref().map(of_codes)),
            (
                "audienceCountry",
                creators::AUDIENCE,
                self.audience_country.as_ref().map(of_codes),
            ),
            ("language", creators::LANGUAGES, self.language.as_ref().map(of_words)),
            (
                "availability",
                creators::AVAILABILITY,
                self.availability.as_ref().map(|filter| {
                    of_enum(
                        filter.eq.map(availability_word),
                        filter
                            .any_of
                            .as_ref()
                            .map(|any| any.iter().copied().map(availability_word).collect()),
                    )
                }),
            ),
            (
                "vetting",
                creators::VETTING,
                self.vetting.as_ref().map(|filter| {
                    of_enum(
                        filter.eq.map(vetting_word),
                        filter
                            .any_of
                            .as_ref()
                            .map(|any| any.iter().copied().map(vetting_word).collect()),
                    )
                }),
            ),
        ];
        let mut all = Vec::new();
        for (name, field, words) in asked {
            if let Some((eq, any_of)) = words {
                all.extend(one_of(
                    field,
                    eq.as_ref(),
                    any_of.as_deref(),
                    &format!("{path}.{name}"),
                )?);
            }
        }
        Ok(all)
    }
}

fn platform_word(platform: CreatorPlatform) -> String {
    entity::creator_channel::Platform::from(platform).to_value()
}

fn availability_word(availability: CreatorAvailability) -> String {
    creator_profile::Availability::from(availability).to_value()
}

fn vetting_word(vetting: CreatorVetting) -> String {
    creator_profile::Vetting::from(vetting).to_value()
}

/// What to order creators by.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum CreatorOrderField {
    /// By when their profile was made.
    Newest,
    /// By how well they match the text, the best first in either direction; without a text, as `NEWEST`.
    Relevance,
    /// By how many follow the channel that has most of them.
    Followers,
    /// By how many of a hundred followers react; those that do not say come last.
    Engagement,
    /// By how far they are from the middle of `where.near`, the nearest first in either direction.
    Distance,
}

/// In which order creators come.
#[derive(Clone, Copy, InputObject)]
pub struct CreatorOrder {
    /// What to order by.
    pub field: CreatorOrderField,
    /// Which end comes first.
    #[graphql(default_with = "OrderDirection::Desc")]
    pub direction: OrderDirection,
}

impl CreatorOrder {
    /// The same for an engine.
    pub fn sort(order: Option<Self>, filter: &CreatorWhere, has_text: bool) -> Result<Sort, ApiError> {
        let order = order.unwrap_or(Self {
            field: CreatorOrderField::Relevance,
            direction: OrderDirection::Desc,
        });
        let field = match order.field {
            CreatorOrderField::Relevance if has_text => return Ok(Sort::Relevance),
            CreatorOrderField::Relevance | CreatorOrderField::Newest => creators::CREATED_AT,
            CreatorOrderField::Followers => creators::FOLLOWERS,
            CreatorOrderField::Engagement => creators::ENGAGEMENT,
            CreatorOrderField::Distance => {
                let near = filter.near.as_ref().ok_or_else(|| {
                    ApiError::bad_field(
                        "orderBy.field",
                        "`DISTANCE` is from the middle of `where.near`: say it, too",
                    )
                })?;
                let (point, _) = near.read("where.near")?;
                return Ok(Sort::Distance(creators::LOCATION, point));
            }
        };
        Ok(match order.direction {
            OrderDirection::Asc => Sort::Ascending(field),
            OrderDirection::Desc => Sort::Descending(field),
        })
    }
}

/// How often a platform is found.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreatorPlatformFacetValue {
    /// The platform.
    pub value: CreatorPlatform,
    /// How many of everything that was found have a channel there.
    pub count: i32,
}

/// How often an availability is found.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreatorAvailabilityFacetValue {
    /// The availability.
    pub value: CreatorAvailability,
    /// How many of everything that was found have it.
    pub count: i32,
}

/// How often a vetting is found.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreatorVettingFacetValue {
    /// The vetting.
    pub value: CreatorVetting,
    /// How many of everything that was found have it.
    pub count: i32,
}

/// The least and the greatest number of people.
#[derive(Clone, Debug, SimpleObject)]
pub struct FollowersExtent {
    /// The least.
    pub min_count: i32,
    /// The greatest.
    pub max_count: i32,
}

/// What there is among everything that was found, before it is cut into pages. At most 100 values each, the most frequent
/// first; only what is asked for is counted.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct CreatorFacets {
    /// By what they are about.
    pub niches: Vec<FacetValue>,
    /// By where their channels are.
    pub platforms: Vec<CreatorPlatformFacetValue>,
    /// By where they are, those that do not say left out.
    pub countries: Vec<FacetValue>,
    /// By where some of their audience is.
    pub audience_countries: Vec<FacetValue>,
    /// By the languages they speak to people in.
    pub languages: Vec<FacetValue>,
    /// By whether they take work now.
    pub availabilities: Vec<CreatorAvailabilityFacetValue>,
    /// By what the platform makes of them.
    pub vettings: Vec<CreatorVettingFacetValue>,
    /// How many have a verified channel (`true`) or none (`false`).
    pub verified: Vec<FacetValue>,
    /// How many follow the channel that has most of them; absent when nothing was found.
    pub followers: Option<FollowersExtent>,
    /// How many of a hundred followers react; absent when nobody says.
    pub engagement: Option<PercentExtent>,
}

impl CreatorFacets {
    /// Each facet's name in the schema with the field it counts.
    pub const FIELDS: [(&'static str, Field); 10] = [
        ("niches", creators::NICHES),
        ("platforms", creators::PLATFORMS),
        ("countries", creators::COUNTRY),
        ("audienceCountries", creators::AUDIENCE),
        ("languages", creators::LANGUAGES),
        ("availabilities", creators::AVAILABILITY),
        ("vettings", creators::VETTING),
        ("verified", creators::VERIFIED),
        ("followers", creators::FOLLOWERS),
        ("engagement", creators::ENGAGEMENT),
    ];

    #[must_use]
    pub fn of(counted: Vec<search::Facet>) -> Self {
        let mut facets = Self::default();
        for facet in counted {
            match facet.field {
                creators::NICHES => facets.niches = values(facet),
                creators::COUNTRY => facets.countries = values(facet),
                creators::AUDIENCE => facets.audience_countries = values(facet),
                creators::LANGUAGES => facets.languages = values(facet),
                creators::VERIFIED => facets.verified = values(facet),
                creators::PLATFORMS => {
                    let known = |(word, count): (String, u64)| {
                        let value = entity::creator_channel::Platform::try_from_value(&word).ok()?;
                        Some(CreatorPlatformFacetValue {
                            value: value.into(),
                            count: bounded(count),
                        })
                    };
                    facets.platforms = facet.values.into_iter().filter_map(known).collect();
                }
                creators::AVAILABILITY => {
                    let known = |(word, count): (String, u64)| {
                        let value = creator_profile::Availability::try_from_value(&word).ok()?;
                        Some(CreatorAvailabilityFacetValue {
                            value: value.into(),
                            count: bounded(count),
                        })
                    };
                    facets.availabilities = facet.values.into_iter().filter_map(known).collect();
                }
                creators::VETTING => {
                    let known = |(word, count): (String, u64)| {
                        let value = creator_profile::Vetting::try_from_value(&word).ok()?;
                        Some(CreatorVettingFacetValue {
                            value: value.into(),
                            count: bounded(count),
                        })
                    };
                    facets.vettings = facet.values.into_iter().filter_map(known).collect();
                }
                creators::FOLLOWERS => {
                    let people = |people: i64| i32::try_from(people).unwrap_or(i32::MAX);
                    facets.followers = facet.range.map(|(least, most)| FollowersExtent {
                        min_count: people(least),
                        max_count: people(most),
                    });
                }
                creators::ENGAGEMENT => {
                    let percent = |bps: i64| ppm_to_percent(rules::ppm(i32::try_from(bps).unwrap_or(rules::WHOLE_BPS)));
                    facets.engagement = facet.range.map(|(least, most)| PercentExtent {
                        min: percent(least),
                        max: percent(most),
                    });
                }
                _ => {}
            }
        }
        facets
    }
}

found! {
    /// Creators as they were found.
    CreatorConnection, CreatorEdge of CreatorProfile, from creator_profile::Model, facets CreatorFacets
}
