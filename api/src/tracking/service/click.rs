//! Visits: through the redirect, or told by a tag on the brand's page. Neither waits for its row.

use std::sync::Arc;

use entity::{
    api_key::ApiKeyMode,
    click,
    ids::{BrandId, ClickId, PartnershipId},
    partnership, tracking_link,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use url::Url;

use super::{CreateLink, create_tracking_link};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    partnerships::rules::read_referral_code,
    tracking::{
        click_id::{self, ClickToken},
        links::LinkName,
        rules,
    },
};

/// The query parameter a click id travels in.
pub const CLICK_PARAMETER: &str = "tcid";
/// Longest part of a header that a click row keeps, in characters.
const MAX_HEADER_CHARS: usize = 500;
/// Longest address of a page, in characters.
const MAX_URL_CHARS: usize = 2_000;

/// What a visitor's browser says; kept with the click.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    pub page_url: Option<String>,
    pub referer: Option<String>,
    pub user_agent: Option<String>,
}

/// Where a visitor goes, with the click id on the address.
pub struct Redirect {
    pub location: String,
}

/// Follows a link.
pub async fn follow_link(app: &App, slug: &str, visit: Visit) -> Result<Redirect, ApiError> {
    let link = find_link(app, LinkName::Slug(slug.to_owned()))
        .await?
        .ok_or_else(|| ApiError::not_found("link"))?;
    let (click, text) = sign_click(app, &link)?;
    let mut location: Url = link.destination_url.parse().map_err(ApiError::internal)?;
    location.query_pairs_mut().append_pair(CLICK_PARAMETER, &text);
    keep(app, &link, click, visit);
    Ok(Redirect {
        location: location.into(),
    })
}

/// Whose visit a tag tells of.
#[derive(Clone, Debug)]
pub enum Through {
    Slug(String),
    Referral(String),
}

/// A visit as a tag tells it.
#[derive(Clone, Debug)]
pub struct TrackClick {
    pub brand: BrandId,
    pub through: Through,
    pub visit: Visit,
}

/// Makes a click id for a visit that did not come through the redirect. A test key gets one as well, but its visit is not
/// kept.
pub async fn track_click(app: &App, actor: &Actor, command: TrackClick) -> Result<String, ApiError> {
    actor.authorise(Operation::TrackClick, Place::brand(command.brand))?;
    check_page(command.visit.page_url.as_deref())?;
    let (name, what) = match command.through {
        Through::Slug(slug) => (LinkName::Slug(slug), "link"),
        Through::Referral(code) => {
            let code = read_referral_code(&code)
                .ok_or_else(|| ApiError::bad_field("via", "not the form of a referral code"))?;
            (LinkName::Referral(code), "partner with this referral code")
        }
    };
    let link = find_link(app, name)
        .await?
        .filter(|link| link.brand_id == command.brand)
        .ok_or_else(|| ApiError::NotFound(format!("the brand has no such {what}")))?;
    let (click, text) = sign_click(app, &link)?;
    if actor.mode == ApiKeyMode::Live {
        keep(app, &link, click, command.visit);
    }
    Ok(text)
}

fn check_page(page: Option<&str>) -> Result<(), ApiError> {
    let Some(page) = page else { return Ok(()) };
    let is_page = |url: Url| matches!(url.scheme(), "http" | "https");
    if page.chars().count() <= MAX_URL_CHARS && page.parse().is_ok_and(is_page) {
        return Ok(());
    }
    Err(ApiError::bad_field(
        "url",
        format!("the page is an http or https address of at most {MAX_URL_CHARS} characters"),
    ))
}

/// A link by its name, from memory when it was asked for a moment ago.
async fn find_link(app: &App, name: LinkName) -> Result<Option<Arc<tracking_link::Model>>, ApiError> {
    let now = app.clock.now();
    if let Some(known) = app.links.look_up(&name, now) {
        return Ok(known);
    }
    let link = match &name {
        LinkName::Slug(slug) if !rules::is_slug(slug) => return Ok(None),
        LinkName::Slug(slug) => read_link(app, slug).await.map_err(ApiError::internal)?,
        LinkName::Referral(code) => link_of_referral(app, code).await?,
    };
    let link = link.map(Arc::new);
    app.links.remember(name, link.clone(), now);
    Ok(link)
}

async fn read_link(app: &App, slug: &str) -> Result<Option<tracking_link::Model>, DbErr> {
    tracking_link::Entity::find()
        .filter(tracking_link::Column::Slug.eq(slug))
        .one(app.db.read())
        .await
}

/// The first link of the partnership with a referral code; a partnership that has none is given one.
async fn link_of_referral(app: &App, code: &str) -> Result<Option<tracking_link::Model>, ApiError> {
    let found = partnership::Entity::find()
        .filter(partnership::Column::ReferralCode.eq(code))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    let Some(partnership) = found else { return Ok(None) };
    let first = tracking_link::Entity::find()
        .filter(tracking_link::Column::PartnershipId.eq(partnership.id))
        .order_by_asc(tracking_link::Column::Id)
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    match first {
        Some(link) => Ok(Some(link)),
        None => make_link(app, partnership.id).await,
    }
}

async fn make_link(app: &App, partnership: PartnershipId) -> Result<Option<tracking_link::Model>, ApiError> {
    let command = CreateLink {
        partnership,
        destination_url: None,
        slug: None,
        name: None,
    };
    match create_tracking_link(app, &Actor::system(), command).await {
        Ok(link) => Ok(Some(link)),
        // Whoever may not promote has no link.
        Err(Failure::Refused(_)) => Ok(None),
        Err(Failure::Api(error)) => Err(error),
    }
}

fn sign_click(app: &App, link: &tracking_link::Model) -> Result<(ClickToken, String), ApiError> {
    let now = app.clock.now();
    let click: ClickId = app.ids.new_id(now);
    let token = ClickToken {
        link: link.id,
        click,
        clicked_at: now,
    };
    let text = click_id::sign(&app.keys.click_id, &token).ok_or_else(|| ApiError::internal("no key for click ids"))?;
    Ok((token, text))
}

/// Leaves a visit to be written later, in a batch.
fn keep(app: &App, link: &tracking_link::Model, token: ClickToken, visit: Visit) {
    let header = |value: Option<String>| value.map(|value| storable(&value, MAX_HEADER_CHARS));
    app.clicks.push(click::Model {
        id: token.click,
        link_id: link.id,
        partnership_id: link.partnership_id,
        program_id: link.program_id,
        brand_id: link.brand_id,
        partner_id: link.partner_id,
        occurred_at: token.clicked_at,
        referer: header(visit.referer),
        user_agent: header(visit.user_agent),
        page_url: visit.page_url.map(|url| storable(&url, MAX_URL_CHARS)),
    });
}

fn storable(text: &str, max_chars: usize) -> String {
    rules::storable(text).chars().take(max_chars).collect()
}
