//! What is indexed of the rows: only what is open to everyone, as it is now. One builder for every engine, and for the search
//! that is left without one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    admission_policy::DecisionPolicy,
    brand,
    commission_rule::{self, ConversionEvent, RuleKind},
    ids::{BrandId, ListingId, PartnerGroupId, ProgramId},
    listing, partner_group,
    program::{self, CustomerBinding},
    program_trust,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LikeExpr},
};
use uuid::Uuid;

use crate::{
    infra::search::{
        Document, Filter, Index, Query,
        schema::{brands, listings},
    },
    marketplace::{
        creators,
        service::{open_to_all, split},
        trust::rules as trust,
    },
    programs::service::{for_everybody, list_admissions_in_tx},
};

/// Rows that are read at once.
pub const BATCH: usize = 500;
/// The newest rows that a search without an engine looks through.
const CANDIDATES: u64 = 1_000;

/// The documents of those among `ids` that everyone may see.
pub async fn load(
    db: &impl ConnectionTrait,
    index: Index,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Document>, DbErr> {
    let mut documents = Vec::with_capacity(ids.len());
    for ids in ids.chunks(BATCH) {
        documents.extend(match index {
            Index::Listings => load_listings(db, ids, now).await?,
            Index::Brands => load_brands(db, ids).await?,
            Index::Creators => creators::documents::load(db, ids).await?,
        });
    }
    Ok(documents)
}

/// The next ids of everything that everyone may see, in the order of the ids.
pub async fn ids_after(db: &impl ConnectionTrait, index: Index, after: Option<Uuid>) -> Result<Vec<Uuid>, DbErr> {
    let after = after.unwrap_or(Uuid::nil());
    let open = listing::Entity::find()
        .filter(open_to_all())
        .select_only()
        .limit(BATCH as u64);
    match index {
        Index::Listings => {
            open.column(listing::Column::Id)
                .filter(listing::Column::Id.gt(after))
                .order_by_asc(listing::Column::Id)
                .into_tuple()
                .all(db)
                .await
        }
        Index::Brands => {
            open.column(listing::Column::BrandId)
                .distinct()
                .filter(listing::Column::BrandId.gt(after))
                .order_by_asc(listing::Column::BrandId)
                .into_tuple()
                .all(db)
                .await
        }
        Index::Creators => creators::documents::ids_after(db, after, BATCH as u64).await,
    }
}

/// What a search without an engine looks through: the newest that contain the words to the letter.
pub async fn candidates(
    db: &impl ConnectionTrait,
    index: Index,
    query: &Query,
    now: DateTime<Utc>,
) -> Result<Vec<Document>, DbErr> {
    if index == Index::Creators {
        let ids = creators::documents::newest(db, CANDIDATES).await?;
        return load(db, index, &ids, now).await;
    }
    let mut select = listing::Entity::find().filter(open_to_all());
    if let Some(text) = &query.text {
        // What a brand is found by stands in the text of its listings, too.
        for word in text.words.iter().chain(text.phrases.iter().flatten()) {
            let pattern = LikeExpr::new(contains(word)).escape('\\');
            select = select.filter(Expr::col(listing::Column::SearchText).like(pattern));
        }
    }
    if index == Index::Listings
        && let Some(categories) = required_categories(&query.filter)
    {
        select = select.filter(listing::Column::Category.is_in(categories.iter().map(String::as_str)));
    }
    let column = if index == Index::Brands {
        listing::Column::BrandId
    } else {
        listing::Column::Id
    };
    let ids: Vec<Uuid> = select
        .select_only()
        .column(column)
        .order_by_desc(listing::Column::PublishedAt)
        .order_by_desc(listing::Column::Id)
        .limit(CANDIDATES)
        .into_tuple()
        .all(db)
        .await?;
    let ids: Vec<Uuid> = BTreeSet::from_iter(ids).into_iter().collect();
    load(db, index, &ids, now).await
}

/// The categories one of which every listing that passes has.
fn required_categories(filter: &Filter) -> Option<&Vec<String>> {
    match filter {
        Filter::In(field, categories) if *field == listings::CATEGORY => Some(categories),
        Filter::All(parts) => parts.iter().find_map(required_categories),
        _ => None,
    }
}

fn contains(word: &str) -> String {
    format!(
        "%{}%",
        word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
    )
}

async fn load_listings(db: &impl ConnectionTrait, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Document>, DbErr> {
    let rows = listing::Entity::find()
        .filter(listing::Column::Id.is_in(ids.iter().map(|id| ListingId(*id))))
        .filter(open_to_all())
        .all(db)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let programs: HashMap<ProgramId, program::Model> = program::Entity::find()
        .filter(program::Column::Id.is_in(rows.iter().map(|row| row.program_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|program| (program.id, program))
        .collect();
    let brands = find_brands(db, rows.iter().map(|row| row.brand_id)).await?;
    let mut rules: HashMap<ProgramId, Vec<commission_rule::Model>> = HashMap::new();
    for rule in commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.is_in(programs.keys().copied()))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .filter(for_everybody())
        .all(db)
        .await?
    {
        rules.entry(rule.program_id).or_default().push(rule);
    }
    let groups: HashMap<PartnerGroupId, bool> = partner_group::Entity::find()
        .filter(partner_group::Column::Id.is_in(programs.values().filter_map(|program| program.default_group_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|group| (group.id, group.auto_approve_applications))
        .collect();
    let listed: Vec<ProgramId> = programs.keys().copied().collect();
    let policies = list_admissions_in_tx(db, &listed).await?;
    let trust: HashMap<ProgramId, program_trust::Model> = program_trust::Entity::find()
        .filter(program_trust::Column::ProgramId.is_in(listed))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.program_id, row))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let program = programs.get(&row.program_id)?;
            let rules = rules.get(&row.program_id).map_or(&[][..], Vec::as_slice);
            let by_group = program.default_group_id.and_then(|group| groups.get(&group)).copied();
            let policy = policies.get(&row.program_id);
            let by_policy = policy.is_some_and(|policy| policy.decision == DecisionPolicy::ApproveAtOnce);
            let document = listing_document(
                &row,
                program,
                brands.get(&row.brand_id)?,
                &Offer::of(rules, now),
                by_policy || by_group.unwrap_or(false),
            );
            Some(match trust.get(&row.program_id) {
                Some(trust) => with_trust(document, trust),
                None => document,
            })
        })
        .collect())
}

