//! Creators: what they tell of themselves, who sees it, and how brands find them.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{error_code, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{BrandFixture, PartnerFixture, User, text},
    database::Database,
    marketplace::merged,
};

const PROFILE: &str = "creatorProfile { id headline location { latitude longitude } languages niches mediaKitUrls
    audience { country percent } rates { deliverable price { amount currency } } availability visibility vetting
    channels { id platform handle url followersCount engagementPercent verifiedAt } }";

const SEARCH: &str = "query ($brand: ID!, $where: CreatorWhere, $orderBy: CreatorOrder, $first: Int, $after: String) {
    marketplaceCreators(forBrandId: $brand, where: $where, orderBy: $orderBy, first: $first, after: $after) {
        degraded totalCount pageInfo { hasNextPage endCursor }
        edges { node { partner { handle } } highlights { field fragments { text matched } } }
        facets { niches { value count } platforms { value count } countries { value count }
            audienceCountries { value count } languages { value count } availabilities { value count }
            vettings { value count } verified { value count } followers { minCount maxCount }
            engagement { min max } } } }";

/// A brand that looks, and creators.
struct Scene {
    app: TestApp,
    owner: User,
    brand: BrandFixture,
}

#[derive(Clone)]
struct Creator {
    user: User,
    partner: PartnerFixture,
}

impl Creator {
    async fn new(app: &TestApp, handle: &str) -> Self {
        let user = app.sign_up(handle).await;
        let partner = app.partner(&user, handle).await;
        Self { user, partner }
    }

    async fn try_to(&self, app: &TestApp, field: &str, input: Value, selection: &str) -> Value {
        let input = merged(json!({ "partnerId": self.partner.id }), input);
        app.mutation(Some(&self.user.token), field, input, selection).await
    }

    async fn update(&self, app: &TestApp, patch: Value) -> Value {
        let answer = self
            .try_to(app, "updateCreatorProfile", json!({ "patch": patch }), PROFILE)
            .await;
        assert!(user_errors(&answer).is_empty(), "{answer:#}");
        answer["data"]["updateCreatorProfile"]["creatorProfile"].clone()
    }

    async fn channel(&self, app: &TestApp, channel: Value) -> String {
        let input = merged(channel_input(), channel);
        let answer = self
            .try_to(app, "addCreatorChannel", input, "creatorChannel { id }")
            .await;
        assert!(user_errors(&answer).is_empty(), "{answer:#}");
        text(&answer["data"]["addCreatorChannel"]["creatorChannel"], "id")
    }

    async fn publish(&self, app: &TestApp) {
        let answer = self
            .try_to(app, "publishCreatorProfile", json!({}), "creatorProfile { visibility }")
            .await;
        assert_eq!(
            answer["data"]["publishCreatorProfile"]["creatorProfile"]["visibility"], "PUBLIC",
            "{answer:#}"
        );
    }

    /// The profile as somebody sees it by the partner's id.
    async fn seen_by(&self, app: &TestApp, token: Option<&str>) -> Value {
        let query = "query ($id: ID!) { node(id: $id) { ... on Partner { handle creatorProfile { headline } } } }";
        app.graphql(token, query, json!({ "id": self.partner.id })).await["data"]["node"].clone()
    }
}

fn channel_input() -> Value {
    json!({
        "platform": "INSTAGRAM", "handle": "somebody", "url": "https://social.example/somebody", "followersCount": 1_000,
    })
}

impl Scene {
    async fn new(app: TestApp) -> Self {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "aurora").await;
        Self { app, owner, brand }
    }

    /// A public creator.
    async fn creator(&self, handle: &str, patch: Value, channel: Value) -> Creator {
        let creator = Creator::new(&self.app, handle).await;
        creator
            .update(&self.app, merged(json!({ "niches": ["coffee"] }), patch))
            .await;
        creator
            .channel(&self.app, merged(json!({ "handle": handle }), channel))
            .await;
        creator.publish(&self.app).await;
        self.app.advance(chrono::TimeDelta::seconds(1));
        creator
    }

    async fn search(&self, variables: Value) -> Value {
        self.app.index().await;
        let variables = merged(json!({ "brand": self.brand.id }), variables);
        let token = Some(self.owner.token.as_str());
        self.app
            .graphql_ok(token, SEARCH, variables, "marketplaceCreators")
            .await
    }

    async fn found(&self, filter: Value) -> Vec<String> {
        let page = self.search(json!({ "where": filter })).await;
        let handles = handles(&page);
        assert_eq!(page["totalCount"], handles.len(), "{page:#}");
        handles
    }

    async fn refused_search(&self, variables: Value) -> String {
        let variables = merged(json!({ "brand": self.brand.id }), variables);
        error_code(&self.app.graphql(Some(&self.owner.token), SEARCH, variables).await)
    }
}

