//! Use cases of listings.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    TenantScoped, brand,
    ids::{ListingId, ProgramId},
    listing::{self, ListingState, PayoutMethods},
    program::{self, ProgramState},
};
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LockType, OnConflict},
};
use serde_json::json;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    infra::search,
    marketplace::{
        error::ListingErrorCode as Code,
        quality::{self, Facts},
        rules,
    },
    outbox::{self, Fact, Topic},
    programs::service as programs,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// As many as there are countries, nearly.
const MAX_COUNTRIES: usize = 250;

/// What a listing says.
pub struct Content {
    pub title: String,
    pub pitch: String,
    pub category: String,
    pub countries: Vec<String>,
    pub payout_methods: PayoutMethods,
}

/// What to change; what is absent stays.
#[derive(Default)]
pub struct Patch {
    pub title: Option<String>,
    pub pitch: Option<String>,
    pub category: Option<String>,
    pub countries: Option<Vec<String>>,
    pub payout_methods: Option<PayoutMethods>,
}

/// Published, of a program that runs: what everyone may see.
#[must_use]
pub fn open_to_all() -> Condition {
    // By the program of each row: SQLite would write all running programs down first for an `IN`.
    let running = program::Entity::find()
        .select_only()
        .column(program::Column::Id)
        .filter(Expr::col(program::Column::Id.as_column_ref()).equals(listing::Column::ProgramId.as_column_ref()))
        .filter(program::Column::State.eq(ProgramState::Active))
        .into_query();
    Condition::all()
        .add(listing::Column::State.eq(ListingState::Published))
        .add(Expr::exists(running))
}

/// What is open is for everyone, all of a brand's listings are for its people.
#[must_use]
pub fn visible_to(actor: &Actor) -> Condition {
    if actor.reach().everything {
        return Condition::all();
    }
    let own = actor
        .brands
        .iter()
        .map(|(brand, _)| *brand)
        .filter(|brand| actor.authorise(Operation::SeePrograms, Place::brand(*brand)).is_ok());
    Condition::any()
        .add(open_to_all())
        .add(listing::Column::BrandId.is_in(own))
}

pub async fn create_listing(app: &App, actor: &Actor, program: ProgramId, content: Content) -> Result<listing::Model> {
    let tx = app.db.begin().await?;
    let program = program::Entity::find_within(&actor.reach())
        .filter(program::Column::Id.eq(program))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("program"))?;
    actor.authorise(Operation::CreateListing, Place::brand(program.brand_id))?;
    if program.state == ProgramState::Archived {
        return Err(Failure::refused_field(
            Code::ProgramArchived,
            "programId",
            "this program is ARCHIVED: it takes no new listing",
        ));
    }
    let content = check_content(content, "")?;
    let now = app.clock.now();
    let mut row = listing::Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        state: ListingState::Draft,
        title: content.title,
        pitch: content.pitch,
        category: content.category,
        countries: rules::joined(content.countries),
        payout_methods: content.payout_methods.to_text(),
        featured_until: None,
        search_text: String::new(),
        created_at: now,
        published_at: None,
    };
    row.search_text = search_text_in_tx(&tx, &row).await?;
    let inserted = listing::Entity::insert(listing::ActiveModel::from(row.clone()))
        // One listing a program that is not over: a partial unique index.
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(
            Code::ListingExists,
            "programId",
            "this program has a listing; change that one",
        ));
    }
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(row.brand_id, "listing.created", row.id),
    )
    .await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update_listing(app: &App, actor: &Actor, id: ListingId, patch: Patch) -> Result<listing::Model> {
    let tx = app.db.begin().await?;
    let row = lock_own_in_tx(&tx, actor, Operation::UpdateListing, id).await?;
    if row.state == ListingState::Archived {
        return Err(Failure::refused(
            Code::ListingArchived,
            "this listing is ARCHIVED: it stays as it is",
        ));
    }
    let content = Content {
        title: patch.title.unwrap_or_else(|| row.title.clone()),
        pitch: patch.pitch.unwrap_or_else(|| row.pitch.clone()),
        category: patch.category.unwrap_or_else(|| row.category.clone()),
        countries: patch.countries.unwrap_or_else(|| split(&row.countries)),
        payout_methods: patch
            .payout_methods
            .unwrap_or_else(|| PayoutMethods::from_text(&row.payout_methods)),
    };
    let content = check_content(content, "patch.")?;
    let row = listing::Model {
        title: content.title,
        pitch: content.pitch,
        category: content.category,
        countries: rules::joined(content.countries),
        payout_methods: content.payout_methods.to_text(),
        ..row
    };
    let change = Change::of_fact(row.brand_id, "listing.updated", id);
    store(app, actor, tx, row, change).await
}

