//! What can be asked of creators, and how the search answers.

use async_graphql::{Enum, InputObject, SimpleObject, connection::PageInfo};
use chrono::{DateTime, Utc};
use entity::{creator_channel, creator_profile};
use sea_orm::ActiveEnum;

use super::{CreatorAvailability, CreatorPlatform, CreatorProfile, CreatorVetting, GeoPointInput};
use crate::{
    error::ApiError,
    graphql::scalars::{CountryCode, ppm_to_percent},
    infra::search::{self, Field, Filter, Point, Sort, schema::creators},
    marketplace::{
        creators::rules::Place,
        types::{
            OrderDirection,
            conditions::{PercentRange, Where, one_of, one_of_enum},
            found::{FacetValue, FoundPage, Highlight, PercentExtent, bounded, enum_values, found, highlight, values},
        },
    },
};

/// How far away things may be looked for: half the way around the earth.
const MAX_KILOMETERS: i32 = 20_000;
const METRES: u32 = 1_000;

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

impl Where for CreatorWhere {
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

    fn conditions(&self, path: &str, _: DateTime<Utc>) -> Result<Vec<Filter>, ApiError> {
        let mut all = Vec::new();
        for (name, field, words) in [
            ("niche", creators::NICHES, &self.niche),
            ("language", creators::LANGUAGES, &self.language),
        ] {
            if let Some(words) = words {
                let (eq, any_of) = (words.eq.as_ref(), words.any_of.as_deref());
                all.extend(one_of(field, eq, any_of, &format!("{path}.{name}"))?);
            }
        }
        for (name, field, countries) in [
            ("country", creators::COUNTRY, &self.country),
            ("audienceCountry", creators::AUDIENCE, &self.audience_country),
        ] {
            if let Some(countries) = countries {
                let codes = |codes: &Vec<CountryCode>| codes.iter().map(|code| code.0.clone()).collect::<Vec<_>>();
                let (eq, any_of) = (countries.eq.as_ref(), countries.any_of.as_ref().map(codes));
                let path = format!("{path}.{name}");
                all.extend(one_of(field, eq.map(|code| &code.0), any_of.as_deref(), &path)?);
            }
        }
        if let Some(platform) = &self.platform {
            let (eq, any_of) = (platform.eq, platform.any_of.as_deref());
            let path = format!("{path}.platform");
            all.extend(one_of_enum(creators::PLATFORMS, eq, any_of, platform_word, &path)?);
        }
        if let Some(availability) = &self.availability {
            let (eq, any_of) = (availability.eq, availability.any_of.as_deref());
            let path = format!("{path}.availability");
            all.extend(one_of_enum(
                creators::AVAILABILITY,
                eq,
                any_of,
                availability_word,
                &path,
            )?);
        }
        if let Some(vetting) = &self.vetting {
            let (eq, any_of) = (vetting.eq, vetting.any_of.as_deref());
            let path = format!("{path}.vetting");
            all.extend(one_of_enum(creators::VETTING, eq, any_of, vetting_word, &path)?);
        }
        if let Some(followers) = &self.followers {
            let (least, most) = (followers.min_count, followers.max_count);
            all.push(Filter::Between(
                creators::FOLLOWERS,
                least.map(Into::into),
                most.map(Into::into),
            ));
        }
        if let Some(percent) = &self.engagement {
            all.push(percent.filter(creators::ENGAGEMENT, &format!("{path}.engagement"))?);
        }
        all.extend(self.verified.map(|flag| Filter::Is(creators::VERIFIED, flag)));
        if let Some(near) = &self.near {
            let (point, metres) = near.read(&format!("{path}.near"))?;
            all.push(Filter::Within(creators::LOCATION, point, metres));
        }
        Ok(all)
    }
}

fn platform_word(platform: CreatorPlatform) -> String {
    creator_channel::Platform::from(platform).to_value()
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
                    facets.platforms = enum_values(facet, |value: creator_channel::Platform, count| {
                        CreatorPlatformFacetValue {
                            value: value.into(),
                            count,
                        }
                    });
                }
                creators::AVAILABILITY => {
                    facets.availabilities = enum_values(facet, |value: creator_profile::Availability, count| {
                        CreatorAvailabilityFacetValue {
                            value: value.into(),
                            count,
                        }
                    });
                }
                creators::VETTING => {
                    facets.vettings = enum_values(facet, |value: creator_profile::Vetting, count| {
                        CreatorVettingFacetValue {
                            value: value.into(),
                            count,
                        }
                    });
                }
                creators::FOLLOWERS => {
                    let people = |people: i64| i32::try_from(people).unwrap_or(i32::MAX);
                    facets.followers = facet.range.map(|(least, most)| FollowersExtent {
                        min_count: people(least),
                        max_count: people(most),
                    });
                }
                creators::ENGAGEMENT => {
                    facets.engagement = facet.range.map(|(least, most)| PercentExtent {
                        min: ppm_to_percent(least),
                        max: ppm_to_percent(most),
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
