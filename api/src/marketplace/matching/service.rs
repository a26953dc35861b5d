//! Finding listings, and comparing them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{
    application::{self, ApplicationState},
    ids::{ListingId, PartnerId, ProgramId},
    listing,
    partnership::{self, PartnershipState},
    trust_day,
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, Expr, ExprTrait, Func},
};
use uuid::Uuid;

use super::rules::{self, Offer, Promoter, Reason};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::ApiError,
    infra::search::{Document, Filter, Index, Query, Sort, schema::listings},
    marketplace::{
        documents,
        find::find,
        service::open_to_all,
        shortlists::service as shortlists,
        trust::rules::{day_of, window_begin},
    },
};

/// Candidates of each kind: the newest of the same categories, and those with the most partners in common.
pub(super) const MAX_OF_A_KIND: u64 = 100;
/// Partners of a program, or programs of a partner, that are looked at: the newest.
pub(super) const MAX_LOOKED_AT: u64 = 1_000;

/// A listing that matches, with why.
#[derive(Clone, Debug)]
pub struct ListingMatch {
    pub listing: listing::Model,
    pub reasons: Vec<Reason>,
}

/// Open listings of other programs that are like this one, the most alike first.
pub async fn similar_listings(app: &App, id: ListingId, limit: usize) -> Result<Vec<ListingMatch>, ApiError> {
    let base = listing::Entity::find_by_id(id)
        .filter(open_to_all())
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or_else(|| ApiError::not_found("listing"))?;
    let shared = programs_like(app, base.program_id).await.map_err(ApiError::internal)?;
    let rows = candidates(app, BTreeSet::from([base.category.clone()]), &shared).await?;
    let documents = load(app, rows.iter().map(|row| row.id).chain([base.id])).await?;
    let Some(document) = documents.get(&base.id) else {
        return Err(ApiError::not_found("listing"));
    };
    let offer = Offer::of(document);
    let others = rows.into_iter().filter(|row| row.program_id != base.program_id);
    Ok(ranked(others, &documents, limit, |row, other| {
        let shared = shared.get(&row.program_id).copied().unwrap_or(0);
        rules::similar(&offer, other, shared)
    }))
}

/// Open listings of programs that a partner is not in, the best match first.
pub async fn recommended_listings(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    limit: usize,
) -> Result<Vec<ListingMatch>, ApiError> {
    actor.authorise(Operation::SeeRecommendedListings, Place::partner(partner))?;
    let known = known_programs(app, partner).await.map_err(ApiError::internal)?;
    let hidden: BTreeSet<ListingId> = shortlists::list_hidden_listings(app, actor, partner)
        .await?
        .into_iter()
        .collect();
    let promoter = promoter(app, partner, &known).await?;
    let active: Vec<ProgramId> = known.active.iter().copied().collect();
    let partners = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::PartnerId)
        .filter(partnership::Column::ProgramId.is_in(active.iter().copied()))
        .filter(partnership::Column::State.eq(PartnershipState::Active))
        .filter(partnership::Column::PartnerId.ne(partner))
        .order_by_desc(partnership::Column::Id)
        .limit(MAX_LOOKED_AT);
    let shared = shared_programs(app, partners.into_query(), &active)
        .await
        .map_err(ApiError::internal)?;
    let categories = promoter.niches.union(&promoter.joined).cloned().collect();
    let rows = candidates(app, categories, &shared).await?;
    let documents = load(app, rows.iter().map(|row| row.id)).await?;
    let others = rows
        .into_iter()
        .filter(|row| !known.all.contains(&row.program_id) && !hidden.contains(&row.id));
    Ok(ranked(others, &documents, limit, |row, offer| {
        let shared = shared.get(&row.program_id).copied().unwrap_or(0);
        rules::for_promoter(&promoter, offer, shared)
    }))
}

/// Programs a partner has to do with.
struct Known {
    /// In which it is active.
    active: BTreeSet<ProgramId>,
    /// In which it is or was, or which it has asked.
    all: BTreeSet<ProgramId>,
}

async fn known_programs(app: &App, partner: PartnerId) -> Result<Known, DbErr> {
    let joined: Vec<(ProgramId, PartnershipState)> = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::ProgramId)
        .column(partnership::Column::State)
        .filter(partnership::Column::PartnerId.eq(partner))
        .order_by_desc(partnership::Column::Id)
        .limit(MAX_LOOKED_AT)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let asked: Vec<ProgramId> = application::Entity::find()
        .select_only()
        .column(application::Column::ProgramId)
        .filter(application::Column::PartnerId.eq(partner))
        .filter(application::Column::State.is_in([ApplicationState::Submitted, ApplicationState::InReview]))
        .order_by_desc(application::Column::Id)
        .limit(MAX_LOOKED_AT)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let active = |state: &PartnershipState| *state == PartnershipState::Active;
    Ok(Known {
        active: joined
            .iter()
            .filter(|(_, state)| active(state))
            .map(|(id, _)| *id)
            .collect(),
        all: joined.iter().map(|(id, _)| *id).chain(asked).collect(),
    })
}

