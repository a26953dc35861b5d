//! Sealing methods anew under the key that seals now.

use entity::payout_method::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;

use super::{FINGERPRINT, place_of};
use crate::{
    app::App,
    error::Fault,
    payouts::{
        methods::rules::Details,
        reseal::{Resealed, Sealed, reseal},
    },
};

/// Seals anew every method that another key than the first one of the ring sealed, removed ones too.
pub async fn reseal_payout_methods(app: &App) -> Result<Resealed, Fault> {
    let table: Sealed<Entity> = Sealed {
        id: Column::Id,
        text: Column::Details,
        uuid: |row| row.id.0,
        name: |row| row.id.to_string(),
        anew,
    };
    reseal(app, table).await
}

fn anew(app: &App, row: &Model) -> Result<payout_method::ActiveModel, Fault> {
    let place = place_of(row.id);
    let text = app.key_ring.open(place, &row.details)?;
    let details: Details = serde_json::from_str(&text).map_err(Fault::new)?;
    Ok(payout_method::ActiveModel {
        id: Set(row.id),
        details: Set(app.key_ring.seal(&app.ids, place, &text)?),
        fingerprint: Set(app.key_ring.fingerprint(FINGERPRINT, &details.identity())?),
        ..Default::default()
    })
}
