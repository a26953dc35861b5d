//! A marketplace of generated rows: as many running programs with a listing each as creators with a public profile.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    brand,
    commission_rule::{self, ConversionEvent, RuleKind},
    creator_channel::{self, Platform},
    creator_profile::{self, Availability, Vetting, Visibility},
    ids::{BrandId, TypedId},
    listing::{self, ListingState},
    partner,
    partnership::{self, PartnershipState},
    program::{self, AttributionOrder, CustomerBinding, ProgramState},
    trust_day,
};
use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::dice::Dice;
use crate::{
    app::App,
    infra::db::INSERT_CHUNK,
    marketplace::{creators::rules, trust::rules::day_of},
};

/// Rows of a kind that are written together.
const BATCH: usize = 1_000;
/// Programs of a brand.
const PROGRAMS_OF_A_BRAND: usize = 10;
/// Programs that a creator is in.
const PROGRAMS_OF_A_CREATOR: usize = 2;

pub const COUNTRIES: [&str; 12] = ["AT", "AU", "BR", "CA", "CH", "DE", "ES", "FR", "GB", "IN", "IT", "US"];
const CATEGORIES: [&str; 24] = [
    "ai-tools",
    "apparel",
    "arts",
    "automotive",
    "beauty",
    "books",
    "business",
    "education",
    "electronics",
    "finance",
    "food-drink",
    "gaming",
    "gifts",
    "health",
    "hosting",
    "home-garden",
    "jewelry",
    "music",
    "pets",
    "saas",
    "security",
    "sports",
    "toys",
    "travel",
];
const PLATFORMS: [Platform; 5] = [
    Platform::Instagram,
    Platform::Podcast,
    Platform::Tiktok,
    Platform::Website,
    Platform::Youtube,
];

/// The id of the row of a kind with this number.
pub fn id<T: TypedId>(number: usize) -> T {
    T::from_uuid(Uuid::from_u128(
        (0x0190_0000_0000_7000_8000 << 48) + u128::try_from(number).unwrap_or_default(),
    ))
}

/// The brand of a program.
pub fn brand_of(program: usize) -> BrandId {
    id(program / PROGRAMS_OF_A_BRAND)
}

/// A point between Lisbon and Helsinki, in whole degrees.
pub fn place(dice: &Dice) -> (u32, u32) {
    (dice.between(36, 59), dice.between(0, 24))
}