/// Puts a draft or paused listing into the marketplace.
pub async fn publish_listing(app: &App, actor: &Actor, id: ListingId, reason: Option<&str>) -> Result<listing::Model> {
    let transition = Transition {
        operation: Operation::PublishListing,
        action: "listing.published",
        to: ListingState::Published,
        reason,
    };
    change_state(app, actor, id, transition).await
}

/// Takes a published listing out of the marketplace for the time being.
pub async fn pause_listing(app: &App, actor: &Actor, id: ListingId, reason: Option<&str>) -> Result<listing::Model> {
    let transition = Transition {
        operation: Operation::PauseListing,
        action: "listing.paused",
        to: ListingState::Paused,
        reason,
    };
    change_state(app, actor, id, transition).await
}

/// Ends a draft or paused listing for good; its program may have another one.
pub async fn archive_listing(app: &App, actor: &Actor, id: ListingId, reason: Option<&str>) -> Result<listing::Model> {
    let transition = Transition {
        operation: Operation::ArchiveListing,
        action: "listing.archived",
        to: ListingState::Archived,
        reason,
    };
    change_state(app, actor, id, transition).await
}

struct Transition<'a> {
    operation: Operation,
    action: &'static str,
    to: ListingState,
    reason: Option<&'a str>,
}

/// The only place where a listing's state changes.
async fn change_state(app: &App, actor: &Actor, id: ListingId, transition: Transition<'_>) -> Result<listing::Model> {
    let reason = transition.reason.map(check_reason).transpose()?;
    let tx = app.db.begin().await?;
    let row = lock_own_in_tx(&tx, actor, transition.operation, id).await?;
    let (from, to) = (row.state, transition.to);
    if !rules::may_go(from, to) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            audit::impossible("a listing", &from, &to),
        ));
    }
    let mut row = listing::Model { state: to, ..row };
    if to == ListingState::Published {
        refuse_unready_in_tx(&tx, app, &row).await?;
        // The first time counts: pausing and publishing again does not make a listing new.
        row.published_at = row.published_at.or(Some(app.clock.now()));
    }
    let change = Change::of_state(row.brand_id, transition.action, id, &from, &to, reason);
    store(app, actor, tx, row, change).await
}

/// What is published has a running program, and says what there is to earn.
async fn refuse_unready_in_tx(tx: &DatabaseTransaction, app: &App, row: &listing::Model) -> Result<()> {
    let program = programs::get_program_in_tx(tx, row.program_id)
        .await?
        .ok_or_else(|| ApiError::not_found("program"))?;
    let has_rule = programs::has_active_rule_in_tx(tx, program.id, app.clock.now()).await?;
    let facts = facts_of(row, &program, has_rule);
    match quality::gaps(&facts).find_map(|gap| Some((gap.refusal()?, gap.message()))) {
        Some((code, message)) => Err(Failure::refused(code, message)),
        None => Ok(()),
    }
}

/// What is looked at before a listing is published.
#[must_use]
pub fn facts_of<'a>(row: &'a listing::Model, program: &'a program::Model, has_rule: bool) -> Facts<'a> {
    Facts {
        program_active: program.state == ProgramState::Active,
        has_rule,
        has_note: program.commission_note.is_some(),
        title: &row.title,
        pitch: &row.pitch,
        payout_methods: PayoutMethods::from_text(&row.payout_methods),
        description: &program.description,
    }
}

