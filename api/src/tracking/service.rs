//! Use cases of links and codes; `touches.rs` looks up what events speak of.

mod touches;

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped, click,
    ids::{ClickId, PartnershipId},
    partnership::{self, PartnershipState},
    program, promo_code, tracking_link,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, sea_query::OnConflict};
use url::Url;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules::clean_name,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    page::{self, Page, Slice},
    tracking::{
        click_id::{self, ClickToken},
        error::TrackingErrorCode as Code,
        rules,
    },
};

pub use self::touches::{Evidence, Found, Touchpoints};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// The query parameter a click id travels in.
pub const CLICK_PARAMETER: &str = "tcid";

const MAX_LINKS_PER_PARTNERSHIP: u64 = 1_000;
const MAX_CODES_PER_PARTNERSHIP: u64 = 200;
const MAX_USAGE_LIMIT: i64 = 1_000_000_000;
const GENERATED_SLUG_LEN: usize = 8;
/// Letters and digits that are not mistaken for each other.
const SLUG_ALPHABET: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Longest part of a header that a click row keeps, in characters.
const MAX_HEADER_CHARS: usize = 500;

/// A partnership within reach that may promote now.
async fn get_promoter_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PartnershipId,
) -> Result<partnership::Model> {
    let found = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    actor.authorise(operation, Place::shared(found.brand_id, found.partner_id))?;
    if found.state != PartnershipState::Active {
        return Err(Failure::refused_field(
            Code::PartnershipNotActive,
            "partnershipId",
            "only an active partnership can promote",
        ));
    }
    Ok(found)
}

pub struct CreateLink {
    pub partnership: PartnershipId,
    pub destination_url: Option<String>,
    pub slug: Option<String>,
    pub name: Option<String>,
}

pub async fn create_tracking_link(app: &App, actor: &Actor, command: CreateLink) -> Result<tracking_link::Model> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let partnership = get_promoter_in_tx(&tx, actor, Operation::CreateTrackingLink, command.partnership).await?;
    let program = program::Entity::find_by_id(partnership.program_id)
        .one(&tx)
        .await?
        .ok_or_else(|| Fault::new("a partnership without its program"))?;
    let destination_url = check_destination(command.destination_url, &program)?;
    let name = command
        .name
        .map(|name| {
            clean_name(&name)
                .ok_or_else(|| Failure::refused_field(Code::NameInvalid, "name", "a name has 1 to 100 characters"))
        })
        .transpose()?;
    let slug = match command.slug {
        Some(slug) if rules::is_slug(&slug) => slug,
        Some(_) => {
            return Err(Failure::refused_field(
                Code::SlugInvalid,
                "slug",
                "a slug has 4 to 40 letters, digits or hyphens",
            ));
        }
        None => generate_slug(app),
    };
    let existing = tracking_link::Entity::find()
        .filter(tracking_link::Column::PartnershipId.eq(partnership.id))
        .count(&tx)
        .await?;
    if existing >= MAX_LINKS_PER_PARTNERSHIP {
        return Err(Failure::refused(
            Code::TooMany,
            "a partnership may have at most 1,000 links",
        ));
    }
    let row = tracking_link::Model {
        id: app.ids.new_id(now),
        partnership_id: partnership.id,
        program_id: partnership.program_id,
        brand_id: partnership.brand_id,
        partner_id: partnership.partner_id,
        slug,
        destination_url,
        name,
        created_at: now,
    };
    let inserted = tracking_link::Entity::insert(tracking_link::ActiveModel::from(row.clone()))
        .on_conflict(OnConflict::column(tracking_link::Column::Slug).do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(Code::SlugTaken, "slug", "this slug is in use"));
    }
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(row.brand_id, "tracking_link.created", row.id),
    )
    .await?;
    tx.commit().await?;
    Ok(row)
}

fn check_destination(destination: Option<String>, program: &program::Model) -> Result<String> {
    let Some(destination) = destination else {
        return Ok(program.destination_url.clone());
    };
    let refuse = || {
        Failure::refused_field(
            Code::DestinationNotAllowed,
            "destinationUrl",
            format!(
                "links of this program lead to {} and its subdomains",
                program.destination_url
            ),
        )
    };
    let home: Url = program.destination_url.parse().map_err(Fault::new)?;
    let url: Url = destination.parse().map_err(|_| refuse())?;
    if rules::is_allowed_destination(&url, &home) {
        Ok(url.into())
    } else {
        Err(refuse())
    }
}

fn generate_slug(app: &App) -> String {
    let bytes = app.ids.secret::<GENERATED_SLUG_LEN>();
    bytes
        .iter()
        .map(|byte| char::from(SLUG_ALPHABET[usize::from(*byte) % SLUG_ALPHABET.len()]))
        .collect()
}

