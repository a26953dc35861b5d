//! Sealing credentials anew under the key that seals now.

use entity::payout_rail_connection::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;

use super::place_of;
use crate::{
    app::App,
    error::Fault,
    payouts::reseal::{Resealed, Sealed, reseal},
};

/// Seals anew the credentials of every connection that another key than the first one of the ring sealed, former ones too.
pub async fn reseal_rail_connections(app: &App) -> Result<Resealed, Fault> {
    let table: Sealed<Entity> = Sealed {
        id: Column::Id,
        text: Column::Credentials,
        uuid: |row| row.id.0,
        name: |row| row.id.to_string(),
        anew,
    };
    reseal(app, table).await
}

fn anew(app: &App, row: &Model) -> Result<ActiveModel, Fault> {
    let place = place_of(row.id);
    let text = app.key_ring.open(place, &row.credentials)?;
    Ok(ActiveModel {
        id: Set(row.id),
        credentials: Set(app.key_ring.seal(&app.ids, place, &text)?),
        ..Default::default()
    })
}
