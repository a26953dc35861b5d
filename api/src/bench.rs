//! `tributary bench`: how fast it is on this machine, over data that is the same in every run.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::{
    ids::Ids,
    infra::search::{
        Document, Filter, Index, Point, Query, SearchEngine, SearchError, Sort, Text,
        embedded::EmbeddedEngine,
        schema::{creators, listings},
    },
};

const SEED: u64 = 20_260_115;
/// Questions of each kind that are measured, and those before them that are not.
const MEASURED: usize = 1_000;
const WARM_UP: usize = 100;
/// Documents that are handed over at once.
const BATCH: u32 = 1_000;
/// Different words in all texts.
const VOCABULARY: usize = 20_000;

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
const COUNTRIES: [&str; 12] = ["AT", "AU", "BR", "CA", "CH", "DE", "ES", "FR", "GB", "IN", "IT", "US"];
const PLATFORMS: [&str; 5] = ["BLOG", "INSTAGRAM", "PODCAST", "TIKTOK", "YOUTUBE"];
const COMMISSIONS: [&str; 4] = ["LEAD_FIXED", "SALE_FIXED", "SALE_PERCENT", "SIGNUP_FIXED"];

/// Builds so many listings and creators and prints how long questions take.
pub async fn search(documents: u32) -> Result<String, SearchError> {
    let dice = Dice(Ids::seeded(SEED));
    let words: Vec<String> = (0..VOCABULARY).map(|_| word(&dice)).collect();
    let engine = EmbeddedEngine::default();
    let began = Instant::now();
    let mut rebuild = engine.rebuild(Uuid::nil()).await?;
    for from in (0..documents).step_by(BATCH as usize) {
        let numbers = from..documents.min(from + BATCH);
        rebuild
            .add(
                Index::Listings,
                numbers.clone().map(|number| listing(&dice, &words, number)).collect(),
            )
            .await?;
        rebuild
            .add(
                Index::Creators,
                numbers.map(|number| creator(&dice, &words, number)).collect(),
            )
            .await?;
    }
    rebuild.finish().await?;
    let built = began.elapsed();
    let listings = measure(&engine, Index::Listings, || listing_query(&dice, &words)).await?;
    let creators = measure(&engine, Index::Creators, || creator_query(&dice)).await?;
    Ok(format!(
        "{documents} listings and {documents} creators, built in {:.1} s\n\
         {:<64}{:>10}{:>10}{:>10}\n{}\n{}",
        built.as_secs_f32(),
        format!("{MEASURED} questions each, in milliseconds"),
        "p50",
        "p95",
        "p99",
        row("a word's beginning, two filters, four facets, a page of 20", &listings),
        row("creators within 100 km with 10,000 followers or more", &creators),
    ))
}

async fn measure(
    engine: &EmbeddedEngine,
    index: Index,
    query: impl Fn() -> Query,
) -> Result<Vec<Duration>, SearchError> {
    let mut took = Vec::with_capacity(MEASURED);
    for place in 0..WARM_UP + MEASURED {
        let query = query();
        let began = Instant::now();
        engine.search(index, &query).await?;
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

/// Numbers that are the same in every run.
struct Dice(Ids);

impl Dice {
    fn below(&self, end: usize) -> usize {
        let number = u64::from_le_bytes(self.0.secret()) % u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(number).unwrap_or_default()
    }

    fn between(&self, least: u32, most: u32) -> u32 {
        let span = usize::try_from(most - least).unwrap_or_default();
        least + u32::try_from(self.below(span + 1)).unwrap_or_default()
    }

    fn percent(&self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }
}

/// Three to ten letters, consonants and vowels in turn.
fn word(dice: &Dice) -> String {
    let letters = dice.between(3, 10);
    let from = |dice: &Dice, letters: &[u8]| char::from(letters[dice.below(letters.len())]);
    (0..letters)
        .map(|place| {
            let letters: &[u8] = if place % 2 == 0 { b"bcdfghklmnprstvw" } else { b"aeiou" };
            from(dice, letters)
        })
        .collect()
}

/// Few words are frequent and most are rare, as in any language.
fn text(dice: &Dice, words: &[String], length: usize) -> String {
    let picked = (0..length).map(|_| {
        let rarity = 1 + dice.below(words.len());
        words[dice.below(rarity)].as_str()
    });
    picked.collect::<Vec<_>>().join(" ")
}

fn one<'a>(dice: &Dice, of: &[&'a str]) -> &'a str {
    of[dice.below(of.len())]
}

fn id(number: u32) -> Uuid {
    Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) + u128::from(number))
}

fn listing(dice: &Dice, words: &[String], number: u32) -> Document {
    let everywhere = dice.percent(50);
    let countries: Vec<&str> = if everywhere {
        Vec::new()
    } else {
        (0..3).map(|_| one(dice, &COUNTRIES)).collect()
    };
    let category = one(dice, &CATEGORIES);
    Document::new(id(number))
        .text(listings::TITLE, text(dice, words, 4))
        .text(listings::BRAND, text(dice, words, 2))
        .text(listings::PROGRAM, text(dice, words, 3))
        .text(listings::CATEGORY_NAME, category)
        .text(listings::PITCH, text(dice, words, 30))
        .keywords(listings::CATEGORY, [category])
        .flag(listings::EVERYWHERE, everywhere)
        .keywords(listings::COUNTRIES, countries)
        .keywords(listings::COMMISSIONS, [one(dice, &COMMISSIONS)])
        .number(listings::SALE_PPM, Some(i64::from(dice.between(1, 50)) * 10_000))
        .keywords(listings::CURRENCIES, ["EUR"])
        .number(listings::WINDOW_DAYS, Some(dice.between(1, 90).into()))
        .number(listings::HOLD_DAYS, Some(30))
        .flag(listings::RECURRING, dice.percent(50))
        .flag(listings::AUTO_APPROVAL, dice.percent(20))
        .number(listings::PUBLISHED_AT, Some(number.into()))
}

fn creator(dice: &Dice, words: &[String], number: u32) -> Document {
    Document::new(id(number))
        .text(creators::NAME, text(dice, words, 2))
        .text(creators::HANDLES, text(dice, words, 1))
        .text(creators::BIO, text(dice, words, 20))
        .keywords(creators::NICHES, [one(dice, &CATEGORIES), one(dice, &CATEGORIES)])
        .keywords(creators::PLATFORMS, [one(dice, &PLATFORMS)])
        .keywords(creators::COUNTRY, [one(dice, &COUNTRIES)])
        .number(creators::FOLLOWERS, Some(dice.between(100, 100_000).into()))
        .point(creators::LOCATION, Some(place(dice)))
        .number(creators::CREATED_AT, Some(number.into()))
}

fn place(dice: &Dice) -> Point {
    Point {
        latitude: dice.between(36, 59).into(),
        longitude: dice.between(0, 24).into(),
    }
}

fn listing_query(dice: &Dice, words: &[String]) -> Query {
    let typed = text(dice, words, 1);
    let letters = typed.chars().count().saturating_sub(2).max(2);
    let typed: String = typed.chars().take(letters).collect();
    Query {
        text: Some(Text::parse(&typed)),
        filter: Filter::All(vec![
            Filter::Any(vec![
                Filter::Is(listings::EVERYWHERE, true),
                Filter::In(listings::COUNTRIES, vec![one(dice, &COUNTRIES).to_owned()]),
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
    let center = place(dice);
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
