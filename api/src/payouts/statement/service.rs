//! Who reads a partner's statement.

use entity::ids::{BrandId, PartnerId, PartnershipId};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::ApiError,
    ledger::entries::{self, Holder, Line, Only},
    page::{Page, Slice},
};

/// Whose statement.
#[derive(Clone, Copy, Debug)]
pub struct Of {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

/// A page of the entries of a partnership in a currency, newest first.
pub async fn list_statement(
    app: &App,
    actor: &Actor,
    of: Of,
    currency: &str,
    only: Only,
    page: &Page,
) -> Result<Slice<Line>, ApiError> {
    actor.authorise(Operation::SeeStatement, Place::shared(of.brand, of.partner))?;
    entries::list_entries(app, Holder::Partnership(of.partnership), currency, only, page)
        .await
        .map_err(ApiError::from)
}
