//! Looking for what is new to saved searches, and telling their owners.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    brand,
    ids::{BrandId, ListingId, SavedSearchId},
    listing,
    mail::MailKind,
    partner_member,
    saved_search::{self, Notify},
    saved_search_hit, user,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{ExprTrait, OnConflict},
};

use super::{rules, service, types::read_where};
use crate::{
    app::App,
    error::Fault,
    infra::{
        db::INSERT_CHUNK,
        search::{Query, Sort, query::MAX_LIMIT, schema::listings},
    },
    mail::{self, Mail},
    marketplace::{find, queries::read_text, shortlists::service as shortlists, types::conditions::Where},
};

/// Searches looked at in one go.
const BATCH: u64 = 100;
/// Of what a search finds, the newest that are looked at.
const MAX_LOOKED_AT: u64 = 1_000;
/// Listings a mail names.
const MAX_NAMED: usize = 10;
/// People of a partner who are told: those who have been there longest.
const MAX_NOTIFIED: u64 = 10;

/// Looks at everything that is due; returns how many searches found something new.
pub async fn check_saved_searches(app: &App) -> Result<usize, String> {
    let now = app.clock.now();
    let mut told = 0;
    let mut after: Option<(DateTime<Utc>, SavedSearchId)> = None;
    loop {
        let mut due = saved_search::Entity::find().filter(saved_search::Column::DueAt.lte(now));
        if let Some((at, id)) = after {
            let same_time = saved_search::Column::DueAt.eq(at).and(saved_search::Column::Id.gt(id));
            due = due.filter(saved_search::Column::DueAt.gt(at).or(same_time));
        }
        let due = due
            .order_by_asc(saved_search::Column::DueAt)
            .order_by_asc(saved_search::Column::Id)
            .limit(BATCH)
            .all(app.db.read())
            .await
            .map_err(|error| error.to_string())?;
        let Some(last) = due.last() else { return Ok(told) };
        after = Some((last.due_at, last.id));
        for search in due {
            match check(app, search, now).await {
                Ok(Looked::Told) => told += 1,
                Ok(Looked::NothingNew) => {}
                // The next run looks again; until then the others would get no better answer.
                Ok(Looked::EngineAway) => return Ok(told),
                Err(fault) => return Err(fault.to_string()),
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    Told,
    NothingNew,
    EngineAway,
}

async fn check(app: &App, search: saved_search::Model, now: DateTime<Utc>) -> Result<Looked, Fault> {
    let Some(found) = look(app, &search, now).await? else {
        return Ok(Looked::EngineAway);
    };
    let tx = app.db.begin().await?;
    // Changed, deleted or looked at meanwhile: it is due again, or was.
    let row = saved_search::Entity::find_by_id(search.id)
        .lock_exclusive()
        .one(&tx)
        .await?
        .filter(|row| *row == search);
    let Some(mut row) = row else {
        return Ok(Looked::NothingNew);
    };
    let known: BTreeSet<ListingId> = service::list_known_in_tx(&tx, row.id).await?.into_iter().collect();
    let is_new = |row: &listing::Model| {
        !known.contains(&row.id) && rules::is_new(row.published_at, search.checked_at, found.is_cut)
    };
    let new: Vec<listing::Model> = found.rows.into_iter().filter(is_new).collect();
    let first_time = row.checked_at.is_none();
    keep_in_tx(&tx, app, row.id, &new, first_time, now).await?;
    let tells = !first_time && !new.is_empty();
    if tells && row.notify != Notify::Never {
        tell_in_tx(&tx, app, &row, &new).await?;
    }
    row.checked_at = Some(now);
    row.due_at = now + rules::pause(row.notify);
    let model = saved_search::ActiveModel::from(row).reset_all();
    saved_search::Entity::update(model).exec_without_returning(&tx).await?;
    app.commit(tx).await?;
    Ok(if tells { Looked::Told } else { Looked::NothingNew })
}

/// What a search finds, the newest first.
#[derive(Default)]
struct Seen {
    rows: Vec<listing::Model>,
    /// There is more than is looked at.
    is_cut: bool,
}

/// What it finds now; `None` while the engine is away: the database alone would miss some.
async fn look(app: &App, search: &saved_search::Model, now: DateTime<Utc>) -> Result<Option<Seen>, Fault> {
    let asked = read_where(&search.query)
        .and_then(|asked| Ok((asked.filter(now)?, read_text(asked.text.as_deref(), "where.text")?)));
    let (filter, text) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            // Conditions that today's program does not know any more find nothing.
            tracing::warn!(search = %search.id, error = error.log_text(), "a saved search cannot be read");
            return Ok(Some(Seen::default()));
        }
    };
    let hidden = shortlists::hidden_listings(app, search.partner_id).await?;
    let query = Query {
        text,
        filter: filter.without(hidden.into_iter().map(|id| id.0)),
        sort: Sort::Descending(listings::PUBLISHED_AT),
        limit: MAX_LIMIT,
        ..Query::default()
    };
    let mut seen = Seen::default();
    for offset in (0..MAX_LOOKED_AT).step_by(usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX)) {
        let page = find::find_listings(
            app,
            &Query {
                offset,
                ..query.clone()
            },
        )
        .await
        .map_err(|error| Fault::new(error.log_text()))?;
        if page.degraded {
            return Ok(None);
        }
        seen.rows.extend(page.items.into_iter().map(|item| item.row));
        seen.is_cut = page.has_next;
        if !page.has_next {
            break;
        }
    }
    Ok(Some(seen))
}