fn handles(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().unwrap();
    edges
        .iter()
        .map(|edge| text(&edge["node"]["partner"], "handle"))
        .collect()
}

#[rstest]
#[tokio::test]
async fn a_profile_is_kept_as_it_was_told(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let maya = Creator::new(&app, "maya").await;
        let profile = maya
            .update(
                &app,
                json!({
                    "headline": "  قهوة ☕️ في البيت ", "location": { "latitude": "52.520008", "longitude": "13.404954" },
                    "languages": ["de", "ar", "de"], "niches": ["food-drink", "coffee"],
                    "mediaKitUrls": ["https://maya.example/kit"], "availability": "LIMITED",
                }),
            )
            .await;
        assert_eq!(profile["headline"], "قهوة ☕️ في البيت");
        assert_eq!(profile["location"], json!({ "latitude": "52.52", "longitude": "13.4" }));
        assert_eq!(profile["languages"], json!(["ar", "de"]));
        assert_eq!(profile["niches"], json!(["coffee", "food-drink"]));
        assert_eq!(profile["mediaKitUrls"], json!(["https://maya.example/kit"]));
        assert_eq!(profile["availability"], "LIMITED");
        assert_eq!((&profile["visibility"], &profile["vetting"]), (&json!("PRIVATE"), &json!("UNVETTED")));

        // Absent is not null.
        let profile = maya.update(&app, json!({ "headline": null, "location": null })).await;
        assert_eq!((&profile["headline"], &profile["location"]), (&Value::Null, &Value::Null));
        assert_eq!(profile["niches"], json!(["coffee", "food-drink"]));

        let audience = json!({ "audience": [{ "country": "FR", "percent": "25" }, { "country": "DE", "percent": "42.5" }] });
        let answer = maya.try_to(&app, "setCreatorAudience", audience, PROFILE).await;
        let audience = &answer["data"]["setCreatorAudience"]["creatorProfile"]["audience"];
        let wanted = json!([{ "country": "DE", "percent": "42.5" }, { "country": "FR", "percent": "25" }]);
        assert_eq!(audience, &wanted, "{answer:#}");
        let rates = json!({ "rates": [
            { "deliverable": "SHORT_VIDEO", "price": { "amount": "250.00", "currency": "EUR" } },
            { "deliverable": "POST", "price": { "amount": "9900", "currency": "JPY" } },
        ] });
        let answer = maya.try_to(&app, "setCreatorRates", rates, PROFILE).await;
        let rates = &answer["data"]["setCreatorRates"]["creatorProfile"]["rates"];
        let wanted = json!([
            { "deliverable": "SHORT_VIDEO", "price": { "amount": "250.00", "currency": "EUR" } },
            { "deliverable": "POST", "price": { "amount": "9900", "currency": "JPY" } },
        ]);
        assert_eq!(rates, &wanted, "{answer:#}");

        let id = maya.channel(&app, json!({ "handle": "@Maya.Brews", "engagementPercent": "3.25" })).await;
        let again = merged(channel_input(), json!({ "handle": "maya.brews" }));
        let answer = maya.try_to(&app, "addCreatorChannel", again, "creatorChannel { id }").await;
        assert_eq!(refusal(&answer), "CHANNEL_EXISTS");
        let input = json!({ "id": id, "patch": { "followersCount": 5_000, "engagementPercent": null } });
        let selection = "creatorChannel { handle followersCount engagementPercent }";
        let channel = app.done(&maya.user, "updateCreatorChannel", input, selection).await["creatorChannel"].clone();
        assert_eq!(
            channel,
            json!({ "handle": "Maya.Brews", "followersCount": 5_000, "engagementPercent": null })
        );
        let gone = app
            .done(&maya.user, "removeCreatorChannel", json!({ "id": id }), PROFILE)
            .await;
        assert_eq!(gone["creatorProfile"]["channels"], json!([]));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_private_profile_is_found_by_nobody(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::new(app.clone()).await;
        let maya = Creator::new(&app, "maya").await;
        let publish = async || {
            let selection = "creatorProfile { visibility }";
            maya.try_to(&app, "publishCreatorProfile", json!({}), selection).await
        };
        assert_eq!(refusal(&publish().await), "PROFILE_INCOMPLETE");
        maya.update(&app, json!({ "headline": "Coffee", "niches": ["coffee"] }))
            .await;
        assert_eq!(refusal(&publish().await), "PROFILE_INCOMPLETE");
        maya.channel(&app, json!({})).await;

        let stranger = app.sign_up("stranger").await;
        let own = Some(maya.user.token.as_str());
        let brand = Some(scene.owner.token.as_str());
        let strange = Some(stranger.token.as_str());
        assert_eq!(scene.found(json!({})).await, [""; 0]);
        assert_eq!(maya.seen_by(&app, own).await["creatorProfile"]["headline"], "Coffee");
        for nobody in [brand, strange, None] {
            assert_eq!(maya.seen_by(&app, nobody).await, Value::Null);
        }

        maya.publish(&app).await;
        assert_eq!(refusal(&publish().await), "INVALID_TRANSITION");
        assert_eq!(scene.found(json!({})).await, ["maya"]);
        assert_eq!(maya.seen_by(&app, brand).await["creatorProfile"]["headline"], "Coffee");
        // Public is for brands: whoever is in none is nobody.
        for nobody in [strange, None] {
            assert_eq!(maya.seen_by(&app, nobody).await, Value::Null);
        }
        let outsider = app.graphql(strange, SEARCH, json!({ "brand": scene.brand.id })).await;
        assert_eq!(error_code(&outsider), "NOT_FOUND");

        // Hidden again, it is gone even from an index that does not know yet.
        let hide = maya
            .try_to(&app, "hideCreatorProfile", json!({}), "creatorProfile { visibility }")
            .await;
        assert_eq!(
            hide["data"]["hideCreatorProfile"]["creatorProfile"]["visibility"],
            "PRIVATE"
        );
        let variables = json!({ "brand": scene.brand.id });
        let page = app.graphql_ok(brand, SEARCH, variables, "marketplaceCreators").await;
        assert_eq!(handles(&page), [""; 0]);
        assert_eq!(scene.found(json!({})).await, [""; 0]);
        assert_eq!(maya.seen_by(&app, brand).await, Value::Null);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_brand_that_is_asked_sees_a_private_profile(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let promoter = app.promoter(&market, "maya", None).await;
        let maya = Creator {
            user: promoter.user.clone(),
            partner: promoter.partner.clone(),
        };
        maya.update(&app, json!({ "headline": "Coffee" })).await;
        let seen = maya.seen_by(&app, Some(&market.owner.token)).await;
        assert_eq!(seen["creatorProfile"]["headline"], "Coffee");
        let other = Scene::new(app.clone()).await;
        assert_eq!(maya.seen_by(&app, Some(&other.owner.token)).await, Value::Null);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn creators_are_found_by_what_they_tell(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::new(app.clone()).await;
        let berlin = json!({ "latitude": "52.52", "longitude": "13.40" });
        let paris = json!({ "latitude": "48.86", "longitude": "2.35" });
        let maya = json!({
            "headline": "Coffee at home", "niches": ["coffee", "food-drink"], "languages": ["de", "en"], "location": berlin,
        });
        let of_maya = json!({ "platform": "YOUTUBE", "followersCount": 50_000, "engagementPercent": "3.25" });
        let maya = scene.creator("maya", maya, of_maya).await;
        let leo = json!({ "niches": ["fitness"], "languages": ["fr"], "location": paris, "availability": "CLOSED" });
        let of_leo = json!({ "platform": "TIKTOK", "followersCount": 900, "engagementPercent": "8" });
        let leo = scene.creator("leo", leo, of_leo).await;
        scene.creator("ina", json!({ "niches": ["coffee"] }), json!({ "followersCount": 7_000 })).await;
        let audience = json!({ "audience": [{ "country": "AT", "percent": "10" }] });
        maya.try_to(&app, "setCreatorAudience", audience, PROFILE).await;
        let input = json!({ "id": leo.partner.id, "patch": { "country": "FR", "bio": "Lifting and espresso." } });
        app.done(&leo.user, "updatePartner", input, "partner { id }").await;

        for (filter, wanted) in [
            (json!({ "text": "cofee" }), vec!["maya", "ina"]),
            (json!({ "text": "espresso" }), vec!["leo"]),
            (json!({ "niche": { "eq": "fitness" } }), vec!["leo"]),
            (json!({ "platform": { "in": ["YOUTUBE", "TIKTOK"] } }), vec!["leo", "maya"]),
            (json!({ "followers": { "minCount": 7_000 } }), vec!["ina", "maya"]),
            (json!({ "followers": { "minCount": 1_000, "maxCount": 7_000 } }), vec!["ina"]),
            (json!({ "engagement": { "gte": "3.25", "lte": "5" } }), vec!["maya"]),
            (json!({ "engagement": { "gte": "3.2501" } }), vec!["leo"]),
            (json!({ "country": { "eq": "FR" } }), vec!["leo"]),
            (json!({ "audienceCountry": { "eq": "AT" } }), vec!["maya"]),
            (json!({ "language": { "in": ["en", "fr"] } }), vec!["leo", "maya"]),
            (json!({ "availability": { "eq": "CLOSED" } }), vec!["leo"]),
            (json!({ "vetting": { "eq": "TRUSTED" } }), vec![]),
            (json!({ "verified": false }), vec!["ina", "leo", "maya"]),
            (json!({ "near": { "point": berlin, "kilometers": 100 } }), vec!["maya"]),
            (json!({ "near": { "point": berlin, "kilometers": 1_000 } }), vec!["leo", "maya"]),
            (json!({ "not": { "niche": { "eq": "coffee" } } }), vec!["leo"]),
            (
                json!({ "or": [{ "niche": { "eq": "fitness" } }, { "language": { "eq": "de" } }] }),
                vec!["leo", "maya"],
            ),
        ] {
            let mut found = scene.found(filter.clone()).await;
            if filter.get("text").is_none() {
                found.sort();
            }
            let mut wanted: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
            if filter.get("text").is_some() {
                found.sort();
                wanted.sort();
            }
            assert_eq!(found, wanted, "{filter}");
        }

        let by = async |field: &str, direction: &str, filter: Value| {
            let variables = json!({ "where": filter, "orderBy": { "field": field, "direction": direction } });
            handles(&scene.search(variables).await)
        };
        assert_eq!(by("NEWEST", "DESC", json!({})).await, ["ina", "leo", "maya"]);
        assert_eq!(by("FOLLOWERS", "DESC", json!({})).await, ["maya", "ina", "leo"]);
        assert_eq!(by("FOLLOWERS", "ASC", json!({})).await, ["leo", "ina", "maya"]);
        assert_eq!(by("ENGAGEMENT", "DESC", json!({})).await, ["leo", "maya", "ina"]);
        let near = json!({ "near": { "point": paris, "kilometers": 2_000 } });
        assert_eq!(by("DISTANCE", "DESC", near).await, ["leo", "maya"]);
        let nowhere = json!({ "orderBy": { "field": "DISTANCE" } });
        assert_eq!(scene.refused_search(nowhere).await, "BAD_USER_INPUT");

        let page = scene.search(json!({ "where": { "text": "coffee" } })).await;
        let highlights = page["edges"].as_array().unwrap().iter().map(|edge| &edge["highlights"]);
        assert!(highlights.into_iter().any(|found| found != &json!([])), "{page:#}");
        let facets = &scene.search(json!({})).await["facets"];
        assert_eq!(facets["niches"][0], json!({ "value": "coffee", "count": 2 }));
        assert_eq!(facets["countries"], json!([{ "value": "FR", "count": 1 }]));
        assert_eq!(facets["audienceCountries"], json!([{ "value": "AT", "count": 1 }]));
        assert_eq!(facets["platforms"].as_array().unwrap().len(), 3);
        assert_eq!(facets["availabilities"][0], json!({ "value": "OPEN", "count": 2 }));
        assert_eq!(facets["vettings"], json!([{ "value": "UNVETTED", "count": 3 }]));
        assert_eq!(facets["verified"], json!([{ "value": "false", "count": 3 }]));
        assert_eq!(facets["followers"], json!({ "minCount": 900, "maxCount": 50_000 }));
        assert_eq!(facets["engagement"], json!({ "min": "3.25", "max": "8" }));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn hidden_creators_are_left_out_of_their_brands_search(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::new(app.clone()).await;
        let maya = scene.creator("maya", json!({}), json!({})).await;
        scene.creator("leo", json!({}), json!({})).await;
        let input = json!({ "brandId": scene.brand.id, "partnerId": maya.partner.id, "hidden": true });
        app.done(&scene.owner, "markCreator", input, "partner { id }").await;
        assert_eq!(scene.found(json!({})).await, ["leo"]);
        // Marks are the brand's own affair.
        let admin = app.sign_up("admin").await;
        app.db_platform_admin(&admin.id).await;
        let variables = json!({ "brand": scene.brand.id });
        let page = app
            .graphql_ok(Some(&admin.token), SEARCH, variables, "marketplaceCreators")
            .await;
        assert_eq!(page["totalCount"], 2);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn vetting_is_the_platforms_word(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::new(app.clone()).await;
        let maya = scene.creator("maya", json!({}), json!({})).await;
        let admin = app.sign_up("admin").await;
        app.db_platform_admin(&admin.id).await;
        let vet = async |user: &User, vetting: &str, reason: &str| {
            let input = json!({ "partnerId": maya.partner.id, "vetting": vetting, "reason": reason });
            let selection = "creatorProfile { vetting }";
            app.mutation(Some(&user.token), "setCreatorVetting", input, selection)
                .await
        };
        for nobody in [&maya.user, &scene.owner] {
            assert_eq!(error_code(&vet(nobody, "TRUSTED", "I say so").await), "FORBIDDEN");
        }
        assert_eq!(refusal(&vet(&admin, "TRUSTED", " ").await), "REASON_INVALID");
        let answer = vet(&admin, "TRUSTED", "Three good years.").await;
        assert_eq!(
            answer["data"]["setCreatorVetting"]["creatorProfile"]["vetting"],
            "TRUSTED"
        );
        assert_eq!(refusal(&vet(&admin, "TRUSTED", "Again.").await), "INVALID_TRANSITION");
        assert_eq!(scene.found(json!({ "vetting": { "eq": "TRUSTED" } })).await, ["maya"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_wrong_has_its_code(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let maya = Creator::new(&app, "maya").await;
        maya.channel(&app, json!({ "handle": "first" })).await;
        let many = |count: usize, one: &str| (0..count).map(|nth| format!("{one}{nth}")).collect::<Vec<_>>();
        let before = app.digest().await;
        for (patch, code) in [
            (json!({ "headline": "" }), "HEADLINE_INVALID"),
            (json!({ "headline": "x".repeat(121) }), "HEADLINE_INVALID"),
            (json!({ "headline": "a\u{7}b" }), "HEADLINE_INVALID"),
            (json!({ "headline": "two\nlines" }), "HEADLINE_INVALID"),
            (json!({ "location": { "latitude": "90.1", "longitude": "0" } }), "LOCATION_INVALID"),
            (json!({ "location": { "latitude": "0", "longitude": "-181" } }), "LOCATION_INVALID"),
            (json!({ "languages": ["de", "xx"] }), "LANGUAGE_UNKNOWN"),
            (json!({ "languages": ["de-AT"] }), "LANGUAGE_UNKNOWN"),
            (json!({ "languages": vec!["deu"; 21] }), "TOO_MANY_LANGUAGES"),
            (json!({ "niches": ["Food & Drink"] }), "NICHE_INVALID"),
            (json!({ "niches": ["☕"] }), "NICHE_INVALID"),
            (json!({ "niches": many(11, "niche") }), "TOO_MANY_NICHES"),
            (json!({ "mediaKitUrls": many(6, "https://kit.example/") }), "TOO_MANY_MEDIA_KITS"),
            (json!({ "mediaKitUrls": ["https://me:secret@kit.example/"] }), "URL_INVALID"),
        ] {
            let input = json!({ "patch": patch });
            let answer = maya.try_to(&app, "updateCreatorProfile", input, PROFILE).await;
            assert_eq!(refusal(&answer), code, "{patch}");
        }
        for (channel, code) in [
            (json!({ "handle": "" }), "HANDLE_INVALID"),
            (json!({ "handle": "two words" }), "HANDLE_INVALID"),
            (json!({ "handle": "x".repeat(101) }), "HANDLE_INVALID"),
            (json!({ "handle": "a\u{7}" }), "HANDLE_INVALID"),
            (json!({ "handle": "FIRST" }), "CHANNEL_EXISTS"),
            (json!({ "url": "https://me@social.example/" }), "URL_INVALID"),
            (json!({ "followersCount": -1 }), "FOLLOWERS_INVALID"),
            (json!({ "followersCount": i32::MAX }), "FOLLOWERS_INVALID"),
            (json!({ "engagementPercent": "100.01" }), "ENGAGEMENT_INVALID"),
            (json!({ "engagementPercent": "-1" }), "ENGAGEMENT_INVALID"),
        ] {
            let input = merged(channel_input(), channel.clone());
            let answer = maya.try_to(&app, "addCreatorChannel", input, "creatorChannel { id }").await;
            assert_eq!(refusal(&answer), code, "{channel}");
        }
        let share = |country: &str, percent: &str| json!({ "country": country, "percent": percent });
        for (audience, code) in [
            (json!([share("ZZ", "1")]), "COUNTRY_UNKNOWN"),
            (json!([share("DE", "1"), share("DE", "2")]), "COUNTRY_TWICE"),
            (json!([share("DE", "0")]), "SHARE_INVALID"),
            (json!([share("DE", "60"), share("FR", "40.01")]), "AUDIENCE_EXCEEDS_WHOLE"),
            (json!(vec![share("DE", "1"); 51]), "TOO_MANY_COUNTRIES"),
        ] {
            let input = json!({ "audience": audience });
            let answer = maya.try_to(&app, "setCreatorAudience", input, PROFILE).await;
            assert_eq!(refusal(&answer), code, "{audience}");
        }
        let rate = |amount: &str, currency: &str| {
            json!({ "deliverable": "POST", "price": { "amount": amount, "currency": currency } })
        };
        for (rates, code) in [
            (json!([rate("1.00", "ZZZ")]), "RATE_INVALID"),
            (json!([rate("-1.00", "EUR")]), "RATE_INVALID"),
            (json!([rate("1.001", "EUR")]), "RATE_INVALID"),
            (json!([rate("1.00", "EUR"), rate("2.00", "EUR")]), "RATE_TWICE"),
            (json!(vec![rate("1.00", "EUR"); 31]), "TOO_MANY_RATES"),
        ] {
            let input = json!({ "rates": rates });
            let answer = maya.try_to(&app, "setCreatorRates", input, PROFILE).await;
            assert_eq!(refusal(&answer), code, "{rates}");
        }
        assert_eq!(app.digest().await, before, "what is refused changes nothing");

        for nth in 1..20 {
            maya.channel(&app, json!({ "handle": format!("more{nth}") })).await;
        }
        let input = merged(channel_input(), json!({ "handle": "last" }));
        let answer = maya.try_to(&app, "addCreatorChannel", input, "creatorChannel { id }").await;
        assert_eq!(refusal(&answer), "TOO_MANY_CHANNELS");

        let scene = Scene::new(app.clone()).await;
        let point = json!({ "latitude": "52.52", "longitude": "13.40" });
        for filter in [
            json!({ "near": { "point": { "latitude": "91", "longitude": "0" }, "kilometers": 1 } }),
            json!({ "near": { "point": point, "kilometers": 0 } }),
            json!({ "near": { "point": point, "kilometers": 20_001 } }),
            json!({ "niche": { "in": vec!["x"; 101] } }),
            json!({ "or": vec![json!({ "verified": true }); 51] }),
            json!({ "text": "x".repeat(257) }),
        ] {
            let variables = json!({ "where": filter });
            assert_eq!(scene.refused_search(variables).await, "BAD_USER_INPUT", "{filter}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_page_of_creators_costs_a_few_statements(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::new(app.clone()).await;
        for nth in 0..20 {
            scene.creator(&format!("creator{nth}"), json!({}), json!({})).await;
        }
        app.index().await;
        let query = "query ($brand: ID!, $first: Int) { marketplaceCreators(forBrandId: $brand, first: $first) {
            totalCount nodes { headline niches audience { country percent } partner { handle displayName country }
                channels { platform handle followersCount } } } }";
        let token = Some(scene.owner.token.as_str());
        let signed_in = app
            .count_statements(async || {
                app.graphql_ok(token, "{ __typename }", json!({}), "").await;
            })
            .await;
        for first in [2, 20] {
            let variables = json!({ "brand": scene.brand.id, "first": first });
            let count = app
                .count_statements(async || {
                    let nodes = app
                        .graphql_ok(token, query, variables, "marketplaceCreators.nodes")
                        .await;
                    assert_eq!(nodes.as_array().unwrap().len(), first);
                })
                .await;
            // What is hidden, the profiles, their partners, their channels.
            assert!(count - signed_in <= 4, "{count} beside {signed_in}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_channel_is_verified_by_what_stands_on_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::new(app.clone()).await;
        let maya = scene.creator("maya", json!({}), json!({})).await;
        let url = "https://maya.example/about";
        let id = maya
            .channel(&app, json!({ "platform": "WEBSITE", "handle": "maya", "url": url }))
            .await;
        let by = async |user: &User, field: &str, selection: &str| {
            app.mutation(Some(&user.token), field, json!({ "id": id }), selection)
                .await
        };
        let verify = async || by(&maya.user, "verifyChannel", "creatorChannel { verifiedAt }").await;
        let request = async || by(&maya.user, "requestChannelVerification", "verification { token url }").await;
        let requested = async || request().await["data"]["requestChannelVerification"]["verification"].clone();

        assert_eq!(refusal(&verify().await), "VERIFICATION_NOT_REQUESTED");
        let asked = requested().await;
        assert_eq!(asked["url"], url);
        assert_eq!(requested().await, asked, "the same as long as the channel is the same");
        assert_eq!(refusal(&verify().await), "CHANNEL_UNREACHABLE");
        app.pages.put(url, "Coffee, twice a week.");
        assert_eq!(refusal(&verify().await), "TOKEN_NOT_FOUND");
        app.pages.put(url, &format!("<p>Coffee. {}</p>", text(&asked, "token")));
        assert_eq!(scene.found(json!({ "verified": true })).await, [""; 0]);
        let stranger = app.sign_up("stranger").await;
        let answer = by(&stranger, "verifyChannel", "creatorChannel { verifiedAt }").await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
        let answer = verify().await;
        assert!(
            answer["data"]["verifyChannel"]["creatorChannel"]["verifiedAt"].is_string(),
            "{answer:#}"
        );
        assert_eq!(refusal(&verify().await), "ALREADY_VERIFIED");
        assert_eq!(refusal(&request().await), "ALREADY_VERIFIED");
        assert_eq!(scene.found(json!({ "verified": true })).await, ["maya"]);

        // Numbers may change; another address proves nothing.
        let change = async |patch: Value| {
            let input = json!({ "id": id, "patch": patch });
            let selection = "creatorChannel { verifiedAt }";
            app.done(&maya.user, "updateCreatorChannel", input, selection).await["creatorChannel"]["verifiedAt"].clone()
        };
        assert!(change(json!({ "followersCount": 7 })).await.is_string());
        assert_eq!(
            change(json!({ "url": "https://elsewhere.example/" })).await,
            Value::Null
        );
        assert_eq!(scene.found(json!({ "verified": true })).await, [""; 0]);
        let again = requested().await;
        assert_ne!(again["token"], asked["token"]);

        // Looking again and again is limited.
        let mut codes = Vec::new();
        for _ in 0..11 {
            let answer = verify().await;
            codes.extend(crate::support::answer::error_codes(&answer));
        }
        assert!(codes.iter().any(|code| code == "RATE_LIMITED"), "{codes:?}");
    })
    .await;
}
