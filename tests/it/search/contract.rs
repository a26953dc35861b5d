//! What every engine must answer: sets, counts, filters and order. The order of close matches is each engine's own.

use rstest::rstest;
use tributary::infra::search::{
    Change, Document, Filter, Index, Point, Query, Sort, Text,
    schema::{creators, listings},
};
use uuid::Uuid;

use super::engines::{Engine, Indexed};

/// Ids grow with the number, as with time.
fn id(number: u128) -> Uuid {
    Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) + number)
}

fn listing(number: u128, title: &str, pitch: &str) -> Document {
    Document::new(id(number))
        .text(listings::TITLE, title)
        .text(listings::BRAND, "")
        .text(listings::PITCH, pitch)
}

fn words(text: &str) -> Query {
    Query {
        text: Some(Text::parse(text)),
        ..all()
    }
}

fn all() -> Query {
    Query {
        limit: 20,
        count: true,
        ..Query::default()
    }
}

/// The numbers of what is found, in no order.
async fn found(indexed: &Indexed, query: Query) -> Vec<u128> {
    let mut numbers = ranked(indexed, query).await;
    numbers.sort_unstable();
    numbers
}

async fn ranked(indexed: &Indexed, query: Query) -> Vec<u128> {
    let found = indexed.ask(query).await;
    found
        .ids()
        .into_iter()
        .map(|found| found.as_u128() - id(0).as_u128())
        .collect()
}

async fn texts(engine: Engine) -> Option<Indexed> {
    let documents = vec![
        listing(1, "Café Élan", "Kaffee für alle, täglich geröstet"),
        listing(2, "Coffee & Cake", "Fresh every day, espresso too"),
        listing(3, "Green tea by post", "Loose leaf tea from small gardens"),
        listing(4, "Teapots and kettles", "For green and black tea"),
        listing(5, "Affiliate marketplace", "Software for partnerships"),
        listing(6, "שלום עולם", "ספרים"),
        listing(7, "Rocket 🚀 toys", "For children of all ages"),
    ];
    engine.filled(Index::Listings, documents).await
}

#[rstest]
#[tokio::test]
async fn words_are_found_whatever_their_case_and_accents(
    #[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine,
) {
    let Some(indexed) = texts(engine).await else { return };
    for (text, expected) in [
        ("cafe", vec![1]),
        ("CAFÉ elan", vec![1]),
        ("gerostet", vec![1]),
        ("שלום", vec![6]),
        ("toys", vec![7]),
        ("nothing at all", vec![]),
    ] {
        assert_eq!(found(&indexed, words(text)).await, expected, "{text}");
    }
}

#[rstest]
#[tokio::test]
async fn all_words_must_occur_and_the_last_may_go_on(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    for (text, expected) in [
        ("green tea", vec![3, 4]),
        ("green tea ", vec![3, 4]),
        ("green teap", vec![4]),
        ("green teap ", vec![]),
        ("loose gard", vec![3]),
        ("gard loose", vec![]),
        ("coff", vec![2]),
        ("coff cake", vec![]),
    ] {
        assert_eq!(found(&indexed, words(text)).await, expected, "{text}");
    }
}

#[rstest]
#[tokio::test]
async fn typos_are_forgiven_by_the_length_of_a_word(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    for (text, expected) in [
        ("tae ", vec![]),
        ("cofee", vec![2]),
        ("ocffee", vec![]),
        ("doffee", vec![]),
        ("espreso ", vec![2]),
        ("esprso ", vec![]),
        ("esspreso ", vec![]),
        ("esspresoo ", vec![2]),
        ("afilliate ", vec![5]),
        ("marketplcae ", vec![5]),
        ("makretplcae ", vec![5]),
        ("narketplace ", vec![5]),
        ("narketplcae ", vec![]),
    ] {
        assert_eq!(found(&indexed, words(text)).await, expected, "{text}");
    }
}