async fn find_brands(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = BrandId>,
) -> Result<HashMap<BrandId, brand::Model>, DbErr> {
    let rows = brand::Entity::find()
        .filter(brand::Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|brand| (brand.id, brand)).collect())
}

/// What a program's rules come to for somebody who just came in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Offer {
    kinds: BTreeSet<String>,
    sale_ppm: Option<i64>,
    /// Of the first currency by name, so that amounts of two are never compared.
    fixed: Option<(String, i64)>,
}

impl Offer {
    fn of(rules: &[commission_rule::Model], now: DateTime<Utc>) -> Self {
        let mut offer = Self::default();
        let mut fixed: BTreeMap<&str, i64> = BTreeMap::new();
        let counts = |rule: &&commission_rule::Model| {
            rule.valid_from.is_none_or(|from| from <= now) && rule.valid_until.is_none_or(|until| now < until)
        };
        for rule in rules.iter().filter(counts) {
            let kind = if rule.kind == RuleKind::Percent {
                "PERCENT"
            } else {
                "FIXED"
            };
            offer.kinds.insert(format!("{}_{kind}", rule.event.to_value()));
            if let (ConversionEvent::Sale, Some(rate)) = (rule.event, rule.rate_ppm) {
                offer.sale_ppm = Ord::max(offer.sale_ppm, Some(rate));
            }
            if let (Some(currency), Some(amount)) = (&rule.currency, rule.amount_minor) {
                let most = fixed.entry(currency).or_default();
                *most = Ord::max(amount, *most);
            }
        }
        offer.fixed = fixed
            .into_iter()
            .next()
            .map(|(currency, amount)| (currency.to_owned(), amount));
        offer
    }
}

