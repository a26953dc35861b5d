//! Use cases of creators' profiles and channels.

use entity::{
    application, creator_channel,
    creator_channel::Platform,
    creator_profile,
    creator_profile::{Availability, Vetting, Visibility},
    ids::{CreatorChannelId, PartnerId},
    partner, partnership,
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, QueryTrait, sea_query::LockType,
};
use serde_json::json;

use super::{
    error::CreatorErrorCode as Code,
    rules::{self, Deliverable, Place as Location, Rate, Share},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    marketplace::rules::{is_category, joined},
    money::{Currency, Money, WHOLE_PPM},
    outbox::{self, Fact, Topic},
};

pub(super) type Result<T> = std::result::Result<T, Failure<Code>>;
pub(super) type Profile = creator_profile::Model;
pub(super) type Channel = creator_channel::Model;

/// What to change of a profile; what is absent stays, and nothing in its place takes it away.
#[derive(Default)]
pub struct ProfilePatch {
    pub headline: Option<Option<String>>,
    /// In degrees.
    pub location: Option<Option<(Decimal, Decimal)>>,
    pub languages: Option<Vec<String>>,
    pub niches: Option<Vec<String>>,
    pub media_kit_urls: Option<Vec<String>>,
    pub availability: Option<Availability>,
}

/// What a channel is.
pub struct ChannelContent {
    pub platform: Platform,
    pub handle: String,
    pub url: String,
    pub followers: i64,
    /// Parts per million.
    pub engagement_ppm: Option<i64>,
}

/// What to change of a channel; what is absent stays.
#[derive(Default)]
pub struct ChannelPatch {
    pub handle: Option<String>,
    pub url: Option<String>,
    pub followers: Option<i64>,
    pub engagement_ppm: Option<Option<i64>>,
}

/// A rate as it is said.
pub struct RateContent {
    pub deliverable: Deliverable,
    pub amount: Decimal,
    pub currency: String,
}

/// Profiles the caller may see: its own, public ones for the people of brands, and of others those that deal with a brand of
/// the caller. The platform sees all.
#[must_use]
pub fn visible_to(actor: &Actor) -> Condition {
    use creator_profile::Column;
    if actor.reach().everything {
        return Condition::all();
    }
    let seen = Condition::any().add(Column::PartnerId.is_in(actor.partners.iter().copied()));
    let brands: Vec<_> = actor.brands.iter().map(|(brand, _)| *brand).collect();
    if brands.is_empty() {
        return seen;
    }
    let applied = application::Entity::find()
        .select_only()
        .column(application::Column::PartnerId)
        .filter(application::Column::BrandId.is_in(brands.iter().copied()))
        .into_query();
    let joined = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::PartnerId)
        .filter(partnership::Column::BrandId.is_in(brands))
        .into_query();
    seen.add(Column::Visibility.eq(Visibility::Public))
        .add(Column::PartnerId.in_subquery(applied))
        .add(Column::PartnerId.in_subquery(joined))
}

pub async fn update_profile(app: &App, actor: &Actor, partner: PartnerId, patch: ProfilePatch) -> Result<Profile> {
    actor.authorise(Operation::UpdateCreatorProfile, Place::partner(partner))?;
    let patch = check_patch(patch)?;
    let tx = app.db.begin().await?;
    let row = open_in_tx(&tx, app, partner).await?;
    let (latitude_micro, longitude_micro) = match patch.location {
        None => (row.latitude_micro, row.longitude_micro),
        Some(place) => (
            place.map(|place| place.latitude_micro),
            place.map(|place| place.longitude_micro),
        ),
    };
    let row = Profile {
        headline: patch.headline.unwrap_or(row.headline),
        latitude_micro,
        longitude_micro,
        languages: patch.languages.unwrap_or(row.languages),
        niches: patch.niches.unwrap_or(row.niches),
        media_kit_urls: patch.media_kit_urls.unwrap_or(row.media_kit_urls),
        availability: patch.availability.unwrap_or(row.availability),
        ..row
    };
    let change = Change::of_person("creator.updated", row.id, None);
    store(app, actor, tx, row, change).await
}

