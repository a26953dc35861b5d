//! `tributary bench`: how fast it is on this machine, over a marketplace that is the same in every run.

mod dice;
mod rows;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use entity::{
    brand_member::BrandRole,
    ids::{PartnerId, UserId},
};

use self::dice::Dice;
use crate::{
    accounts::actor::{Actor, Identity},
    app::{App, Parts},
    config::Config,
    error::{ApiError, Fault},
    infra::search::{
        Filter, Index, Point, Query, Sort, Text,
        embedded::EmbeddedEngine,
        schema::{creators, listings},
    },
    marketplace::{find::find, indexing, matching},
};

const SEED: u64 = 20_260_115;
/// Questions of each kind that are measured, and those before them that are not.
const MEASURED: usize = 1_000;
const WARM_UP: usize = 100;
/// Matches of an answer.
const MATCHES: usize = 5;

/// Writes so many listings and creators into a database of its own, indexes them, and prints how long questions take.
pub async fn search(mut config: Config, documents: u32) -> Result<String, Fault> {
    let folder = tempfile::Builder::new()
        .prefix("tributary-bench-")
        .tempdir()
        .map_err(Fault::new)?;
    config.database_url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let parts = Parts {
        search: Some(Arc::new(EmbeddedEngine::default())),
        ..Parts::default()
    };
    let app = App::start(config, parts).await?;
    let dice = Dice::seeded(SEED);
    let count = usize::try_from(documents).map_err(Fault::new)?;
    let began = Instant::now();
    rows::write(&app, &dice, count).await?;
    let written = began.elapsed();
    let began = Instant::now();
    indexing::catch_up(&app).await.map_err(Fault::new)?;
    let indexed = began.elapsed();

    let listings = measure(async || {
        let query = listing_query(&dice);
        find(&app, Index::Listings, &query).await.map(drop)
    });
    let listings = listings.await?;
    let creators = measure(async || {
        let query = creator_query(&dice);
        find(&app, Index::Creators, &query).await.map(drop)
    });
    let creators = creators.await?;
    let for_partners = measure(async || {
        let partner: PartnerId = rows::id(dice.below(count));
        let actor = Actor {
            partners: vec![partner],
            ..somebody()
        };
        let found = matching::service::recommended_listings(&app, &actor, partner, MATCHES).await;
        found.map(drop)
    });
    let for_partners = for_partners.await?;
    let for_programs = measure(async || {
        let program = dice.below(count);
        let actor = Actor {
            brands: vec![(rows::brand_of(program), BrandRole::Owner)],
            ..somebody()
        };
        let found = matching::creators::recommended_creators(&app, &actor, rows::id(program), MATCHES).await;
        found.map(drop)
    });
    let for_programs = for_programs.await?;
    app.db.close().await?;
    Ok(format!(
        "{documents} listings and {documents} creators, written in {:.1} s, indexed in {:.1} s\n\
         {:<64}{:>10}{:>10}{:>10}\n{}\n{}\n{}\n{}",
        written.as_secs_f32(),
        indexed.as_secs_f32(),
        format!("{MEASURED} questions each, in milliseconds"),
        "p50",
        "p95",
        "p99",
        row("a word's beginning, two filters, four facets, a page of 20", &listings),
        row("creators within 100 km with 10,000 followers or more", &creators),
        row("programs for a partner", &for_partners),
        row("creators for a program", &for_programs),
    ))
}

async fn measure(ask: impl AsyncFn() -> Result<(), ApiError>) -> Result<Vec<Duration>, Fault> {
    let mut took = Vec::with_capacity(MEASURED);
    for place in 0..WARM_UP + MEASURED {
        let began = Instant::now();
        ask().await.map_err(|error| Fault::new(format!("{error:?}")))?;
        if place >= WARM_UP {
            took.push(began.elapsed());
        }
    }
    took.sort_unstable();
    Ok(took)
}

fn row(name: &str, took: &[Duration]) -> String {
    let at = |percent: usize| {
        let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(place).map_or(0, Duration::as_micros)
    };
    let cell = |percent| format!("{:>7}.{:02}", at(percent) / 1_000, at(percent) % 1_000 / 10);
    format!("{name:<64}{}{}{}", cell(50), cell(95), cell(99))
}

fn somebody() -> Actor {
    Actor {
        identity: Identity::User(rows::id::<UserId>(0)),
        ..Actor::anonymous()
    }
}

fn listing_query(dice: &Dice) -> Query {
    let typed = dice.text(1);
    let letters = typed.chars().count().saturating_sub(2).max(2);
    let typed: String = typed.chars().take(letters).collect();
    Query {
        text: Some(Text::parse(&typed)),
        filter: Filter::All(vec![
            Filter::Any(vec![
                Filter::Is(listings::EVERYWHERE, true),
                Filter::In(listings::COUNTRIES, vec![dice.one(&rows::COUNTRIES).to_owned()]),
            ]),
            Filter::Between(listings::SALE_PPM, Some(50_000), None),
        ]),
        limit: 20,
        count: true,
        facets: vec![
            listings::CATEGORY,
            listings::COUNTRIES,
            listings::COMMISSIONS,
            listings::AUTO_APPROVAL,
        ],
        ..Query::default()
    }
}

fn creator_query(dice: &Dice) -> Query {
    let (latitude, longitude) = rows::place(dice);
    let center = Point {
        latitude: latitude.into(),
        longitude: longitude.into(),
    };
    Query {
        filter: Filter::All(vec![
            Filter::Within(creators::LOCATION, center, 100_000),
            Filter::Between(creators::FOLLOWERS, Some(10_000), None),
        ]),
        sort: Sort::Distance(creators::LOCATION, center),
        limit: 20,
        count: true,
        ..Query::default()
    }
}
