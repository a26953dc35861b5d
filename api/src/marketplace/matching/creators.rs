//! Finding creators for a program, and comparing them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{
    TenantScoped,
    application::{self, ApplicationState},
    creator_channel,
    creator_profile::{self, Availability, Visibility},
    ids::{PartnerId, ProgramId},
    listing, partner,
    partnership::{self, PartnershipState},
    program,
    program_invitation::{self, ProgramInvitationState},
    trust_day,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Alias, Expr, ExprTrait, Func, SelectStatement, UnionType},
};

use super::{
    rules::{self, Candidate, Reason, Wanted},
    service::{MAX_LOOKED_AT, MAX_OF_A_KIND, programs_like},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::ApiError,
    infra::search::{Filter, Index, Query, Sort, schema::creators},
    marketplace::{
        creators::rules::read_audience,
        find::find,
        service::split,
        shortlists::service as shortlists,
        trust::rules::{day_of, window_begin},
    },
};

/// A creator that matches, with why.
#[derive(Clone, Debug)]
pub struct CreatorMatch {
    pub profile: creator_profile::Model,
    pub reasons: Vec<Reason>,
}

/// Public creators that have nothing to do with a program yet, the best match first.
pub async fn recommended_creators(
    app: &App,
    actor: &Actor,
    id: ProgramId,
    limit: usize,
) -> Result<Vec<CreatorMatch>, ApiError> {
    let program = program::Entity::find_within(&actor.reach())
        .filter(program::Column::Id.eq(id))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or_else(|| ApiError::not_found("program"))?;
    actor.authorise(Operation::SeeRecommendedCreators, Place::brand(program.brand_id))?;
    let hidden = shortlists::list_hidden_creators(app, actor, program.brand_id).await?;
    let wanted = wanted(app, id).await.map_err(ApiError::internal)?;
    let shared = partners_of_programs_like(app, id).await.map_err(ApiError::internal)?;
    let known = known(app, id).await.map_err(ApiError::internal)?;
    let left_out: BTreeSet<PartnerId> = hidden.into_iter().chain(known).collect();
    let found = match &wanted.category {
        Some(category) => {
            let query = about(category, &wanted.countries, &left_out);
            find(app, Index::Creators, &query).await?.found.ids()
        }
        None => Vec::new(),
    };
    let ids: BTreeSet<PartnerId> = found
        .into_iter()
        .map(PartnerId)
        .chain(shared.keys().copied())
        .filter(|id| !left_out.contains(id))
        .collect();
    compared(app, id, &wanted, &ids, &shared, limit)
        .await
        .map_err(ApiError::internal)
}

/// What a program looks for, as its newest listing says.
async fn wanted(app: &App, id: ProgramId) -> Result<Wanted, DbErr> {
    let newest = listing::Entity::find()
        .filter(listing::Column::ProgramId.eq(id))
        .order_by_desc(listing::Column::Id)
        .one(app.db.read())
        .await?;
    Ok(newest.map_or_else(Wanted::default, |row| Wanted {
        countries: split(&row.countries).into_iter().collect(),
        category: Some(row.category),
    }))
}

/// The most followed who are about this, and are themselves or have their audience where the program is open.
fn about(category: &str, countries: &BTreeSet<String>, left_out: &BTreeSet<PartnerId>) -> Query {
    let countries: Vec<String> = countries.iter().cloned().collect();
    let mut all = vec![
        Filter::In(creators::NICHES, vec![category.to_owned()]),
        Filter::Not(Box::new(Filter::In(
            creators::AVAILABILITY,
            vec![Availability::Closed.to_value()],
        ))),
    ];
    if !countries.is_empty() {
        all.push(Filter::Any(vec![
            Filter::In(creators::AUDIENCE, countries.clone()),
            Filter::In(creators::COUNTRY, countries),
        ]));
    }
    Query {
        filter: Filter::All(all).without(left_out.iter().map(|id| id.0)),
        sort: Sort::Descending(creators::FOLLOWERS),
        limit: MAX_OF_A_KIND,
        ..Query::default()
    }
}

/// Partners of the programs that partners of this one are in too, with in how many of them: those in the most.
async fn partners_of_programs_like(app: &App, id: ProgramId) -> Result<BTreeMap<PartnerId, i64>, DbErr> {
    let programs = programs_like(app, id).await?;
    let public = creator_profile::Entity::find()
        .select_only()
        .column(creator_profile::Column::PartnerId)
        .filter(
            Expr::col(creator_profile::Column::PartnerId.as_column_ref())
                .equals(partnership::Column::PartnerId.as_column_ref()),
        )
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .into_query();
    let count = Alias::new("count");
    let rows: Vec<(PartnerId, i64)> = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::PartnerId)
        .column_as(Expr::col(partnership::Column::ProgramId).count_distinct(), "count")
        .filter(partnership::Column::ProgramId.is_in(programs.keys().copied()))
        .filter(partnership::Column::State.eq(PartnershipState::Active))
        .filter(Expr::exists(public))
        .filter(partnership::Column::PartnerId.not_in_subquery(in_touch(id)))
        .group_by(partnership::Column::PartnerId)
        .order_by_desc(Expr::col(count))
        .order_by_desc(partnership::Column::PartnerId)
        .limit(MAX_OF_A_KIND)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Who is or was in a program, has asked, or was asked into it.