#[rstest]
#[tokio::test]
async fn phrases_are_found_to_the_letter(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    for (text, expected) in [
        (r#""green tea""#, vec![3]),
        (r#""tea green""#, vec![]),
        (r#""green te""#, vec![]),
        (r#""gren tea""#, vec![]),
        (r#""leaf tea" gardens"#, vec![3]),
        (r#""coffee""#, vec![2]),
        (r#""cofee""#, vec![]),
    ] {
        assert_eq!(found(&indexed, words(text)).await, expected, "{text}");
    }
}

#[rstest]
#[tokio::test]
async fn signs_mean_nothing(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    for text in ["🚀", "%", "_", "\\", "---", "\u{200f}", "\"\""] {
        let answer = indexed.ask(words(text)).await;
        assert_eq!((answer.hits.len(), answer.total), (0, Some(0)), "{text:?}");
    }
    for (text, expected) in [
        ("-coffee", vec![2]),
        ("coffee OR tea", vec![]),
        ("coffee AND cake", vec![2]),
        ("title:coffee", vec![]),
        ("coffee*", vec![2]),
        ("'; DROP TABLE listings; --", vec![]),
    ] {
        assert_eq!(found(&indexed, words(text)).await, expected, "{text}");
    }
}

#[rstest]
#[tokio::test]
async fn stop_words_and_synonyms(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    assert_eq!(found(&indexed, words("the coffee with cake ")).await, [2]);
    assert_eq!(found(&indexed, words("saas ")).await, [5], "software");
}

#[rstest]
#[tokio::test]
async fn matches_are_marked(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    let query = Query {
        highlight: vec![listings::TITLE, listings::PITCH],
        ..words("cofee espresso")
    };
    let answer = indexed.ask(query).await;
    let marked: Vec<(&str, String)> = answer.hits[0]
        .highlights
        .iter()
        .flat_map(|(field, fragments)| {
            let marked = fragments.iter().filter(|fragment| fragment.matched);
            marked.map(|fragment| (field.name, fragment.text.clone()))
        })
        .collect();
    assert_eq!(
        marked,
        [("title", "Coffee".to_owned()), ("pitch", "espresso".to_owned())]
    );
    let whole: String = answer.hits[0].highlights[0]
        .1
        .iter()
        .map(|fragment| fragment.text.as_str())
        .collect();
    assert_eq!(whole, "Coffee & Cake");
}

/// Ten offers: number n pays n percent, is of category a, b or c, and open to DE when even.
async fn offers(engine: Engine) -> Option<Indexed> {
    let documents = (1..=10_u8).map(|number| {
        let percent = i64::from(number);
        let document = listing(number.into(), "Offer", "Pays")
            .keywords(listings::CATEGORY, [["a", "b", "c"][usize::from(number % 3)]])
            .keywords(
                listings::COUNTRIES,
                if number.is_multiple_of(2) {
                    vec!["DE", "FR"]
                } else {
                    vec!["US"]
                },
            )
            .flag(listings::RECURRING, number > 5)
            .number(listings::WINDOW_DAYS, Some(30));
        // The last promises nothing.
        document.number(listings::SALE_PPM, (number < 10).then_some(percent * 10_000))
    });
    engine.filled(Index::Listings, documents.collect()).await
}

fn one_of(field: tributary::infra::search::Field, values: &[&str]) -> Filter {
    Filter::In(field, values.iter().map(|value| (*value).to_owned()).collect())
}

#[rstest]
#[tokio::test]
async fn filters_combine(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    use Filter::{All, Any, Between, Is, Not};
    let Some(indexed) = offers(engine).await else { return };
    let german = || one_of(listings::COUNTRIES, &["DE"]);
    for (name, filter, expected) in [
        ("everything", All(vec![]), (1..=10).collect::<Vec<u128>>()),
        ("nothing", Any(vec![]), vec![]),
        ("none of none", one_of(listings::CATEGORY, &[]), vec![]),
        ("one value", one_of(listings::CATEGORY, &["a"]), vec![3, 6, 9]),
        (
            "two values",
            one_of(listings::CATEGORY, &["a", "b"]),
            vec![1, 3, 4, 6, 7, 9, 10],
        ),
        ("an unknown value", one_of(listings::CATEGORY, &["a\" OR \"b"]), vec![]),
        ("from", Between(listings::SALE_PPM, Some(80_000), None), vec![8, 9]),
        ("to", Between(listings::SALE_PPM, None, Some(20_000)), vec![1, 2]),
        (
            "from and to",
            Between(listings::SALE_PPM, Some(30_000), Some(50_000)),
            vec![3, 4, 5],
        ),
        ("from beyond to", Between(listings::SALE_PPM, Some(5), Some(4)), vec![]),
        ("any number", Between(listings::SALE_PPM, None, None), (1..=9).collect()),
        ("a flag", Is(listings::RECURRING, false), vec![1, 2, 3, 4, 5]),
        ("not", Not(Box::new(german())), vec![1, 3, 5, 7, 9]),
        (
            "and",
            All(vec![german(), Is(listings::RECURRING, true)]),
            vec![6, 8, 10],
        ),
        (
            "or",
            Any(vec![one_of(listings::CATEGORY, &["a"]), Is(listings::RECURRING, true)]),
            vec![3, 6, 7, 8, 9, 10],
        ),
        (
            "nested",
            All(vec![
                Any(vec![german(), one_of(listings::CATEGORY, &["b"])]),
                Not(Box::new(All(vec![german(), Is(listings::RECURRING, true)]))),
            ]),
            vec![1, 2, 4, 7],
        ),
        ("never", Not(Box::new(All(vec![]))), vec![]),
    ] {
        let query = Query { filter, ..all() };
        let answer = indexed.ask(query.clone()).await;
        assert_eq!(answer.total, Some(expected.len() as u64), "{name}");
        assert_eq!(found(&indexed, query).await, expected, "{name}");
    }
}

#[rstest]
#[tokio::test]
async fn facets_follow_the_filter(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = offers(engine).await else { return };
    let query = Query {
        filter: Filter::Is(listings::RECURRING, true),
        limit: 1,
        facets: vec![
            listings::CATEGORY,
            listings::COUNTRIES,
            listings::RECURRING,
            listings::SALE_PPM,
            listings::HOLD_DAYS,
        ],
        ..words("offer")
    };
    let answer = indexed.ask(query).await;
    let values = |place: usize| -> Vec<(&str, u64)> {
        let facet = &answer.facets[place];
        facet
            .values
            .iter()
            .map(|(value, count)| (value.as_str(), *count))
            .collect()
    };
    assert_eq!(values(0), [("a", 2), ("b", 2), ("c", 1)]);
    assert_eq!(values(1), [("DE", 3), ("FR", 3), ("US", 2)]);
    assert_eq!(values(2), [("true", 5)]);
    assert_eq!(answer.facets[3].range, Some((60_000, 90_000)));
    assert_eq!(answer.facets[4].range, None);
}

#[rstest]
#[tokio::test]
async fn orders_and_pages_are_stable(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = offers(engine).await else { return };
    let by = |sort, offset, limit| Query {
        sort,
        offset,
        limit,
        ..all()
    };
    let up = Sort::Ascending(listings::SALE_PPM);
    let down = Sort::Descending(listings::SALE_PPM);
    assert_eq!(ranked(&indexed, by(up, 0, 20)).await, (1..=10).collect::<Vec<_>>());
    assert_eq!(ranked(&indexed, by(down, 0, 4)).await, [9, 8, 7, 6]);
    assert_eq!(
        ranked(&indexed, by(down, 8, 20)).await,
        [1, 10],
        "what has no value comes last"
    );
    // Equal in everything asked for: the newest first.
    let same = Sort::Ascending(listings::WINDOW_DAYS);
    let mut paged = Vec::new();
    for offset in [0, 3, 6, 9] {
        let query = by(same, offset, 3);
        let answer = indexed.ask(query.clone()).await;
        assert_eq!(answer.has_more, offset < 9);
        assert_eq!(answer.total, Some(10));
        paged.extend(ranked(&indexed, query).await);
    }
    assert_eq!(paged, (1..=10).rev().collect::<Vec<_>>());
    assert_eq!(ranked(&indexed, by(up, 10_000, 20)).await, [0_u128; 0]);
    let uncounted = Query { count: false, ..all() };
    assert_eq!(indexed.ask(uncounted).await.total, None);
}

#[rstest]
#[tokio::test]
async fn the_better_match_comes_first(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let documents = vec![
        listing(1, "Something else", "with coffee in its pitch"),
        listing(2, "Coffee", "in its title"),
        listing(3, "Coffe machines", "one letter off"),
        listing(4, "A very long title that speaks of many things and of coffee", "too"),
    ];
    let Some(indexed) = engine.filled(Index::Listings, documents).await else {
        return;
    };
    let order = ranked(&indexed, words("coffee ")).await;
    assert_eq!(order[0], 2, "{order:?}");
    assert_eq!(order.len(), 4);
    let place = |number| order.iter().position(|found| *found == number).unwrap();
    assert!(place(4) < place(1), "a title counts for more than a pitch: {order:?}");
}

fn creator(number: u128, followers: i64, place: Option<(f64, f64)>) -> Document {
    let point = place.map(|(latitude, longitude)| Point { latitude, longitude });
    Document::new(id(number))
        .text(creators::NAME, format!("Creator {number}"))
        .number(creators::FOLLOWERS, Some(followers))
        .point(creators::LOCATION, point)
}

#[rstest]
#[tokio::test]
async fn places_are_found_within_a_radius(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let berlin = Point {
        latitude: 52.52,
        longitude: 13.405,
    };
    let documents = vec![
        creator(1, 1_000, Some((52.39, 13.064))),  // Potsdam, 27 km
        creator(2, 9_000, Some((51.34, 12.375))),  // Leipzig, 149 km
        creator(3, 5_000, Some((48.137, 11.575))), // Munich, 504 km
        creator(4, 7_000, None),
        creator(5, 2_000, Some((52.52, 13.405))),
    ];
    let Some(indexed) = engine.filled(Index::Creators, documents).await else {
        return;
    };
    let near = |kilometres: u32| Filter::Within(creators::LOCATION, berlin, kilometres * 1_000);
    for (kilometres, expected) in [
        (1, vec![5]),
        (40, vec![1, 5]),
        (160, vec![1, 2, 5]),
        (20_000, vec![1, 2, 3, 5]),
    ] {
        let query = Query {
            filter: near(kilometres),
            ..all()
        };
        assert_eq!(found(&indexed, query).await, expected, "{kilometres} km");
    }
    let big = Filter::All(vec![near(200), Filter::Between(creators::FOLLOWERS, Some(1_500), None)]);
    assert_eq!(found(&indexed, Query { filter: big, ..all() }).await, [2, 5]);
    let nearest = Query {
        sort: Sort::Distance(creators::LOCATION, berlin),
        ..all()
    };
    assert_eq!(ranked(&indexed, nearest).await, [5, 1, 2, 3, 4]);
}

#[rstest]
#[tokio::test]
async fn changes_are_found_when_they_are_made(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    indexed
        .apply(vec![
            Change::Put(listing(2, "Bread", "Fresh every day")),
            Change::Put(listing(8, "Coffee", "New")),
            Change::Remove(id(3)),
            Change::Remove(id(99)),
        ])
        .await;
    assert_eq!(found(&indexed, words("coffee")).await, [8]);
    assert_eq!(found(&indexed, words("bread")).await, [2]);
    assert_eq!(found(&indexed, words("green tea")).await, [4]);
    assert_eq!(indexed.ask(all()).await.total, Some(7));
}

#[rstest]
#[tokio::test]
async fn a_rebuild_answers_when_it_is_finished(#[values(Engine::Embedded, Engine::Meilisearch)] engine: Engine) {
    let Some(indexed) = texts(engine).await else { return };
    let mut rebuild = indexed.engine.rebuild(id(1)).await.unwrap();
    rebuild
        .add(Index::Listings, vec![listing(9, "Only this", "one")])
        .await
        .unwrap();
    assert_eq!(found(&indexed, all()).await.len(), 7);
    rebuild.finish().await.unwrap();
    assert_eq!(found(&indexed, all()).await, [9]);
    // One that is given up was never there.
    let mut given_up = indexed.engine.rebuild(id(2)).await.unwrap();
    given_up
        .add(Index::Listings, vec![listing(10, "Never", "seen")])
        .await
        .unwrap();
    drop(given_up);
    assert_eq!(found(&indexed, all()).await, [9]);
}
