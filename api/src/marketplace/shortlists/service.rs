//! Marking, and what is marked.

use entity::{
    brand, creator_mark,
    ids::{BrandId, ListingId, PartnerId},
    listing::{self, ListingState},
    listing_mark, partner,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LockType},
};
use uuid::Uuid;

pub use super::rules::MarkPatch;
use super::{
    error::MarkErrorCode as Code,
    rules::{self, Marks, Since},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    marketplace::service as marketplace,
    page::{self, Page, Slice},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// What an owner may hide: a search leaves all of it out by name.
pub const MAX_HIDDEN: u64 = 1_000;
/// What an owner may mark at all.
const MAX_MARKS: u64 = 5_000;

/// Which of an owner's marks to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    Saved,
    Hidden,
    Noted,
}

impl MarkKind {
    fn of_listings(self) -> listing_mark::Column {
        match self {
            Self::Saved => listing_mark::Column::SavedId,
            Self::Hidden => listing_mark::Column::HiddenId,
            Self::Noted => listing_mark::Column::NotedId,
        }
    }

    fn of_creators(self) -> creator_mark::Column {
        match self {
            Self::Saved => creator_mark::Column::SavedId,
            Self::Hidden => creator_mark::Column::HiddenId,
            Self::Noted => creator_mark::Column::NotedId,
        }
    }

    fn pick(self, saved: Option<Uuid>, hidden: Option<Uuid>, noted: Option<Uuid>) -> Uuid {
        let place = match self {
            Self::Saved => saved,
            Self::Hidden => hidden,
            Self::Noted => noted,
        };
        // A list holds only what has a place in it.
        place.unwrap_or_default()
    }
}

/// What a mark says, from its row; and the row, from what it says.
macro_rules! marks_of {
    ($table:ident) => {
        impl From<&$table::Model> for Marks {
            fn from(row: &$table::Model) -> Self {
                let since = |place: Option<Uuid>, at| place.zip(at).map(|(place, at)| Since { at, place });
                Self {
                    saved: since(row.saved_id, row.saved_at),
                    hidden: since(row.hidden_id, row.hidden_at),
                    note: row.note.clone(),
                    noted: since(row.noted_id, row.noted_at),
                }
            }
        }

        impl Marks {
            fn $table(self, row: $table::Model) -> $table::Model {
                $table::Model {
                    saved_id: self.saved.map(|since| since.place),
                    saved_at: self.saved.map(|since| since.at),
                    hidden_id: self.hidden.map(|since| since.place),
                    hidden_at: self.hidden.map(|since| since.at),
                    note: self.note,
                    noted_id: self.noted.map(|since| since.place),
                    noted_at: self.noted.map(|since| since.at),
                    ..row
                }
            }
        }
    };
}

marks_of!(listing_mark);
marks_of!(creator_mark);

/// Marks a listing that the caller may see, in a partner's name.
pub async fn mark_listing(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    listing: ListingId,
    patch: MarkPatch,
) -> Result<listing::Model> {
    use listing_mark::{ActiveModel, Column, Entity, Model};
    actor.authorise(Operation::MarkListing, Place::partner(partner))?;
    let patch = check(patch)?;
    let tx = app.db.begin().await?;
    lock_partner_in_tx(&tx, partner).await?;
    let listing = listing::Entity::find_by_id(listing)
        .filter(marketplace::visible_to(actor))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("listing"))?;
    let own = || Entity::find().filter(Column::PartnerId.eq(partner));
    let row = own().filter(Column::ListingId.eq(listing.id)).one(&tx).await?;
    let (before, after) = decide(app, row.as_ref().map(Marks::from), patch);
    // What is archived comes back never, and counts no more.
    let hidden = own().filter(Column::HiddenId.is_not_null()).filter(listing_is(
        Condition::all().add(listing::Column::State.ne(ListingState::Archived)),
    ));
    if begins(before.hidden, after.hidden) && hidden.count(&tx).await? >= MAX_HIDDEN {
        return Err(too_many_hidden("listings"));
    }
    if row.is_none() && !after.says_nothing() && own().count(&tx).await? >= MAX_MARKS {
        return Err(too_many_marks("listings"));
    }
    let nothing = after.says_nothing();
    match row {
        Some(row) if nothing => {
            Entity::delete_by_id(row.id).exec(&tx).await?;
        }
        Some(row) if before != after => {
            let row = ActiveModel::from(after.listing_mark(row)).reset_all();
            Entity::update(row).exec_without_returning(&tx).await?;
        }
        None if !nothing => {
            let row = after.listing_mark(Model {
                id: app.ids.new_id(app.clock.now()),
                partner_id: partner,
                listing_id: listing.id,
                saved_id: None,
                saved_at: None,
                hidden_id: None,
                hidden_at: None,
                note: None,
                noted_id: None,
                noted_at: None,
            });
            Entity::insert(ActiveModel::from(row))
                .exec_without_returning(&tx)
                .await?;
        }
        _ => {}
    }
    tx.commit().await?;
    Ok(listing)
}

