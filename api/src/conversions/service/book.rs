//! Which book an event stands in: those that count, or those for trying things out.

use entity::{api_key::ApiKeyMode, ids::BrandId};
use uuid::Uuid;

use crate::accounts::actor::Actor;

/// Tells the idempotency keys of a brand's test events from those of the others: under the brand's id they would meet.
const TEST_KEYS: u128 = 0x7465_7374_6564_0000_0000_0000_0000_0001;

/// A brand's events of one mode. What an event names by the brand's own ids is looked for in its own book, so that the same
/// order may stand in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Book {
    pub brand: BrandId,
    pub mode: ApiKeyMode,
}

impl Book {
    /// The one that this actor writes.
    #[must_use]
    pub fn of(actor: &Actor, brand: BrandId) -> Self {
        Self {
            brand,
            mode: actor.mode,
        }
    }

    /// The tenant of its idempotency keys.
    #[must_use]
    pub fn keys(self) -> Uuid {
        match self.mode {
            ApiKeyMode::Live => self.brand.0,
            ApiKeyMode::Test => Uuid::from_u128(self.brand.0.as_u128() ^ TEST_KEYS),
        }
    }
}
