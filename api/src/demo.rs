//! A small, coherent marketplace to look around in: one brand with a program, two creators of whom one recruited the
//! other, a few sales. Made through the same services that requests use.

pub mod payouts;

use std::time::Duration;

use chrono::TimeDelta;
use entity::{
    TenantScoped, brand,
    commission_rule::ConversionEvent,
    creator_channel::Platform,
    ids::BrandId,
    listing::PayoutMethod,
    order::{self, CaptureState},
    program::{AttributionOrder, CustomerBinding},
    user,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    accounts::actor::Actor,
    app::App,
    brands::service::CreateBrand,
    conversions::service::{
        record::{self, RecordEvent},
        refund::{self, RecordRefund},
    },
    error::Fault,
    idempotency::Key,
    lease,
    marketplace::{
        creators::service::{ChannelContent, ProfilePatch},
        service::Content,
    },
    programs::service::{Earning, Settings},
    seeding::{self, Offer, denied, fault},
};

/// The demo is there when a brand has this slug.
pub const BRAND_SLUG: &str = "aurora-coffee";
pub const OWNER: &str = "owner@aurora-coffee.example";
pub const FINANCE: &str = "finance@aurora-coffee.example";
pub const MAYA: &str = "maya@creators.example";
pub const LEO: &str = "leo@creators.example";
/// Of every demo account. A demo is for looking around; `--no-demo` keeps it out of a real installation.
pub const PASSWORD: &str = "tributary-demo";

const LEASE_NAME: &str = "demo";
/// What a start after a killed one waits at most.
const LEASE: TimeDelta = TimeDelta::seconds(3);
const RENEWAL: Duration = Duration::from_secs(1);
/// Between looks whether another process has filled it.
const PAUSE: Duration = Duration::from_millis(100);

/// The order that partly came back.
const REFUNDED: &str = "demo-1002";

const PERCENT: i64 = 10_000;

/// Fills an empty database, or completes one whose filling was cut off; false when it was not ours to do. Of processes that
/// start together one fills, and the others wait.
pub async fn fill_if_wanted(app: &App) -> Result<bool, Fault> {
    let holder = app.ids.uuid(app.clock.now());
    while is_wanted(app).await? {
        if lease::hold(app, LEASE_NAME, holder, LEASE).await? {
            let filled = tokio::select! {
                filled = fill(app) => filled,
                lost = keep_lease(app, holder) => Err(lost),
            };
            lease::release(app, LEASE_NAME, holder).await?;
            return filled.map(|()| true);
        }
        sleep(PAUSE).await;
    }
    Ok(false)
}

/// Holds the lease for as long as it is awaited, and returns why it could not.
async fn keep_lease(app: &App, holder: Uuid) -> Fault {
    loop {
        sleep(RENEWAL).await;
        match lease::hold(app, LEASE_NAME, holder, LEASE).await {
            Ok(true) => {}
            Ok(false) => return Fault::new("another process took over filling the demo"),
            Err(error) => return error.into(),
        }
    }
}

/// Is there nobody in this database yet, or only what a filling left that was cut off?
async fn is_wanted(app: &App) -> Result<bool, Fault> {
    let first = user::Entity::find()
        .order_by_asc(user::Column::Id)
        .one(app.db.read())
        .await?;
    // Filling begins with the owner, and ends with the refund.
    match first {
        None => Ok(true),
        Some(first) => Ok(first.email == OWNER && !is_refunded(app).await?),
    }
}

/// Is the last thing there that filling makes?
async fn is_refunded(app: &App) -> Result<bool, Fault> {
    let Some(brand) = find_brand(app).await? else {
        return Ok(false);
    };
    let refunded = order::Entity::find_live()
        .filter(order::Column::BrandId.eq(brand.id))
        .filter(order::Column::ExternalId.eq(REFUNDED))
        .filter(order::Column::RefundedMinor.gt(0))
        .count(app.db.read())
        .await?;
    Ok(refunded > 0)
}

/// Is the demo marketplace in this database?
pub async fn is_present(app: &App) -> Result<bool, Fault> {
    Ok(find_brand(app).await?.is_some())
}

async fn find_brand(app: &App) -> Result<Option<brand::Model>, Fault> {
    let found = brand::Entity::find()
        .filter(brand::Column::Slug.eq(BRAND_SLUG))
        .one(app.db.read())
        .await?;
    Ok(found)
}