/// Marks a creator in a brand's name.
pub async fn mark_creator(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    creator: PartnerId,
    patch: MarkPatch,
) -> Result<partner::Model> {
    use creator_mark::{ActiveModel, Column, Entity, Model};
    actor.authorise(Operation::MarkCreator, Place::brand(brand))?;
    let patch = check(patch)?;
    let tx = app.db.begin().await?;
    lock_brand_in_tx(&tx, brand).await?;
    let creator = partner::Entity::find_by_id(creator)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner"))?;
    let own = || Entity::find().filter(Column::BrandId.eq(brand));
    let row = own().filter(Column::PartnerId.eq(creator.id)).one(&tx).await?;
    let (before, after) = decide(app, row.as_ref().map(Marks::from), patch);
    let hidden = own().filter(Column::HiddenId.is_not_null());
    if begins(before.hidden, after.hidden) && hidden.count(&tx).await? >= MAX_HIDDEN {
        return Err(too_many_hidden("creators"));
    }
    if row.is_none() && !after.says_nothing() && own().count(&tx).await? >= MAX_MARKS {
        return Err(too_many_marks("creators"));
    }
    let nothing = after.says_nothing();
    match row {
        Some(row) if nothing => {
            Entity::delete_by_id(row.id).exec(&tx).await?;
        }
        Some(row) if before != after => {
            let row = ActiveModel::from(after.creator_mark(row)).reset_all();
            Entity::update(row).exec_without_returning(&tx).await?;
        }
        None if !nothing => {
            let row = after.creator_mark(Model {
                id: app.ids.new_id(app.clock.now()),
                brand_id: brand,
                partner_id: creator.id,
                saved_id: None,
                saved_at: None,
                hidden_id: None,
                hidden_at: None,
                note: None,
                noted_id: None,
                noted_at: None,
            });
            Entity::insert(ActiveModel::from(row))
                .exec_without_returning(&tx)
                .await?;
        }
        _ => {}
    }
    tx.commit().await?;
    Ok(creator)
}

/// A partner's marks of one kind, of listings that the caller may see.
pub async fn list_listing_marks(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    kind: MarkKind,
    page: &Page,
) -> std::result::Result<Slice<listing_mark::Model>, ApiError> {
    use listing_mark::{Column, Entity, Model};
    actor.authorise(Operation::SeeListingMarks, Place::partner(partner))?;
    let place = kind.of_listings();
    let select = Entity::find()
        .filter(Column::PartnerId.eq(partner))
        .filter(place.is_not_null())
        .filter(listing_is(marketplace::visible_to(actor)));
    let place_of = |row: &Model| kind.pick(row.saved_id, row.hidden_id, row.noted_id);
    page::fetch(app.db.read(), select, place, place_of, page)
        .await
        .map_err(ApiError::internal)
}

/// A brand's marks of one kind. Whoever holds a partner's id may see its public face.
pub async fn list_creator_marks(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    kind: MarkKind,
    page: &Page,
) -> std::result::Result<Slice<creator_mark::Model>, ApiError> {
    use creator_mark::{Column, Entity, Model};
    actor.authorise(Operation::SeeCreatorMarks, Place::brand(brand))?;
    let place = kind.of_creators();
    let select = Entity::find()
        .filter(Column::BrandId.eq(brand))
        .filter(place.is_not_null());
    let place_of = |row: &Model| kind.pick(row.saved_id, row.hidden_id, row.noted_id);
    page::fetch(app.db.read(), select, place, place_of, page)
        .await
        .map_err(ApiError::internal)
}