/// What a partner is compared by: what it says, is in, and sold.
async fn promoter(app: &App, partner: PartnerId, known: &Known) -> Result<Promoter, ApiError> {
    let now = app.clock.now();
    let profile = documents::load(app.db.read(), Index::Creators, &[partner.0], now)
        .await
        .map_err(ApiError::internal)?;
    let mut promoter = Promoter::of(profile.first());
    let categories = categories_of(app, &known.active).await.map_err(ApiError::internal)?;
    promoter.joined = categories.values().cloned().collect();
    let today = day_of(now);
    let sold: Vec<(ProgramId, i64)> = trust_day::Entity::find()
        .select_only()
        .column(trust_day::Column::ProgramId)
        .column_as(
            Func::sum(Expr::col(trust_day::Column::Sales)).cast_as("bigint"),
            "sales",
        )
        .filter(trust_day::Column::PartnerId.eq(partner))
        .filter(trust_day::Column::Day.between(window_begin(today), today))
        .group_by(trust_day::Column::ProgramId)
        .into_tuple()
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    for (program, sales) in sold {
        if let Some(category) = categories.get(&program).filter(|_| sales > 0) {
            *promoter.sold.entry(category.clone()).or_default() += sales;
        }
    }
    Ok(promoter)
}

async fn categories_of(app: &App, programs: &BTreeSet<ProgramId>) -> Result<HashMap<ProgramId, String>, DbErr> {
    let rows: Vec<(ProgramId, String)> = listing::Entity::find()
        .select_only()
        .column(listing::Column::ProgramId)
        .column(listing::Column::Category)
        .filter(listing::Column::ProgramId.is_in(programs.iter().copied()))
        .order_by_asc(listing::Column::Id)
        .into_tuple()
        .all(app.db.read())
        .await?;
    // Of several listings of a program the newest says what it is about.
    Ok(rows.into_iter().collect())
}

/// Other programs in which partners of this one are active, with how many of them: those with the most.
pub(super) async fn programs_like(app: &App, program: ProgramId) -> Result<BTreeMap<ProgramId, i64>, DbErr> {
    let partners = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::PartnerId)
        .filter(partnership::Column::ProgramId.eq(program))
        .filter(partnership::Column::State.eq(PartnershipState::Active))
        .order_by_desc(partnership::Column::Id)
        .limit(MAX_LOOKED_AT);
    shared_programs(app, partners.into_query(), &[program]).await
}

/// Other programs in which these partners are active, with how many of them: those with the most.
async fn shared_programs(
    app: &App,
    partners: sea_orm::sea_query::SelectStatement,
    own: &[ProgramId],
) -> Result<BTreeMap<ProgramId, i64>, DbErr> {
    let count = Alias::new("count");
    let rows: Vec<(ProgramId, i64)> = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::ProgramId)
        .column_as(Expr::col(partnership::Column::PartnerId).count_distinct(), "count")
        .filter(partnership::Column::PartnerId.in_subquery(partners))
        .filter(partnership::Column::State.eq(PartnershipState::Active))
        .filter(partnership::Column::ProgramId.is_not_in(own.iter().copied()))
        .group_by(partnership::Column::ProgramId)
        .order_by_desc(Expr::col(count))
        .order_by_desc(partnership::Column::ProgramId)
        .limit(MAX_OF_A_KIND)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Open listings of these categories, and of programs with partners in common.
async fn candidates(
    app: &App,
    categories: BTreeSet<String>,
    shared: &BTreeMap<ProgramId, i64>,
) -> Result<Vec<listing::Model>, ApiError> {
    let query = Query {
        filter: Filter::In(listings::CATEGORY, categories.into_iter().collect()),
        sort: Sort::Descending(listings::PUBLISHED_AT),
        limit: MAX_OF_A_KIND,
        ..Query::default()
    };
    let found = find(app, Index::Listings, &query).await?.found.ids();
    listing::Entity::find()
        .filter(
            sea_orm::Condition::any()
                .add(listing::Column::Id.is_in(found.into_iter().map(ListingId)))
                .add(listing::Column::ProgramId.is_in(shared.keys().copied())),
        )
        .filter(open_to_all())
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)
}

/// The best of the candidates; of those alike, the newest first.
fn ranked(
    candidates: impl Iterator<Item = listing::Model>,
    documents: &HashMap<ListingId, Document>,
    limit: usize,
    compare: impl Fn(&listing::Model, &Offer) -> Vec<Reason>,
) -> Vec<ListingMatch> {
    let mut matches: Vec<ListingMatch> = candidates
        .filter_map(|listing| {
            let reasons = compare(&listing, &Offer::of(documents.get(&listing.id)?));
            (!reasons.is_empty()).then_some(ListingMatch { listing, reasons })
        })
        .collect();
    matches.sort_by(|a, b| {
        let points = rules::points(&b.reasons).cmp(&rules::points(&a.reasons));
        points.then_with(|| b.listing.id.cmp(&a.listing.id))
    });
    matches.truncate(limit);
    matches
}

async fn load(app: &App, ids: impl Iterator<Item = ListingId>) -> Result<HashMap<ListingId, Document>, ApiError> {
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
    let documents = documents::load(app.db.read(), Index::Listings, &ids, app.clock.now())
        .await
        .map_err(ApiError::internal)?;
    Ok(documents
        .into_iter()
        .map(|document| (ListingId(document.id), document))
        .collect())
}