fn listing_document(
    row: &listing::Model,
    program: &program::Model,
    brand: &brand::Model,
    offer: &Offer,
    lets_in: bool,
) -> Document {
    let countries = split(&row.countries);
    let published = row.published_at.map(|at| at.timestamp_micros());
    Document::new(row.id.0)
        .text(listings::TITLE, row.title.clone())
        .text(listings::BRAND, brand.name.clone())
        .text(listings::PROGRAM, program.name.clone())
        .text(listings::CATEGORY_NAME, row.category.clone())
        .text(listings::PITCH, row.pitch.clone())
        .keywords(listings::CATEGORY, [row.category.clone()])
        .flag(listings::EVERYWHERE, countries.is_empty())
        .keywords(listings::COUNTRIES, countries)
        .keywords(listings::COMMISSIONS, offer.kinds.iter().cloned())
        .number(listings::SALE_PPM, offer.sale_ppm)
        .number(listings::FIXED_MINOR, offer.fixed.as_ref().map(|fixed| fixed.1))
        .keywords(
            listings::FIXED_CURRENCY,
            offer.fixed.as_ref().map(|fixed| fixed.0.clone()),
        )
        .keywords(listings::CURRENCIES, split(&program.currencies))
        .number(listings::WINDOW_DAYS, Some(program.attribution_window_days.into()))
        .number(listings::HOLD_DAYS, Some(program.hold_days.into()))
        .flag(listings::RECURRING, program.customer_binding != CustomerBinding::Never)
        .flag(listings::AUTO_APPROVAL, lets_in)
        .keywords(listings::PAYOUT_METHODS, split(&row.payout_methods))
        .number(
            listings::FEATURED_UNTIL,
            row.featured_until.map(|until| until.timestamp_micros()),
        )
        .number(listings::PUBLISHED_AT, published)
}

/// What is told of the program, where its sample suffices.
fn with_trust(document: Document, row: &program_trust::Model) -> Document {
    let per_click = trust::per_click(row);
    let ppm = |rate: Option<trust::Rate>| rate.map(|rate| rate.ppm);
    let days = |wait: Option<trust::Wait>| wait.map(|wait| wait.days.into());
    document
        .number(
            listings::CLICK_MICRO,
            per_click.as_ref().map(trust::PerClick::micro_minor),
        )
        .keywords(listings::CLICK_CURRENCY, per_click.map(|earned| earned.currency))
        .number(
            listings::CONVERSION_PPM,
            ppm(trust::conversion_rate(row.clicked, row.clicks)),
        )
        .number(listings::APPROVAL_PPM, ppm(trust::approval_rate(row)))
        .number(
            listings::REVERSAL_PPM,
            ppm(trust::reversal_rate(row.reversed, row.kept)),
        )
        .number(listings::APPROVE_DAYS, days(trust::days_to_approve(row)))
        .number(listings::PAY_DAYS, days(trust::days_to_pay(row)))
}

async fn load_brands(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, DbErr> {
    let open = listing::Entity::find()
        .filter(listing::Column::BrandId.is_in(ids.iter().map(|id| BrandId(*id))))
        .filter(open_to_all())
        .all(db)
        .await?;
    let mut of_brands: BTreeMap<BrandId, Vec<listing::Model>> = BTreeMap::new();
    for row in open {
        of_brands.entry(row.brand_id).or_default().push(row);
    }
    let brands = find_brands(db, of_brands.keys().copied()).await?;
    Ok(of_brands
        .into_iter()
        .filter_map(|(id, rows)| Some(brand_document(brands.get(&id)?, &rows)))
        .collect())
}

fn brand_document(brand: &brand::Model, open: &[listing::Model]) -> Document {
    let categories: BTreeSet<String> = open.iter().map(|row| row.category.clone()).collect();
    let names: Vec<String> = categories.iter().cloned().collect();
    Document::new(brand.id.0)
        .text(brands::NAME, brand.name.clone())
        .text(brands::CATEGORY_NAMES, names.join(" "))
        .keywords(brands::CATEGORIES, categories)
        .flag(brands::EVERYWHERE, open.iter().any(|row| row.countries.is_empty()))
        .keywords(brands::COUNTRIES, open.iter().flat_map(|row| split(&row.countries)))
        .number(brands::LISTINGS, i64::try_from(open.len()).ok())
        .number(brands::CREATED_AT, Some(brand.created_at.timestamp_micros()))
}