/// Says where the audience is, in place of what was said before.
pub async fn set_audience(app: &App, actor: &Actor, partner: PartnerId, audience: Vec<Share>) -> Result<Profile> {
    actor.authorise(Operation::SetCreatorAudience, Place::partner(partner))?;
    let audience = rules::write_audience(check_audience(audience)?);
    let tx = app.db.begin().await?;
    let row = open_in_tx(&tx, app, partner).await?;
    let row = Profile { audience, ..row };
    let change = Change::of_person("creator.audience_set", row.id, None);
    store(app, actor, tx, row, change).await
}

/// Says what is asked for work, in place of what was said before.
pub async fn set_rates(app: &App, actor: &Actor, partner: PartnerId, rates: Vec<RateContent>) -> Result<Profile> {
    actor.authorise(Operation::SetCreatorRates, Place::partner(partner))?;
    let rates = rules::write_rates(&check_rates(rates)?);
    let tx = app.db.begin().await?;
    let row = open_in_tx(&tx, app, partner).await?;
    let row = Profile { rates, ..row };
    let change = Change::of_person("creator.rates_set", row.id, None);
    store(app, actor, tx, row, change).await
}

/// Lets brands find the profile.
pub async fn publish_profile(app: &App, actor: &Actor, partner: PartnerId) -> Result<Profile> {
    actor.authorise(Operation::PublishCreatorProfile, Place::partner(partner))?;
    change_visibility(app, actor, partner, Visibility::Public, "creator.published").await
}

/// Lets nobody find the profile.
pub async fn hide_profile(app: &App, actor: &Actor, partner: PartnerId) -> Result<Profile> {
    actor.authorise(Operation::HideCreatorProfile, Place::partner(partner))?;
    change_visibility(app, actor, partner, Visibility::Private, "creator.hidden").await
}

/// The only place where a profile's visibility changes.
async fn change_visibility(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    to: Visibility,
    action: &'static str,
) -> Result<Profile> {
    let tx = app.db.begin().await?;
    let row = open_in_tx(&tx, app, partner).await?;
    let from = row.visibility;
    if !rules::may_go(from, to) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            audit::impossible("a profile", &from, &to),
        ));
    }
    if to == Visibility::Public && (row.niches.is_empty() || count_channels_in_tx(&tx, partner).await? == 0) {
        return Err(Failure::refused(
            Code::ProfileIncomplete,
            "name a niche and add a channel before publishing: brands find creators by them",
        ));
    }
    let change = Change {
        from: Some(from.to_value()),
        to: Some(to.to_value()),
        ..Change::of_person(action, row.id, None)
    };
    store(app, actor, tx, Profile { visibility: to, ..row }, change).await
}

/// Says what the platform makes of a creator. The only place where it changes.
pub async fn set_vetting(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    vetting: Vetting,
    reason: &str,
) -> Result<Profile> {
    actor.authorise(Operation::SetCreatorVetting, Place::default())?;
    let reason = audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))?;
    let tx = app.db.begin().await?;
    let row = open_in_tx(&tx, app, partner).await?;
    let from = row.vetting;
    if from == vetting {
        return Err(Failure::refused_field(
            Code::InvalidTransition,
            "vetting",
            audit::impossible("a creator", &from, &vetting),
        ));
    }
    let change = Change {
        from: Some(from.to_value()),
        to: Some(vetting.to_value()),
        ..Change::of_person("creator.vetted", row.id, Some(reason))
    };
    store(app, actor, tx, Profile { vetting, ..row }, change).await
}