/// What a search in a partner's name leaves out: the published listings it has hidden.
pub async fn list_hidden_listings(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
) -> std::result::Result<Vec<ListingId>, ApiError> {
    actor.authorise(Operation::SeeListingMarks, Place::partner(partner))?;
    hidden_listings(app, partner).await.map_err(ApiError::internal)
}

/// The same, for what searches in the partner's name by itself.
pub async fn hidden_listings(app: &App, partner: PartnerId) -> std::result::Result<Vec<ListingId>, DbErr> {
    use listing_mark::{Column, Entity};
    let published = listing_is(Condition::all().add(listing::Column::State.eq(ListingState::Published)));
    let ids: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::ListingId)
        .filter(Column::PartnerId.eq(partner))
        .filter(Column::HiddenId.is_not_null())
        .filter(published)
        .limit(MAX_HIDDEN)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(ids.into_iter().map(ListingId).collect())
}

/// What a search in a brand's name leaves out: the creators it has hidden. Marks are for its own people: the platform, which
/// may search in its name, is not told of them.
pub async fn list_hidden_creators(
    app: &App,
    actor: &Actor,
    brand: BrandId,
) -> std::result::Result<Vec<PartnerId>, ApiError> {
    use creator_mark::{Column, Entity};
    actor.authorise(Operation::SearchCreators, Place::brand(brand))?;
    if actor
        .authorise(Operation::SeeCreatorMarks, Place::brand(brand))
        .is_err()
    {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::PartnerId)
        .filter(Column::BrandId.eq(brand))
        .filter(Column::HiddenId.is_not_null())
        .limit(MAX_HIDDEN)
        .into_tuple()
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    Ok(ids.into_iter().map(PartnerId).collect())
}

/// That the listing of a mark fulfils a condition.
fn listing_is(condition: Condition) -> Expr {
    let marked = listing_mark::Column::ListingId.as_column_ref();
    let of_mark = listing::Entity::find()
        .select_only()
        .column(listing::Column::Id)
        .filter(Expr::col(listing::Column::Id.as_column_ref()).equals(marked))
        .filter(condition);
    Expr::exists(of_mark.into_query())
}

fn check(patch: MarkPatch) -> Result<MarkPatch> {
    let Some(Some(note)) = &patch.note else {
        return Ok(patch);
    };
    let note = rules::clean_note(note).ok_or_else(|| {
        Failure::refused_field(
            Code::NoteInvalid,
            "note",
            "a note has 1 to 2,000 characters, and no control characters but tabs and line breaks; null takes it away",
        )
    })?;
    Ok(MarkPatch {
        note: Some(Some(note)),
        ..patch
    })
}

/// The marks before and after a change.
fn decide(app: &App, before: Option<Marks>, patch: MarkPatch) -> (Marks, Marks) {
    let before = before.unwrap_or_default();
    let now = app.clock.now();
    let after = before.clone().changed(patch, || Since {
        at: now,
        place: app.ids.uuid(now),
    });
    (before, after)
}

fn begins(before: Option<Since>, after: Option<Since>) -> bool {
    before.is_none() && after.is_some()
}

/// Whoever marks in a partner's name queues here, so that there is one mark of a listing, and limits hold.
async fn lock_partner_in_tx(tx: &DatabaseTransaction, id: PartnerId) -> Result<()> {
    let row = partner::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(row.map(drop).ok_or_else(|| ApiError::not_found("partner"))?)
}

/// The same for a brand.
async fn lock_brand_in_tx(tx: &DatabaseTransaction, id: BrandId) -> Result<()> {
    let row = brand::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(row.map(drop).ok_or_else(|| ApiError::not_found("brand"))?)
}

fn too_many_hidden(what: &str) -> Failure<Code> {
    Failure::refused_field(
        Code::TooManyHidden,
        "hidden",
        format!("at most {MAX_HIDDEN} {what} are hidden"),
    )
}

fn too_many_marks(what: &str) -> Failure<Code> {
    Failure::refused(Code::TooManyMarks, format!("at most {MAX_MARKS} {what} are marked"))
}