async fn keep_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    search: SavedSearchId,
    new: &[listing::Model],
    seen: bool,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    // The oldest first, so that places grow with time.
    let rows: Vec<saved_search_hit::ActiveModel> = new
        .iter()
        .rev()
        .map(|listing| saved_search_hit::ActiveModel {
            saved_search_id: Set(search),
            listing_id: Set(listing.id),
            place: Set(app.ids.uuid(now)),
            seen: Set(seen),
            found_at: Set(now),
        })
        .collect();
    for chunk in rows.chunks(INSERT_CHUNK) {
        saved_search_hit::Entity::insert_many(chunk.to_vec())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Mails those of the partner's people whose address is proved.
async fn tell_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    search: &saved_search::Model,
    new: &[listing::Model],
) -> Result<(), Fault> {
    let named = &new[..new.len().min(MAX_NAMED)];
    let brands: HashMap<BrandId, String> = brand::Entity::find()
        .filter(brand::Column::Id.is_in(named.iter().map(|listing| listing.brand_id)))
        .all(tx)
        .await?
        .into_iter()
        .map(|brand| (brand.id, brand.name))
        .collect();
    let titles: Vec<(String, String)> = named
        .iter()
        .map(|listing| {
            let brand = brands.get(&listing.brand_id).cloned().unwrap_or_default();
            (listing.title.clone(), brand)
        })
        .collect();
    let members = partner_member::Entity::find()
        .filter(partner_member::Column::PartnerId.eq(search.partner_id))
        .order_by_asc(partner_member::Column::Id)
        .limit(MAX_NOTIFIED)
        .all(tx)
        .await?;
    let people = user::Entity::find()
        .filter(user::Column::Id.is_in(members.iter().map(|member| member.user_id)))
        .filter(user::Column::EmailVerifiedAt.is_not_null())
        .order_by_asc(user::Column::Id)
        .all(tx)
        .await?;
    for person in people {
        let (subject, text) = rules::letter(&person.display_name, &search.name, &titles, new.len());
        let mail = Mail {
            user: Some(person.id),
            kind: MailKind::SavedSearch,
            to: person.email,
            subject,
            text,
        };
        mail::enqueue_in_tx(tx, app, mail).await?;
    }
    Ok(())
}
