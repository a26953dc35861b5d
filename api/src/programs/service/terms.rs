//! The versions of a program's terms.

use entity::{ids::ProgramId, program, program_terms};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
};

use super::Result;
use crate::{
    accounts::actor::Actor,
    app::App,
    audit::{self, Change},
    error::Failure,
    programs::error::ProgramErrorCode as Code,
};

const MAX_TERMS_CHARS: usize = 50_000;
const MAX_TERMS_VERSIONS: i32 = 1_000;

/// Adds a version, unless the text is the current one: partners would have to accept it anew for nothing.
pub(super) async fn revise_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    program: &program::Model,
    body: &str,
) -> Result<()> {
    let body = check_terms(body, "patch.terms")?;
    let current = find_terms_in_tx(tx, program.id).await?;
    let version = current.as_ref().map_or(0, |terms| terms.version);
    if version >= MAX_TERMS_VERSIONS {
        return Err(Failure::refused_field(
            Code::TooManyTermsVersions,
            "patch.terms",
            format!("a program may have at most {MAX_TERMS_VERSIONS} versions of its terms"),
        ));
    }
    if current.is_none_or(|current| current.body != body) {
        insert_terms_in_tx(tx, app, program, version + 1, body).await?;
        let change = Change {
            from: Some(version.to_string()),
            to: Some((version + 1).to_string()),
            ..Change::of_fact(program.brand_id, "program.terms_published", program.id)
        };
        audit::record_in_tx(tx, app, actor, change).await?;
    }
    Ok(())
}

/// The current terms of a program.
pub async fn find_terms_in_tx(
    conn: &impl ConnectionTrait,
    program: ProgramId,
) -> std::result::Result<Option<program_terms::Model>, DbErr> {
    program_terms::Entity::find()
        .filter(program_terms::Column::ProgramId.eq(program))
        .order_by_desc(program_terms::Column::Version)
        .one(conn)
        .await
}

pub(super) async fn insert_terms_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    program: &program::Model,
    version: i32,
    body: &str,
) -> std::result::Result<(), DbErr> {
    let now = app.clock.now();
    program_terms::Entity::insert(program_terms::ActiveModel {
        id: Set(app.ids.new_id(now)),
        program_id: Set(program.id),
        brand_id: Set(program.brand_id),
        version: Set(version),
        body: Set(body.to_owned()),
        created_at: Set(now),
    })
    .exec_without_returning(tx)
    .await
    .map(drop)
}

pub(super) fn check_terms<'a>(terms: &'a str, field: &str) -> Result<&'a str> {
    let terms = terms.trim();
    if terms.is_empty() || terms.chars().count() > MAX_TERMS_CHARS {
        return Err(Failure::refused_field(
            Code::TermsInvalid,
            field,
            "terms have 1 to 50,000 characters",
        ));
    }
    Ok(terms)
}