/// Longest time ahead that a listing is shown first.
const MAX_FEATURED: TimeDelta = TimeDelta::days(366);

/// Shows a published listing first until a day, or no longer.
pub async fn feature_listing(
    app: &App,
    actor: &Actor,
    id: ListingId,
    until: Option<DateTime<Utc>>,
    reason: Option<&str>,
) -> Result<listing::Model> {
    let reason = reason.map(check_reason).transpose()?;
    let now = app.clock.now();
    if until.is_some_and(|until| until <= now || until - now > MAX_FEATURED) {
        return Err(Failure::refused_field(
            Code::FeaturedUntilInvalid,
            "until",
            "a listing is shown first from now until at most 366 days ahead",
        ));
    }
    let tx = app.db.begin().await?;
    let row = lock_own_in_tx(&tx, actor, Operation::FeatureListing, id).await?;
    if until.is_some() && row.state != ListingState::Published {
        return Err(Failure::refused(
            Code::ListingNotPublished,
            "only a published listing can be shown first",
        ));
    }
    let row = listing::Model {
        featured_until: until,
        ..row
    };
    let action = if until.is_some() {
        "listing.featured"
    } else {
        "listing.unfeatured"
    };
    let change = Change {
        reason,
        ..Change::of_fact(row.brand_id, action, id)
    };
    store(app, actor, tx, row, change).await
}

fn check_reason(reason: &str) -> Result<&str> {
    audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))
}

/// The codes of a stored list.
#[must_use]
pub fn split(stored: &str) -> Vec<String> {
    stored
        .split(',')
        .filter(|code| !code.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn lock_own_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ListingId,
) -> Result<listing::Model> {
    let row = listing::Entity::find_within(&actor.reach())
        .filter(listing::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("listing"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// Stores a changed listing, with what search reads of it, and announces the change.
async fn store(
    app: &App,
    actor: &Actor,
    tx: DatabaseTransaction,
    row: listing::Model,
    change: Change<'_>,
) -> Result<listing::Model> {
    let row = listing::Model {
        search_text: search_text_in_tx(&tx, &row).await?,
        ..row
    };
    listing::Entity::update(listing::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(&tx, app, actor, change).await?;
    outbox::enqueue_in_tx(
        &tx,
        app,
        Fact {
            topic: Topic::ListingChanged,
            brand: Some(row.brand_id),
            partner: None,
            subject: row.id.0,
            payload: json!({ "state": row.state.to_value() }),
        },
    )
    .await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Title first: a listing whose title begins with the words is the better match.
async fn search_text_in_tx(tx: &DatabaseTransaction, row: &listing::Model) -> std::result::Result<String, DbErr> {
    let brand = brand::Entity::find_by_id(row.brand_id).one(tx).await?;
    let brand_name = brand.map(|brand| brand.name).unwrap_or_default();
    Ok(search::fold(&format!(
        "{} {} {} {brand_name}",
        row.title, row.category, row.pitch
    )))
}

fn check_content(content: Content, path: &str) -> Result<Content> {
    let refuse = |code, field: &str, message: &str| Failure::refused_field(code, &format!("{path}{field}"), message);
    let title = rules::clean_title(&content.title).ok_or_else(|| {
        refuse(
            Code::TitleInvalid,
            "title",
            "a title has 1 to 120 characters on one line",
        )
    })?;
    let pitch = rules::clean_pitch(&content.pitch)
        .ok_or_else(|| refuse(Code::PitchInvalid, "pitch", "a pitch has 1 to 2,000 characters"))?;
    if !rules::is_category(&content.category) {
        return Err(refuse(
            Code::CategoryInvalid,
            "category",
            "a category has 2 to 40 lower-case letters, digits or hyphens",
        ));
    }
    if content.countries.len() > MAX_COUNTRIES {
        return Err(refuse(
            Code::TooManyCountries,
            "countries",
            "a listing names at most 250 countries",
        ));
    }
    Ok(Content {
        title,
        pitch,
        ..content
    })
}
