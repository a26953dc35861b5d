//! Use cases of links and codes, and the look-up of touches for an event.

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped, click,
    conversion_touch::{TouchKind, TouchRejection},
    customer_binding,
    ids::{BrandId, ClickId, CustomerId, PartnershipId, ProgramId},
    partnership::{self, PartnershipState},
    program::{self, ProgramState},
    promo_code, tracking_link,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
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
        rules::{self, Candidate},
    },
};

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

/// What an event says about how it came about.
pub struct Evidence<'a> {
    pub click_id: Option<&'a str>,
    pub promo_codes: &'a [String],
    pub customer: Option<CustomerId>,
    pub occurred_at: DateTime<Utc>,
}

/// A candidate and the program and code behind it.
#[derive(Clone, Debug)]
pub struct Found {
    pub candidate: Candidate,
    pub program: Option<ProgramId>,
    pub code: Option<promo_code::Model>,
}

/// Looks up every touch of an event, in the order click, codes, binding. Codes are locked until the transaction ends, so
/// that a usage limit holds under concurrency.
pub async fn find_touches_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    evidence: &Evidence<'_>,
) -> std::result::Result<Vec<Found>, DbErr> {
    let mut found = Vec::new();
    if let Some(text) = evidence.click_id {
        found.push(find_click(tx, app, brand, text).await?);
    }
    found.extend(find_codes_in_tx(tx, brand, evidence).await?);
    if let Some(customer) = evidence.customer {
        found.extend(find_bindings(tx, customer, evidence.occurred_at).await?);
    }
    reject_inactive(tx, &mut found).await?;
    Ok(found)
}

async fn find_click(
    connection: &impl ConnectionTrait,
    app: &App,
    brand: BrandId,
    text: &str,
) -> std::result::Result<Found, DbErr> {
    let shown = rules::storable(text).chars().take(click_id::MAX_LEN).collect();
    let mut candidate = Candidate {
        kind: TouchKind::Click,
        evidence: shown,
        partnership: None,
        touched_at: None,
        rejection: Some(TouchRejection::ClickForged),
    };
    let Some(token) = app.keys.click_ids().find_map(|key| click_id::verify(key, text)) else {
        return Ok(Found {
            candidate,
            program: None,
            code: None,
        });
    };
    candidate.touched_at = Some(token.clicked_at);
    let link = tracking_link::Entity::find_by_id(token.link)
        .filter(tracking_link::Column::BrandId.eq(brand))
        .one(connection)
        .await?;
    candidate.rejection = link.is_none().then_some(TouchRejection::ClickUnknownLink);
    candidate.partnership = link.as_ref().map(|link| link.partnership_id);
    Ok(Found {
        candidate,
        program: link.map(|link| link.program_id),
        code: None,
    })
}