pub struct CreateCode {
    pub partnership: PartnershipId,
    pub code: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub usage_limit: Option<i64>,
}

pub async fn create_promo_code(app: &App, actor: &Actor, command: CreateCode) -> Result<promo_code::Model> {
    let now = app.clock.now();
    let code_key = rules::code_key(&command.code).ok_or_else(|| {
        Failure::refused_field(
            Code::CodeInvalid,
            "code",
            "a code has 3 to 40 letters, digits, hyphens or underscores",
        )
    })?;
    if command.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Failure::refused_field(
            Code::ExpiryInPast,
            "expiresAt",
            "the expiry lies in the past",
        ));
    }
    if command
        .usage_limit
        .is_some_and(|limit| !(1..=MAX_USAGE_LIMIT).contains(&limit))
    {
        return Err(Failure::refused_field(
            Code::UsageLimitInvalid,
            "usageLimit",
            "a usage limit is between 1 and a billion",
        ));
    }
    let tx = app.db.begin().await?;
    let partnership = get_promoter_in_tx(&tx, actor, Operation::CreatePromoCode, command.partnership).await?;
    let existing = promo_code::Entity::find()
        .filter(promo_code::Column::PartnershipId.eq(partnership.id))
        .count(&tx)
        .await?;
    if existing >= MAX_CODES_PER_PARTNERSHIP {
        return Err(Failure::refused(
            Code::TooMany,
            "a partnership may have at most 200 codes",
        ));
    }
    let row = promo_code::Model {
        id: app.ids.new_id(now),
        partnership_id: partnership.id,
        program_id: partnership.program_id,
        brand_id: partnership.brand_id,
        partner_id: partnership.partner_id,
        code: command.code.trim().to_owned(),
        code_key,
        expires_at: command.expires_at,
        usage_limit: command.usage_limit,
        used_count: 0,
        created_at: now,
    };
    let inserted = promo_code::Entity::insert(promo_code::ActiveModel::from(row.clone()))
        .on_conflict(
            OnConflict::columns([promo_code::Column::BrandId, promo_code::Column::CodeKey])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(
            Code::CodeTaken,
            "code",
            "the brand has this code already",
        ));
    }
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(row.brand_id, "promo_code.created", row.id),
    )
    .await?;
    tx.commit().await?;
    Ok(row)
}

/// Where a visitor goes, with the click id on the address.
pub struct Redirect {
    pub location: String,
}

/// Follows a link. The click row is written later, in a batch.
pub async fn follow_link(
    app: &App,
    slug: &str,
    referer: Option<&str>,
    user_agent: Option<&str>,
) -> std::result::Result<Redirect, ApiError> {
    let link = tracking_link::Entity::find()
        .filter(tracking_link::Column::Slug.eq(slug))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or_else(|| ApiError::not_found("link"))?;
    let now = app.clock.now();
    let click: ClickId = app.ids.new_id(now);
    let token = ClickToken {
        link: link.id,
        click,
        clicked_at: now,
    };
    let text = click_id::sign(&app.keys.click_id, &token).ok_or_else(|| ApiError::internal("no key for click ids"))?;
    let mut location: Url = link.destination_url.parse().map_err(ApiError::internal)?;
    location.query_pairs_mut().append_pair(CLICK_PARAMETER, &text);
    let keep = |header: Option<&str>| header.map(|value| value.chars().take(MAX_HEADER_CHARS).collect());
    app.clicks.push(click::Model {
        id: click,
        link_id: link.id,
        partnership_id: link.partnership_id,
        program_id: link.program_id,
        brand_id: link.brand_id,
        partner_id: link.partner_id,
        occurred_at: now,
        referer: keep(referer),
        user_agent: keep(user_agent),
    });
    Ok(Redirect {
        location: location.into(),
    })
}

pub async fn list_links(
    app: &App,
    actor: &Actor,
    partnership: PartnershipId,
    place: Place,
    page: &Page,
) -> std::result::Result<Slice<tracking_link::Model>, ApiError> {
    actor.authorise(Operation::SeeLinks, place)?;
    let select =
        tracking_link::Entity::find_within(&actor.reach()).filter(tracking_link::Column::PartnershipId.eq(partnership));
    page::fetch(
        app.db.read(),
        select,
        tracking_link::Column::Id,
        |row: &tracking_link::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

pub async fn list_codes(
    app: &App,
    actor: &Actor,
    partnership: PartnershipId,
    place: Place,
    page: &Page,
) -> std::result::Result<Slice<promo_code::Model>, ApiError> {
    actor.authorise(Operation::SeePromoCodes, place)?;
    let select =
        promo_code::Entity::find_within(&actor.reach()).filter(promo_code::Column::PartnershipId.eq(partnership));
    page::fetch(
        app.db.read(),
        select,
        promo_code::Column::Id,
        |row: &promo_code::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