/// Writes so many programs and creators.
pub async fn write(app: &App, dice: &Dice, count: usize) -> Result<(), DbErr> {
    let now = app.clock.now();
    for from in (0..count).step_by(BATCH) {
        let tx = app.db.begin().await?;
        let batch = from..count.min(from + BATCH);
        let brands = batch.clone().step_by(PROGRAMS_OF_A_BRAND);
        insert(&tx, brands.map(|number| brand(dice, now, number))).await?;
        insert(&tx, batch.clone().map(|number| program(dice, now, number))).await?;
        insert(&tx, batch.clone().map(|number| listing(dice, now, number))).await?;
        insert(&tx, batch.clone().map(|number| rule(dice, now, number))).await?;
        insert(&tx, batch.clone().map(|number| partner(dice, now, number))).await?;
        insert(&tx, batch.clone().map(|number| profile(dice, now, number))).await?;
        insert(&tx, batch.map(|number| channel(dice, now, number))).await?;
        tx.commit().await?;
    }
    // Whoever is in a program may have come at any time: not before all programs are there.
    for from in (0..count).step_by(BATCH) {
        let tx = app.db.begin().await?;
        let creators = from..count.min(from + BATCH);
        let joined: Vec<_> = creators
            .flat_map(|creator| (0..PROGRAMS_OF_A_CREATOR).map(move |place| (creator, place)))
            .filter_map(|(creator, place)| partnership(dice, now, count, creator, place))
            .collect();
        let selling: Vec<_> = joined
            .iter()
            .filter(|_| dice.percent(25))
            .map(|row| sold(dice, now, row))
            .collect();
        insert(&tx, joined.into_iter()).await?;
        insert(&tx, selling.into_iter()).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn insert<M, A>(tx: &DatabaseTransaction, rows: impl Iterator<Item = M>) -> Result<(), DbErr>
where
    A: ActiveModelTrait,
    M: IntoActiveModel<A>,
{
    let rows: Vec<A> = rows.map(IntoActiveModel::into_active_model).collect();
    for chunk in rows.chunks(INSERT_CHUNK) {
        <A::Entity as EntityTrait>::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

fn brand(dice: &Dice, now: DateTime<Utc>, number: usize) -> brand::Model {
    brand::Model {
        id: brand_of(number),
        slug: format!("brand-{number}"),
        name: dice.text(2),
        website_url: "https://shop.example/".to_owned(),
        currency: "EUR".to_owned(),
        reserve_ppm: 100_000,
        reserve_days: 30,
        payout_minimum_minor: 0,
        created_at: now,
        payouts_need_two: false,
        payout_schedule: brand::PayoutSchedule::None,
        payout_day: 1,
        next_payouts_at: None,
    }
}

fn program(dice: &Dice, now: DateTime<Utc>, number: usize) -> program::Model {
    program::Model {
        id: id(number),
        brand_id: brand_of(number),
        name: dice.text(3),
        description: String::new(),
        state: ProgramState::Active,
        currencies: "EUR".to_owned(),
        destination_url: "https://shop.example/".to_owned(),
        hold_days: 30,
        attribution_window_days: i32::try_from(dice.between(1, 90)).unwrap_or_default(),
        attribution_order: AttributionOrder::CodeFirst,
        customer_binding: CustomerBinding::Never,
        customer_binding_months: None,
        auto_approve_commissions: false,
        commission_note: None,
        default_group_id: None,
        created_at: now,
    }
}

fn listing(dice: &Dice, now: DateTime<Utc>, number: usize) -> listing::Model {
    let countries = if dice.percent(50) {
        Vec::new()
    } else {
        some_of(dice, &COUNTRIES)
    };
    listing::Model {
        id: id(number),
        program_id: id(number),
        brand_id: brand_of(number),
        state: ListingState::Published,
        title: dice.text(4),
        pitch: dice.text(30),
        category: dice.one(&CATEGORIES).to_owned(),
        countries: countries.join(","),
        payout_methods: String::new(),
        featured_until: None,
        search_text: String::new(),
        created_at: now,
        published_at: Some(now - TimeDelta::minutes(number.try_into().unwrap_or_default())),
    }
}

fn rule(dice: &Dice, now: DateTime<Utc>, number: usize) -> commission_rule::Model {
    let percent = dice.percent(75);
    commission_rule::Model {
        id: id(number),
        program_id: id(number),
        brand_id: brand_of(number),
        partnership_id: None,
        group_id: None,
        event: if percent || dice.percent(50) {
            ConversionEvent::Sale
        } else {
            ConversionEvent::Lead
        },
        kind: if percent { RuleKind::Percent } else { RuleKind::Fixed },
        rate_ppm: percent.then(|| i64::from(dice.between(1, 50)) * 10_000),
        amount_minor: (!percent).then(|| dice.between(100, 10_000).into()),
        currency: (!percent).then(|| "EUR".to_owned()),
        product_ids: None,
        categories: None,
        position: 0,
        valid_from: None,
        valid_until: None,
        created_at: now,
        archived_at: None,
    }
}

fn partner(dice: &Dice, now: DateTime<Utc>, number: usize) -> partner::Model {
    partner::Model {
        id: id(number),
        handle: format!("{}-{number}", dice.text(1)),
        display_name: dice.text(2),
        bio: Some(dice.text(20)),
        country: Some(dice.one(&COUNTRIES).to_owned()),
        created_at: now,
    }
}

fn profile(dice: &Dice, now: DateTime<Utc>, number: usize) -> creator_profile::Model {
    let (latitude, longitude) = place(dice);
    let degrees = |degrees: u32| i32::try_from(degrees * 1_000_000).ok();
    let audience = some_of(dice, &COUNTRIES).into_iter().map(|country| rules::Share {
        country: country.to_owned(),
        ppm: 250_000,
    });
    creator_profile::Model {
        id: id(number),
        partner_id: id(number),
        headline: Some(dice.text(5)),
        latitude_micro: degrees(latitude),
        longitude_micro: degrees(longitude),
        languages: "en".to_owned(),
        niches: some_of(dice, &CATEGORIES).join(","),
        media_kit_urls: String::new(),
        audience: rules::write_audience(audience.collect()),
        rates: String::new(),
        availability: Availability::Open,
        visibility: Visibility::Public,
        vetting: Vetting::Unvetted,
        created_at: now - TimeDelta::minutes(number.try_into().unwrap_or_default()),
        updated_at: now,
    }
}

fn channel(dice: &Dice, now: DateTime<Utc>, number: usize) -> creator_channel::Model {
    let handle = dice.text(1);
    creator_channel::Model {
        id: id(number),
        partner_id: id(number),
        platform: dice.one(&PLATFORMS),
        folded_handle: handle.clone(),
        url: format!("https://social.example/{handle}"),
        handle,
        followers: dice.between(100, 100_000).into(),
        engagement_ppm: Some(dice.between(1_000, 100_000).into()),
        verification_token: None,
        verified_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// The first programs have the most partners. The first partnership of a creator is in an even one, the second in an odd one, so
/// that it is in each once; absent where there is none of them.
fn partnership(
    dice: &Dice,
    now: DateTime<Utc>,
    programs: usize,
    creator: usize,
    place: usize,
) -> Option<partnership::Model> {
    let half = programs.saturating_sub(place).div_ceil(PROGRAMS_OF_A_CREATOR);
    let program = place + PROGRAMS_OF_A_CREATOR * dice.rather_low(half);
    let number = creator * PROGRAMS_OF_A_CREATOR + place;
    (half > 0).then(|| partnership::Model {
        id: id(number),
        program_id: id(program),
        brand_id: brand_of(program),
        partner_id: id(creator),
        state: PartnershipState::Active,
        referral_code: format!("R{number}"),
        referrer_id: None,
        application_id: None,
        group_id: None,
        created_at: now,
        state_since: None,
        ended_by: None,
        ban_reason: None,
        reapply_policy: None,
        payouts_held_at: None,
        payouts_held_for: None,
    })
}

fn sold(dice: &Dice, now: DateTime<Utc>, row: &partnership::Model) -> trust_day::Model {
    let sales = i64::from(dice.between(1, 100));
    trust_day::Model {
        partnership_id: row.id,
        day: day_of(now) - i32::try_from(dice.between(0, 80)).unwrap_or_default(),
        program_id: row.program_id,
        partner_id: row.partner_id,
        clicks: sales * 20,
        clicked: sales,
        sales,
        kept: sales,
        reversed: 0,
        approved: sales,
        rejected: 0,
    }
}

/// Three of them, each once.
fn some_of(dice: &Dice, all: &[&'static str]) -> Vec<&'static str> {
    let from = dice.below(all.len());
    let mut some: Vec<&str> = (0..3).map(|step| all[(from + step * 5) % all.len()]).collect();
    some.sort_unstable();
    some
}