async fn find_codes_in_tx(
    tx: &DatabaseTransaction,
    brand: BrandId,
    evidence: &Evidence<'_>,
) -> std::result::Result<Vec<Found>, DbErr> {
    let keys: Vec<Option<String>> = evidence.promo_codes.iter().map(|code| rules::code_key(code)).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = promo_code::Entity::find()
        .filter(promo_code::Column::BrandId.eq(brand))
        .filter(promo_code::Column::CodeKey.is_in(keys.iter().flatten().map(String::as_str)))
        .order_by_asc(promo_code::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    let found = keys.iter().zip(evidence.promo_codes).map(|(key, text)| {
        let row = rows.iter().find(|row| Some(&row.code_key) == key.as_ref());
        let rejection = match row {
            None => Some(TouchRejection::CodeUnknown),
            Some(row)
                if row
                    .expires_at
                    .is_some_and(|expires_at| expires_at <= evidence.occurred_at) =>
            {
                Some(TouchRejection::CodeExpired)
            }
            Some(row) if row.usage_limit.is_some_and(|limit| row.used_count >= limit) => {
                Some(TouchRejection::CodeExhausted)
            }
            Some(_) => None,
        };
        Found {
            candidate: Candidate {
                kind: TouchKind::PromoCode,
                evidence: rules::storable(text),
                partnership: row.map(|row| row.partnership_id),
                touched_at: None,
                rejection,
            },
            program: row.map(|row| row.program_id),
            code: row.cloned(),
        }
    });
    Ok(found.collect())
}

async fn find_bindings(
    connection: &impl ConnectionTrait,
    customer: CustomerId,
    occurred_at: DateTime<Utc>,
) -> std::result::Result<Vec<Found>, DbErr> {
    let rows = customer_binding::Entity::find()
        .filter(customer_binding::Column::CustomerId.eq(customer))
        .order_by_asc(customer_binding::Column::Id)
        .all(connection)
        .await?;
    let found = rows.into_iter().map(|row| {
        let expired = row.expires_at.is_some_and(|expires_at| expires_at <= occurred_at);
        Found {
            candidate: Candidate {
                kind: TouchKind::CustomerBinding,
                evidence: row.id.to_string(),
                partnership: Some(row.partnership_id),
                touched_at: Some(row.bound_at),
                rejection: expired.then_some(TouchRejection::BindingExpired),
            },
            program: Some(row.program_id),
            code: None,
        }
    });
    Ok(found.collect())
}

/// Partnerships and programs that are not active cannot win: two statements, whatever the number of touches.
async fn reject_inactive(connection: &impl ConnectionTrait, found: &mut [Found]) -> std::result::Result<(), DbErr> {
    let partnerships: Vec<PartnershipId> = found.iter().filter_map(|touch| touch.candidate.partnership).collect();
    if partnerships.is_empty() {
        return Ok(());
    }
    let active: Vec<PartnershipId> = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::Id)
        .filter(partnership::Column::Id.is_in(partnerships))
        .filter(partnership::Column::State.eq(PartnershipState::Active))
        .into_tuple()
        .all(connection)
        .await?;
    let programs: Vec<ProgramId> = program::Entity::find()
        .select_only()
        .column(program::Column::Id)
        .filter(program::Column::Id.is_in(found.iter().filter_map(|touch| touch.program)))
        .filter(program::Column::State.eq(ProgramState::Active))
        .into_tuple()
        .all(connection)
        .await?;
    for touch in found.iter_mut().filter(|touch| touch.candidate.rejection.is_none()) {
        if touch.program.is_some_and(|program| !programs.contains(&program)) {
            touch.candidate.rejection = Some(TouchRejection::ProgramNotActive);
        } else if touch
            .candidate
            .partnership
            .is_some_and(|partnership| !active.contains(&partnership))
        {
            touch.candidate.rejection = Some(TouchRejection::PartnershipNotActive);
        }
    }
    Ok(())
}

/// Counts one use of a code that won; its row was locked when it was looked up.
pub async fn use_code_in_tx(tx: &DatabaseTransaction, code: &promo_code::Model) -> std::result::Result<(), DbErr> {
    promo_code::Entity::update_many()
        .col_expr(
            promo_code::Column::UsedCount,
            Expr::col(promo_code::Column::UsedCount).add(1),
        )
        .filter(promo_code::Column::Id.eq(code.id))
        .exec(tx)
        .await
        .map(drop)
}

/// Binds a customer to the first credited partnership of a program. While that binding lasts, a later one changes
/// nothing.
pub async fn bind_customer_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    customer: CustomerId,
    partnership: &partnership::Model,
    bound_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> std::result::Result<(), DbErr> {
    customer_binding::Entity::insert(customer_binding::ActiveModel {
        id: Set(app.ids.new_id(app.clock.now())),
        brand_id: Set(partnership.brand_id),
        customer_id: Set(customer),
        program_id: Set(partnership.program_id),
        partnership_id: Set(partnership.id),
        bound_at: Set(bound_at),
        expires_at: Set(expires_at),
    })
    .on_conflict(
        OnConflict::columns([
            customer_binding::Column::CustomerId,
            customer_binding::Column::ProgramId,
        ])
        .update_columns([
            customer_binding::Column::PartnershipId,
            customer_binding::Column::BoundAt,
            customer_binding::Column::ExpiresAt,
        ])
        .action_and_where(Expr::col((customer_binding::Entity, customer_binding::Column::ExpiresAt)).lte(bound_at))
        .to_owned(),
    )
    .exec_without_returning(tx)
    .await
    .map(drop)
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