fn in_touch(id: ProgramId) -> SelectStatement {
    let partners = partnership::Entity::find()
        .select_only()
        .column(partnership::Column::PartnerId)
        .filter(partnership::Column::ProgramId.eq(id));
    let applicants = application::Entity::find()
        .select_only()
        .column(application::Column::PartnerId)
        .filter(application::Column::ProgramId.eq(id))
        .filter(application::Column::State.is_in([ApplicationState::Submitted, ApplicationState::InReview]));
    let invited = program_invitation::Entity::find()
        .select_only()
        .column(program_invitation::Column::PartnerId)
        .filter(program_invitation::Column::ProgramId.eq(id))
        .filter(program_invitation::Column::PartnerId.is_not_null())
        .filter(
            program_invitation::Column::State.is_in([ProgramInvitationState::Sent, ProgramInvitationState::Declined]),
        );
    partners
        .into_query()
        .union(UnionType::All, applicants.into_query())
        .union(UnionType::All, invited.into_query())
        .to_owned()
}

/// The newest of those that could be found.
async fn known(app: &App, id: ProgramId) -> Result<Vec<PartnerId>, DbErr> {
    creator_profile::Entity::find()
        .select_only()
        .column(creator_profile::Column::PartnerId)
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .filter(creator_profile::Column::PartnerId.in_subquery(in_touch(id)))
        .order_by_desc(creator_profile::Column::Id)
        .limit(MAX_LOOKED_AT)
        .into_tuple()
        .all(app.db.read())
        .await
}

async fn compared(
    app: &App,
    id: ProgramId,
    wanted: &Wanted,
    ids: &BTreeSet<PartnerId>,
    shared: &BTreeMap<PartnerId, i64>,
    limit: usize,
) -> Result<Vec<CreatorMatch>, DbErr> {
    let rows: Vec<(creator_profile::Model, Option<partner::Model>)> = creator_profile::Entity::find()
        .select_also(partner::Entity)
        .join(
            JoinType::InnerJoin,
            creator_profile::Entity::belongs_to(partner::Entity)
                .from(creator_profile::Column::PartnerId)
                .to(partner::Column::Id)
                .into(),
        )
        .filter(creator_profile::Column::PartnerId.is_in(ids.iter().copied()))
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .filter(creator_profile::Column::Availability.ne(Availability::Closed))
        .filter(creator_profile::Column::PartnerId.not_in_subquery(in_touch(id)))
        .all(app.db.read())
        .await?;
    let left: Vec<PartnerId> = rows.iter().map(|(profile, _)| profile.partner_id).collect();
    let followers = followers(app, &left).await?;
    let sold = sold(app, &left, wanted).await?;
    let mut matches: Vec<CreatorMatch> = rows
        .into_iter()
        .filter_map(|(profile, partner)| {
            let id = &profile.partner_id;
            let candidate = Candidate {
                niches: split(&profile.niches),
                audience: read_audience(&profile.audience),
                country: partner?.country,
                followers: followers.get(id).copied().unwrap_or(0),
                shared: shared.get(id).copied().unwrap_or(0),
                sold: sold.get(id).copied().unwrap_or_default(),
            };
            let reasons = rules::for_program(wanted, &candidate);
            (!reasons.is_empty()).then_some(CreatorMatch { profile, reasons })
        })
        .collect();
    matches.sort_by(|a, b| {
        let points = rules::points(&b.reasons).cmp(&rules::points(&a.reasons));
        points.then_with(|| b.profile.id.cmp(&a.profile.id))
    });
    matches.truncate(limit);
    Ok(matches)
}

/// How many follow the greatest channel of each.
async fn followers(app: &App, ids: &[PartnerId]) -> Result<HashMap<PartnerId, i64>, DbErr> {
    let rows: Vec<(PartnerId, i64)> = creator_channel::Entity::find()
        .select_only()
        .column(creator_channel::Column::PartnerId)
        .column_as(creator_channel::Column::Followers.max(), "followers")
        .filter(creator_channel::Column::PartnerId.is_in(ids.iter().copied()))
        .group_by(creator_channel::Column::PartnerId)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().collect())
}

/// What each sold lately, of the category that is wanted and in all.
async fn sold(app: &App, ids: &[PartnerId], wanted: &Wanted) -> Result<HashMap<PartnerId, (i64, i64)>, DbErr> {
    let Some(category) = &wanted.category else {
        return Ok(HashMap::new());
    };
    let alike = listing::Entity::find()
        .select_only()
        .column(listing::Column::ProgramId)
        .filter(
            Expr::col(listing::Column::ProgramId.as_column_ref()).equals(trust_day::Column::ProgramId.as_column_ref()),
        )
        .filter(listing::Column::Category.eq(category))
        .into_query();
    let sales = || Expr::col(trust_day::Column::Sales);
    let here = Expr::case(Expr::exists(alike), sales()).finally(0);
    let today = day_of(app.clock.now());
    let rows: Vec<(PartnerId, i64, i64)> = trust_day::Entity::find()
        .select_only()
        .column(trust_day::Column::PartnerId)
        .column_as(Func::sum(here).cast_as("bigint"), "here")
        .column_as(Func::sum(sales()).cast_as("bigint"), "sales")
        .filter(trust_day::Column::PartnerId.is_in(ids.iter().copied()))
        .filter(trust_day::Column::Day.between(window_begin(today), today))
        .group_by(trust_day::Column::PartnerId)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(|(id, here, all)| (id, (here, all))).collect())
}
