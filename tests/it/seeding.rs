//! What a demo or a replay stands on, found or made: a program of which a killed run left half is completed.

use entity::{
    commission_rule::{self, ConversionEvent},
    listing::PayoutMethods,
    program::{AttributionOrder, CustomerBinding},
    referral_level,
};
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use tributary::{
    marketplace::service::Content,
    programs::service::{Earning, Settings},
    seeding::{self, Offer},
};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

fn offer(rules: Vec<(ConversionEvent, Earning)>, levels: Vec<(i32, Earning)>) -> Offer<'static> {
    Offer {
        settings: Settings {
            name: "Half made".to_owned(),
            description: "for tests".to_owned(),
            currencies: vec!["EUR".to_owned()],
            destination_url: "https://shop.example/".to_owned(),
            hold_days: 0,
            attribution_window_days: 30,
            attribution_order: AttributionOrder::CodeFirst,
            customer_binding: CustomerBinding::Forever,
            customer_binding_months: None,
            auto_approve_commissions: false,
            commission_note: None,
        },
        terms: "be fair",
        rules,
        levels,
        content: Content {
            title: "Half made".to_owned(),
            pitch: "Join us.".to_owned(),
            category: "shopping".to_owned(),
            countries: Vec::new(),
            payout_methods: PayoutMethods::default(),
        },
    }
}

fn sale() -> (ConversionEvent, Earning) {
    (ConversionEvent::Sale, Earning::PercentOfSale(100_000))
}

fn signup() -> (ConversionEvent, Earning) {
    let amount = "1".parse().unwrap();
    let currency = "EUR".to_owned();
    (ConversionEvent::Signup, Earning::Fixed { amount, currency })
}

async fn db_rules_and_levels(app: &TestApp) -> (u64, u64) {
    (
        commission_rule::Entity::find().count(app.db()).await.unwrap(),
        referral_level::Entity::find().count(app.db()).await.unwrap(),
    )
}

#[rstest]
#[tokio::test]
async fn a_half_made_program_is_completed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "half-made").await.id.parse().unwrap();
        let actor = seeding::user(&app.app, &owner.email, "owner", "").await.unwrap();
        // As a run leaves it that is killed between the first rule and the second.
        let first = offer(vec![sale()], Vec::new());
        seeding::program(&app.app, &actor, brand, first).await.unwrap();
        assert_eq!(db_rules_and_levels(&app).await, (1, 0));
        for _ in 0..2 {
            let whole = offer(vec![sale(), signup()], vec![(1, Earning::PercentOfSale(20_000))]);
            seeding::program(&app.app, &actor, brand, whole).await.unwrap();
            assert_eq!(db_rules_and_levels(&app).await, (2, 1));
        }
    })
    .await;
}
