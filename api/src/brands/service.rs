//! Use cases of brands.

mod api_keys;
mod audit_log;

use entity::{
    TenantScoped, brand,
    brand_member::{self, BrandRole},
    ids::{BrandId, UserId},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use crate::{
    accounts::{
        actor::{Actor, Identity, Place},
        permissions::Operation,
        rules,
    },
    app::App,
    audit::{self, Change},
    brands::error::BrandErrorCode as Code,
    error::{ApiError, Failure},
    money::{Currency, Money},
    page::{self, Page, Slice},
};

pub use self::{
    api_keys::{CreateApiKey, NewApiKey, create_api_key, list_api_keys, revoke_api_key, rotate_api_key},
    audit_log::{ActorKind, AuditFilter, list_audit_entries, may_see_audit_entry},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Reserve of a brand that says nothing: 10 %.
pub const DEFAULT_RESERVE_PPM: i64 = 100_000;
/// How long a reserve is kept unless the brand says otherwise.
pub const DEFAULT_RESERVE_DAYS: i32 = 30;
pub const MAX_RESERVE_PPM: i64 = 500_000;
pub const MAX_BRANDS_PER_USER: u64 = 10;

pub struct CreateBrand {
    pub slug: String,
    pub name: String,
    pub website_url: String,
    pub currency: String,
    pub reserve_ppm: Option<i64>,
    pub payout_minimum: Option<rust_decimal::Decimal>,
}

/// Makes a brand owned by the caller.
pub async fn create_brand(app: &App, actor: &Actor, command: CreateBrand) -> Result<brand::Model> {
    actor.authorise(Operation::CreateBrand, Place::default())?;
    let owner = actor.user()?;
    let owned = actor.brands.iter().filter(|(_, role)| *role == BrandRole::Owner);
    if owned.count() as u64 >= MAX_BRANDS_PER_USER {
        return Err(Failure::refused(
            Code::TooManyBrands,
            "a user may own at most 10 brands",
        ));
    }
    insert_brand(app, actor, owner, command).await
}

/// Makes a brand for somebody else, as many as it takes: the program itself only, which imports more brands than any user
/// may own.
pub async fn create_brand_for(app: &App, actor: &Actor, owner: UserId, command: CreateBrand) -> Result<brand::Model> {
    if actor.identity != Identity::System {
        return Err(ApiError::Forbidden("only the program itself makes brands for others".to_owned()).into());
    }
    insert_brand(app, actor, owner, command).await
}

async fn insert_brand(app: &App, actor: &Actor, owner: UserId, command: CreateBrand) -> Result<brand::Model> {
    let row = check_brand(app, command)?;
    let tx = app.db.begin().await?;
    let inserted = brand::Entity::insert(brand::ActiveModel::from(row.clone()))
        .on_conflict(OnConflict::column(brand::Column::Slug).do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(
            Code::SlugTaken,
            "slug",
            "this slug belongs to another brand",
        ));
    }
    brand_member::Entity::insert(brand_member::ActiveModel {
        id: Set(app.ids.new_id(row.created_at)),
        brand_id: Set(row.id),
        user_id: Set(owner),
        role: Set(BrandRole::Owner),
        created_at: Set(row.created_at),
    })
    .exec_without_returning(&tx)
    .await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(row.id, "brand.created", row.id)).await?;
    tx.commit().await?;
    Ok(row)
}

fn check_brand(app: &App, command: CreateBrand) -> Result<brand::Model> {
    if !rules::is_handle(&command.slug) {
        return Err(Failure::refused_field(
            Code::SlugInvalid,
            "slug",
            "a slug has 3 to 30 lower-case letters, digits or hyphens and begins with a letter",
        ));
    }
    let name = rules::clean_name(&command.name)
        .ok_or_else(|| Failure::refused_field(Code::NameInvalid, "name", "a name has 1 to 100 characters"))?;
    let currency: Currency = command
        .currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "currency", error))?;
    let reserve_ppm = command.reserve_ppm.unwrap_or(DEFAULT_RESERVE_PPM);
    if !(0..=MAX_RESERVE_PPM).contains(&reserve_ppm) {
        return Err(Failure::refused_field(
            Code::ReserveOutOfRange,
            "reservePercent",
            "the reserve is between 0 and 50 percent",
        ));
    }
    let payout_minimum_minor = match command.payout_minimum {
        None => 0,
        Some(amount) => {
            Money::from_decimal(amount, currency)
                .map_err(|error| Failure::refused_field(Code::PayoutMinimumInvalid, "payoutMinimum", error))?
                .amount_minor
        }
    };
    let now = app.clock.now();
    Ok(brand::Model {
        id: app.ids.new_id(now),
        slug: command.slug,
        name,
        website_url: command.website_url,
        currency: currency.code().to_owned(),
        reserve_ppm,
        reserve_days: DEFAULT_RESERVE_DAYS,
        payout_minimum_minor,
        created_at: now,
        payouts_need_two: false,
        payout_schedule: brand::PayoutSchedule::None,
        payout_day: 1,
        next_payouts_at: None,
    })
}

/// A brand's public face; anyone may see it.
pub async fn get_brand(app: &App, id: BrandId) -> std::result::Result<brand::Model, ApiError> {
    brand::Entity::find_by_id(id)
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or_else(|| ApiError::not_found("brand"))
}

pub async fn list_members(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    page: &Page,
) -> std::result::Result<Slice<brand_member::Model>, ApiError> {
    actor.authorise(Operation::SeeMembers, Place::brand(brand))?;
    let select = brand_member::Entity::find_within(&actor.reach()).filter(brand_member::Column::BrandId.eq(brand));
    page::fetch(
        app.db.read(),
        select,
        brand_member::Column::Id,
        |row: &brand_member::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