pub async fn add_channel(app: &App, actor: &Actor, partner: PartnerId, content: ChannelContent) -> Result<Channel> {
    actor.authorise(Operation::AddCreatorChannel, Place::partner(partner))?;
    let handle = check_handle(&content.handle, "handle")?;
    check_url(&content.url, "url")?;
    let tx = app.db.begin().await?;
    let profile = open_in_tx(&tx, app, partner).await?;
    if count_channels_in_tx(&tx, partner).await? >= rules::MAX_CHANNELS {
        return Err(Failure::refused(
            Code::TooManyChannels,
            format!("a partner has at most {} channels", rules::MAX_CHANNELS),
        ));
    }
    let now = app.clock.now();
    let row = Channel {
        id: app.ids.new_id(now),
        partner_id: partner,
        platform: content.platform,
        folded_handle: rules::fold_handle(&handle),
        handle,
        url: content.url,
        followers: check_followers(content.followers, "followersCount")?,
        engagement_ppm: check_engagement(content.engagement_ppm, "engagementPercent")?,
        verification_token: None,
        verified_at: None,
        created_at: now,
        updated_at: now,
    };
    refuse_twin_in_tx(&tx, &row, "handle").await?;
    creator_channel::Entity::insert(creator_channel::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_person("creator_channel.added", row.id, None);
    store(app, actor, tx, profile, change).await?;
    Ok(row)
}

pub async fn update_channel(app: &App, actor: &Actor, id: CreatorChannelId, patch: ChannelPatch) -> Result<Channel> {
    let tx = app.db.begin().await?;
    let (profile, row) = own_channel_in_tx(&tx, app, actor, Operation::UpdateCreatorChannel, id).await?;
    let handle = match patch.handle {
        Some(handle) => check_handle(&handle, "patch.handle")?,
        None => row.handle.clone(),
    };
    if let Some(url) = &patch.url {
        check_url(url, "patch.url")?;
    }
    let url = patch.url.unwrap_or_else(|| row.url.clone());
    let folded_handle = rules::fold_handle(&handle);
    // What was proved was this handle at this address.
    let same = folded_handle == row.folded_handle && url == row.url;
    let row = Channel {
        handle,
        folded_handle,
        url,
        followers: match patch.followers {
            Some(followers) => check_followers(followers, "patch.followersCount")?,
            None => row.followers,
        },
        engagement_ppm: match patch.engagement_ppm {
            Some(ppm) => check_engagement(ppm, "patch.engagementPercent")?,
            None => row.engagement_ppm,
        },
        verification_token: row.verification_token.filter(|_| same),
        verified_at: row.verified_at.filter(|_| same),
        updated_at: app.clock.now(),
        ..row
    };
    refuse_twin_in_tx(&tx, &row, "patch.handle").await?;
    creator_channel::Entity::update(creator_channel::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_person("creator_channel.updated", id, None);
    store(app, actor, tx, profile, change).await?;
    Ok(row)
}

/// The profile without the channel.
pub async fn remove_channel(app: &App, actor: &Actor, id: CreatorChannelId) -> Result<Profile> {
    let tx = app.db.begin().await?;
    let (profile, row) = own_channel_in_tx(&tx, app, actor, Operation::RemoveCreatorChannel, id).await?;
    creator_channel::Entity::delete_by_id(row.id).exec(&tx).await?;
    let change = Change::of_person("creator_channel.removed", id, None);
    store(app, actor, tx, profile, change).await
}

/// The partner's profile, made when there is none. Whoever changes it or the channels queues at the partner's row.
async fn open_in_tx(tx: &DatabaseTransaction, app: &App, partner: PartnerId) -> Result<Profile> {
    partner::Entity::find_by_id(partner)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner"))?;
    let found = creator_profile::Entity::find()
        .filter(creator_profile::Column::PartnerId.eq(partner))
        .one(tx)
        .await?;
    if let Some(row) = found {
        return Ok(row);
    }
    let now = app.clock.now();
    let row = Profile {
        id: app.ids.new_id(now),
        partner_id: partner,
        headline: None,
        latitude_micro: None,
        longitude_micro: None,
        languages: String::new(),
        niches: String::new(),
        media_kit_urls: String::new(),
        audience: String::new(),
        rates: String::new(),
        availability: Availability::Open,
        visibility: Visibility::Private,
        vetting: Vetting::Unvetted,
        created_at: now,
        updated_at: now,
    };
    creator_profile::Entity::insert(creator_profile::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    Ok(row)
}

/// A channel of the caller, with its profile.
pub(super) async fn own_channel_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    operation: Operation,
    id: CreatorChannelId,
) -> Result<(Profile, Channel)> {
    let found = creator_channel::Entity::find_by_id(id).one(tx).await?;
    let row = found.ok_or_else(|| ApiError::not_found("channel"))?;
    actor.authorise(operation, Place::partner(row.partner_id))?;
    let profile = open_in_tx(tx, app, row.partner_id).await?;
    // Again behind the lock: it may have been changed meanwhile.
    let row = creator_channel::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("channel"))?;
    Ok((profile, row))
}

async fn count_channels_in_tx(tx: &DatabaseTransaction, partner: PartnerId) -> Result<u64> {
    let channels = creator_channel::Entity::find().filter(creator_channel::Column::PartnerId.eq(partner));
    Ok(channels.count(tx).await?)
}

async fn refuse_twin_in_tx(tx: &DatabaseTransaction, row: &Channel, field: &str) -> Result<()> {
    use creator_channel::Column;
    let twin = creator_channel::Entity::find()
        .filter(Column::PartnerId.eq(row.partner_id))
        .filter(Column::Platform.eq(row.platform))
        .filter(Column::FoldedHandle.eq(row.folded_handle.as_str()))
        .filter(Column::Id.ne(row.id))
        .one(tx)
        .await?;
    match twin {
        Some(_) => Err(Failure::refused_field(
            Code::ChannelExists,
            field,
            "there is a channel of this platform and handle",
        )),
        None => Ok(()),
    }
}

/// Stores a profile and announces that something of the creator changed.
pub(super) async fn store(
    app: &App,
    actor: &Actor,
    tx: DatabaseTransaction,
    row: Profile,
    change: Change<'_>,
) -> Result<Profile> {
    let row = Profile {
        updated_at: app.clock.now(),
        ..row
    };
    creator_profile::Entity::update(creator_profile::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(&tx, app, actor, change).await?;
    let fact = Fact {
        topic: Topic::CreatorChanged,
        brand: None,
        partner: Some(row.partner_id),
        subject: row.partner_id.0,
        payload: json!({ "visibility": row.visibility.to_value() }),
    };
    outbox::enqueue_in_tx(&tx, app, fact).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// A patch as it will be stored.
#[derive(Default)]
struct Checked {
    headline: Option<Option<String>>,
    location: Option<Option<Location>>,
    languages: Option<String>,
    niches: Option<String>,
    media_kit_urls: Option<String>,
    availability: Option<Availability>,
}

fn check_patch(patch: ProfilePatch) -> Result<Checked> {
    let headline = |headline: String| {
        rules::clean_headline(&headline).ok_or_else(|| {
            Failure::refused_field(
                Code::HeadlineInvalid,
                "patch.headline",
                "a headline has 1 to 120 characters on one line; null takes it away",
            )
        })
    };
    let location = |(latitude, longitude)| {
        Location::coarse(latitude, longitude).ok_or_else(|| {
            Failure::refused_field(
                Code::LocationInvalid,
                "patch.location",
                "a latitude lies between -90 and 90, a longitude between -180 and 180",
            )
        })
    };
    Ok(Checked {
        headline: patch.headline.map(|text| text.map(headline).transpose()).transpose()?,
        location: patch
            .location
            .map(|place| place.map(location).transpose())
            .transpose()?,
        languages: patch.languages.map(check_languages).transpose()?,
        niches: patch.niches.map(check_niches).transpose()?,
        media_kit_urls: patch.media_kit_urls.map(|urls| check_media_kits(&urls)).transpose()?,
        availability: patch.availability,
    })
}

fn check_languages(languages: Vec<String>) -> Result<String> {
    let path = "patch.languages";
    if languages.len() > rules::MAX_LANGUAGES {
        let most = format!("a profile names at most {} languages", rules::MAX_LANGUAGES);
        return Err(Failure::refused_field(Code::TooManyLanguages, path, most));
    }
    if let Some(place) = languages.iter().position(|tag| !rules::is_language(tag)) {
        return Err(Failure::refused_field(
            Code::LanguageUnknown,
            &format!("{path}.{place}"),
            "a language is a tag of two or three lower-case letters, such as `de`",
        ));
    }
    Ok(joined(languages))
}

fn check_niches(niches: Vec<String>) -> Result<String> {
    let path = "patch.niches";
    if niches.len() > rules::MAX_NICHES {
        let most = format!("a profile names at most {} niches", rules::MAX_NICHES);
        return Err(Failure::refused_field(Code::TooManyNiches, path, most));
    }
    if let Some(place) = niches.iter().position(|niche| !is_category(niche)) {
        return Err(Failure::refused_field(
            Code::NicheInvalid,
            &format!("{path}.{place}"),
            "a niche has 2 to 40 lower-case letters, digits or hyphens",
        ));
    }
    Ok(joined(niches))
}

fn check_media_kits(urls: &[String]) -> Result<String> {
    let path = "patch.mediaKitUrls";
    if urls.len() > rules::MAX_MEDIA_KITS {
        let most = format!("a profile has at most {} media kits", rules::MAX_MEDIA_KITS);
        return Err(Failure::refused_field(Code::TooManyMediaKits, path, most));
    }
    for (place, url) in urls.iter().enumerate() {
        check_url(url, &format!("{path}.{place}"))?;
    }
    Ok(urls.join("\n"))
}

fn check_url(text: &str, path: &str) -> Result<()> {
    let plain = url::Url::parse(text).is_ok_and(|url| url.username().is_empty() && url.password().is_none());
    if plain {
        return Ok(());
    }
    Err(Failure::refused_field(
        Code::UrlInvalid,
        path,
        "an address names no user and no password",
    ))
}

fn check_handle(handle: &str, path: &str) -> Result<String> {
    rules::clean_handle(handle).ok_or_else(|| {
        Failure::refused_field(
            Code::HandleInvalid,
            path,
            "a handle has 1 to 100 characters without spaces",
        )
    })
}

fn check_followers(followers: i64, path: &str) -> Result<i64> {
    if (0..=rules::MAX_FOLLOWERS).contains(&followers) {
        return Ok(followers);
    }
    Err(Failure::refused_field(
        Code::FollowersInvalid,
        path,
        "a channel has 0 to 2,000,000,000 followers",
    ))
}

fn check_engagement(ppm: Option<i64>, path: &str) -> Result<Option<i64>> {
    if ppm.is_none_or(|ppm| (0..=WHOLE_PPM).contains(&ppm)) {
        return Ok(ppm);
    }
    Err(Failure::refused_field(
        Code::EngagementInvalid,
        path,
        "an engagement lies between 0 and 100 percent",
    ))
}

fn check_audience(audience: Vec<Share>) -> Result<Vec<Share>> {
    let refuse = |code, path: &str, message: &str| Failure::refused_field(code, path, message);
    if audience.len() > rules::MAX_AUDIENCE_COUNTRIES {
        return Err(refuse(
            Code::TooManyCountries,
            "audience",
            "an audience names at most 50 countries",
        ));
    }
    let mut shares: Vec<Share> = Vec::with_capacity(audience.len());
    for (place, part) in audience.into_iter().enumerate() {
        let path = format!("audience.{place}");
        if !rules::is_country(&part.country) {
            return Err(refuse(Code::CountryUnknown, &path, "there is no such country"));
        }
        if shares.iter().any(|share| share.country == part.country) {
            return Err(refuse(Code::CountryTwice, &path, "each country is named once"));
        }
        if !(1..=WHOLE_PPM).contains(&part.ppm) {
            return Err(refuse(
                Code::ShareInvalid,
                &path,
                "a share lies above 0 and is at most 100 percent",
            ));
        }
        shares.push(part);
    }
    if shares.iter().map(|share| share.ppm).sum::<i64>() > WHOLE_PPM {
        return Err(refuse(
            Code::AudienceExceedsWhole,
            "audience",
            "the shares come to more than 100 percent",
        ));
    }
    Ok(shares)
}

fn check_rates(rates: Vec<RateContent>) -> Result<Vec<Rate>> {
    if rates.len() > rules::MAX_RATES {
        let most = format!("a profile has at most {} rates", rules::MAX_RATES);
        return Err(Failure::refused_field(Code::TooManyRates, "rates", most));
    }
    let mut checked: Vec<Rate> = Vec::with_capacity(rates.len());
    for (place, rate) in rates.into_iter().enumerate() {
        let path = format!("rates.{place}.price");
        let refuse = |message: String| Failure::refused_field(Code::RateInvalid, &path, message);
        let currency: Currency = rate
            .currency
            .parse()
            .map_err(|_| refuse("there is no such currency".to_owned()))?;
        let price = Money::from_decimal(rate.amount, currency).map_err(|error| refuse(error.to_string()))?;
        let same = |known: &Rate| known.deliverable == rate.deliverable && known.currency == currency.code();
        if checked.iter().any(same) {
            return Err(Failure::refused_field(
                Code::RateTwice,
                &path,
                "each deliverable has one rate in a currency",
            ));
        }
        checked.push(Rate {
            deliverable: rate.deliverable,
            currency: currency.code().to_owned(),
            amount_minor: price.amount_minor,
        });
    }
    Ok(checked)
}