/// Fills the database. A second call finds everything in place and adds nothing.
pub async fn fill(app: &App) -> Result<(), Fault> {
    let owner = seeding::user(app, OWNER, "Olivia Owner", PASSWORD).await?;
    let brand = seeding::brand(app, &owner, aurora()).await?;
    let finance = seeding::user(app, FINANCE, "Felix Finance", PASSWORD).await?;
    if finance.brands.is_empty() {
        add_finance(app, brand.id, &finance).await?;
    }
    let owner = seeding::user(app, OWNER, "Olivia Owner", PASSWORD).await?;
    let program = seeding::program(app, &owner, brand.id, offer()).await?;

    let maya = seeding::user(app, MAYA, "Maya Moreno", PASSWORD).await?;
    let maya_partner =
        seeding::partner(app, &maya, "maya-brews", "Maya brews", "Coffee at home, twice a week.").await?;
    let maya = seeding::user(app, MAYA, "Maya Moreno", PASSWORD).await?;
    let (profile, channel) = creator(
        "Coffee at home, from bean to cup",
        "food-drink",
        (Decimal::new(5_252, 2), Decimal::new(1_341, 2)),
        (Platform::Youtube, "mayabrews", 48_000, 32_500),
    );
    seeding::creator(app, &maya, maya_partner.id, profile, channel).await?;
    let above = seeding::partnership(app, &owner, &maya, maya_partner.id, program.id, None).await?;
    seeding::link(app, &maya, &above, "maya-aurora").await?;
    seeding::code(app, &maya, &above, "MAYA10").await?;

    let leo = seeding::user(app, LEO, "Leo Lindgren", PASSWORD).await?;
    let leo_partner = seeding::partner(
        app,
        &leo,
        "leo-lifts",
        "Leo lifts",
        "Training, food and a lot of coffee.",
    )
    .await?;
    let leo = seeding::user(app, LEO, "Leo Lindgren", PASSWORD).await?;
    let (profile, channel) = creator(
        "Training and food for people with little time",
        "sports",
        (Decimal::new(5_933, 2), Decimal::new(1_807, 2)),
        (Platform::Instagram, "leolifts", 9_500, 51_000),
    );
    seeding::creator(app, &leo, leo_partner.id, profile, channel).await?;
    let recruiter = Some(above.referral_code.clone());
    let below = seeding::partnership(app, &owner, &leo, leo_partner.id, program.id, recruiter).await?;
    seeding::link(app, &leo, &below, "leo-aurora").await?;
    seeding::code(app, &leo, &below, "LEO10").await?;
    trade(app, &owner, brand.id).await
}

/// What a creator of the demo tells: its headline, its niche, where it is, and its channel with followers and engagement (ppm).
fn creator(
    headline: &str,
    niche: &str,
    location: (Decimal, Decimal),
    (platform, handle, followers, engagement): (Platform, &str, i64, i64),
) -> (ProfilePatch, ChannelContent) {
    let profile = ProfilePatch {
        headline: Some(Some(headline.to_owned())),
        location: Some(Some(location)),
        languages: Some(vec!["en".to_owned()]),
        niches: Some(vec![niche.to_owned()]),
        ..ProfilePatch::default()
    };
    let channel = ChannelContent {
        platform,
        handle: handle.to_owned(),
        url: format!("https://channels.example/{handle}"),
        followers,
        engagement_ppm: Some(engagement),
    };
    (profile, channel)
}

fn aurora() -> CreateBrand {
    CreateBrand {
        slug: BRAND_SLUG.to_owned(),
        name: "Aurora Coffee".to_owned(),
        website_url: "https://aurora-coffee.example/".to_owned(),
        currency: "EUR".to_owned(),
        reserve_ppm: None,
        payout_minimum: Some(Decimal::new(5, 0)),
    }
}

fn offer() -> Offer<'static> {
    Offer {
        settings: Settings {
            name: "Aurora Friends".to_owned(),
            description: "Recommend coffee you drink yourself.".to_owned(),
            currencies: vec!["EUR".to_owned(), "USD".to_owned(), "INR".to_owned()],
            destination_url: "https://aurora-coffee.example/shop".to_owned(),
            hold_days: 14,
            attribution_window_days: 30,
            attribution_order: AttributionOrder::CodeFirst,
            customer_binding: CustomerBinding::Forever,
            customer_binding_months: None,
            auto_approve_commissions: true,
            commission_note: None,
        },
        terms: "Say that you are paid. Do not bid on our name. Commissions are held for 14 days.",
        rules: vec![
            (ConversionEvent::Sale, Earning::PercentOfSale(12 * PERCENT)),
            (
                ConversionEvent::Signup,
                Earning::Fixed {
                    amount: Decimal::ONE,
                    currency: "EUR".to_owned(),
                },
            ),
        ],
        levels: vec![
            (1, Earning::PercentOfSale(2 * PERCENT)),
            (2, Earning::PercentOfCommission(5 * PERCENT)),
        ],
        content: Content {
            title: "Aurora Coffee: 12 % for every bag".to_owned(),
            pitch: "Freshly roasted coffee by post. 12 % of every order, 2 % of what the creators you bring in sell."
                .to_owned(),
            category: "food-drink".to_owned(),
            countries: Vec::new(),
            payout_methods: [PayoutMethod::BankTransfer, PayoutMethod::Paypal].into_iter().collect(),
        },
    }
}

