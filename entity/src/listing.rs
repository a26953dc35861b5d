//! A program's face in the marketplace.

use sea_orm::entity::prelude::*;

use sea_orm::{ActiveEnum, Iterable};

use crate::ids::{BrandId, ListingId, ProgramId};
use crate::scope::tenant_scoped;

/// DRAFT → PUBLISHED ⇄ PAUSED → ARCHIVED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ListingState {
    Draft,
    Published,
    Paused,
    Archived,
}

/// A way in which a brand says it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutMethod {
    BankTransfer,
    Upi,
    Paypal,
    Stripe,
    StoreCredit,
    Other,
}

/// A set of them, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PayoutMethods(u8);

impl PayoutMethods {
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = PayoutMethod> {
        PayoutMethod::iter().filter(move |method| self.0 & (1 << *method as u8) != 0)
    }

    /// As the column keeps it: names with commas between.
    #[must_use]
    pub fn to_text(self) -> String {
        let names: Vec<String> = self.iter().map(|method| method.to_value()).collect();
        names.join(",")
    }

    /// A name that is no method any more gives nothing.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        text.split(',')
            .filter_map(|name| PayoutMethod::try_from_value(&name.to_owned()).ok())
            .collect()
    }
}

impl FromIterator<PayoutMethod> for PayoutMethods {
    fn from_iter<I: IntoIterator<Item = PayoutMethod>>(methods: I) -> Self {
        Self(methods.into_iter().fold(0, |bits, method| bits | (1 << method as u8)))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "listings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ListingId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    pub state: ListingState,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub pitch: String,
    /// Lower-case slug.
    #[sea_orm(column_type = "Text")]
    pub category: String,
    /// ISO 3166-1 alpha-2 codes, comma-separated, sorted; empty means everywhere.
    #[sea_orm(column_type = "Text")]
    pub countries: String,
    /// Names of [`PayoutMethod`], comma-separated; empty while the brand has not said.
    #[sea_orm(column_type = "Text")]
    pub payout_methods: String,
    /// The platform shows it first until then.
    pub featured_until: Option<DateTimeUtc>,
    /// Title, pitch, category and brand, folded for the database search.
    #[sea_orm(column_type = "Text")]
    pub search_text: String,
    pub created_at: DateTimeUtc,
    pub published_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
