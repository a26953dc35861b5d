//! What is indexed of creators: only public profiles, as they are now, under the ids of their partners.

use std::collections::HashMap;

use entity::{creator_channel, creator_profile, creator_profile::Visibility, ids::PartnerId, partner};
use sea_orm::{ActiveEnum, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::rules;
use crate::{
    infra::search::{Document, Point, schema::creators},
    marketplace::service::split,
};

/// The documents of those among `ids` whose profile is public.
pub async fn load(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, DbErr> {
    let profiles = creator_profile::Entity::find()
        .filter(creator_profile::Column::PartnerId.is_in(ids.iter().map(|id| PartnerId(*id))))
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .all(db)
        .await?;
    if profiles.is_empty() {
        return Ok(Vec::new());
    }
    let public: Vec<PartnerId> = profiles.iter().map(|row| row.partner_id).collect();
    let partners: HashMap<PartnerId, partner::Model> = partner::Entity::find()
        .filter(partner::Column::Id.is_in(public.iter().copied()))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut channels: HashMap<PartnerId, Vec<creator_channel::Model>> = HashMap::new();
    for row in creator_channel::Entity::find()
        .filter(creator_channel::Column::PartnerId.is_in(public))
        .order_by_asc(creator_channel::Column::Id)
        .all(db)
        .await?
    {
        channels.entry(row.partner_id).or_default().push(row);
    }
    Ok(profiles
        .into_iter()
        .filter_map(|profile| {
            let channels = channels.get(&profile.partner_id).map_or(&[][..], Vec::as_slice);
            Some(document(&profile, partners.get(&profile.partner_id)?, channels))
        })
        .collect())
}

/// The next public ones, in the order of the ids.
pub async fn ids_after(db: &impl ConnectionTrait, after: Uuid, limit: u64) -> Result<Vec<Uuid>, DbErr> {
    creator_profile::Entity::find()
        .select_only()
        .column(creator_profile::Column::PartnerId)
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .filter(creator_profile::Column::PartnerId.gt(after))
        .order_by_asc(creator_profile::Column::PartnerId)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// The newest public ones, for a search without an engine.
pub async fn newest(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Uuid>, DbErr> {
    creator_profile::Entity::find()
        .select_only()
        .column(creator_profile::Column::PartnerId)
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .order_by_desc(creator_profile::Column::CreatedAt)
        .order_by_desc(creator_profile::Column::Id)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

fn document(
    profile: &creator_profile::Model,
    partner: &partner::Model,
    channels: &[creator_channel::Model],
) -> Document {
    let niches = split(&profile.niches);
    let handles: Vec<&str> = std::iter::once(partner.handle.as_str())
        .chain(channels.iter().map(|channel| channel.handle.as_str()))
        .collect();
    let place = profile.latitude_micro.zip(profile.longitude_micro);
    let audience = rules::read_audience(&profile.audience);
    Document::new(profile.partner_id.0)
        .text(creators::NAME, partner.display_name.clone())
        .text(creators::HANDLES, handles.join(" "))
        .text(creators::HEADLINE, profile.headline.clone().unwrap_or_default())
        .text(creators::NICHE_NAMES, niches.join(" "))
        .text(creators::BIO, partner.bio.clone().unwrap_or_default())
        .keywords(creators::NICHES, niches)
        .keywords(
            creators::PLATFORMS,
            channels.iter().map(|channel| channel.platform.to_value()),
        )
        .keywords(creators::COUNTRY, partner.country.clone())
        .keywords(creators::AUDIENCE, audience.into_iter().map(|share| share.country))
        .keywords(creators::LANGUAGES, split(&profile.languages))
        .keywords(creators::AVAILABILITY, [profile.availability.to_value()])
        .keywords(creators::VETTING, [profile.vetting.to_value()])
        .number(
            creators::FOLLOWERS,
            channels.iter().map(|channel| channel.followers).max(),
        )
        .number(
            creators::ENGAGEMENT,
            channels.iter().filter_map(|channel| channel.engagement_ppm).max(),
        )
        .flag(
            creators::VERIFIED,
            channels.iter().any(|channel| channel.verified_at.is_some()),
        )
        .point(
            creators::LOCATION,
            place.map(|(latitude, longitude)| Point::of_micro(latitude, longitude)),
        )
        .number(creators::CREATED_AT, Some(profile.created_at.timestamp_micros()))
}