/// An invitation would be mailed to an address that nobody reads: the one row of the demo that is written by hand.
async fn add_finance(app: &App, brand: BrandId, finance: &Actor) -> Result<(), Fault> {
    use entity::brand_member::{ActiveModel, BrandRole, Entity};

    let now = app.clock.now();
    let tx = app.db.begin().await?;
    Entity::insert(ActiveModel {
        id: Set(app.ids.new_id(now)),
        brand_id: Set(brand),
        user_id: Set(finance.user().map_err(denied)?),
        role: Set(BrandRole::Finance),
        created_at: Set(now),
    })
    .exec_without_returning(&tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// A few orders of the last three weeks, the older ones out of hold, and a refund.
async fn trade(app: &App, owner: &Actor, brand: BrandId) -> Result<(), Fault> {
    let orders = [
        ("demo-1001", "anna", 21, Decimal::new(4_990, 2), Some("LEO10")),
        (REFUNDED, "ben", 18, Decimal::new(12_000, 2), Some("MAYA10")),
        ("demo-1003", "anna", 6, Decimal::new(2_450, 2), None),
        ("demo-1004", "chloe", 3, Decimal::new(8_900, 2), Some("LEO10")),
        ("demo-1005", "dan", 1, Decimal::new(3_300, 2), None),
    ];
    for (order, customer, days_ago, amount, code) in orders {
        let sold = Sold {
            order,
            customer,
            days_ago,
            amount,
            currency: "EUR",
            code,
        };
        sell(app, owner, brand, sold).await?;
    }
    if is_refunded(app).await? {
        return Ok(());
    }
    let refund = RecordRefund {
        brand,
        order_id: REFUNDED.to_owned(),
        amount: Some((Decimal::new(4_000, 2), "EUR".to_owned())),
        lines: Vec::new(),
        reason: Some("one of three bags came back".to_owned()),
        occurred_at: None,
        idempotency_key: Key::parse("demo-refund-1002").map_err(denied)?,
    };
    refund::record_refund(app, owner, refund).await.map_err(fault)?;
    Ok(())
}

/// An order of the demo.
struct Sold<'a> {
    order: &'a str,
    customer: &'a str,
    days_ago: i64,
    amount: Decimal,
    currency: &'a str,
    code: Option<&'a str>,
}

/// Records an order that is not there yet.
async fn sell(app: &App, owner: &Actor, brand: BrandId, sold: Sold<'_>) -> Result<(), Fault> {
    if is_recorded(app, brand, sold.order).await? {
        return Ok(());
    }
    let command = RecordEvent {
        brand,
        event: ConversionEvent::Sale,
        program: None,
        customer_id: Some(sold.customer.to_owned()),
        order_id: Some(sold.order.to_owned()),
        amount: Some((sold.amount, sold.currency.to_owned())),
        lines: Vec::new(),
        capture: CaptureState::Captured,
        promo_codes: sold.code.map(str::to_owned).into_iter().collect(),
        click_id: None,
        occurred_at: Some(app.clock.now() - TimeDelta::days(sold.days_ago)),
        idempotency_key: Key::parse(sold.order).map_err(denied)?,
    };
    record::record_conversion(app, owner, command).await.map_err(fault)?;
    Ok(())
}

async fn is_recorded(app: &App, brand: BrandId, order: &str) -> Result<bool, Fault> {
    use entity::order::{Column, Entity};

    let found = Entity::find()
        .filter(Column::BrandId.eq(brand))
        .filter(Column::ExternalId.eq(order))
        .one(app.db.read())
        .await?;
    Ok(found.is_some())
}

/// What a person at the terminal needs to look around.
#[must_use]
pub fn sign_ins(base: &str) -> String {
    format!(
        "\nThe demo marketplace is in place. Sign in (password for all: {PASSWORD}):\n\
         \x20 {OWNER}    owner of the brand Aurora Coffee\n\
         \x20 {FINANCE}  finance of the same brand\n\
         \x20 {MAYA}          creator, recruited Leo\n\
         \x20 {LEO}           creator\n\n\
         A first question:\n\
         \x20 curl -s {base}/graphql -H 'content-type: application/json' \\\n\
         \x20   -d '{{\"query\":\"{{ marketplaceListings(first: 5) {{ nodes {{ title category brand {{ name }} }} }} }}\"}}'\n"
    )
}
