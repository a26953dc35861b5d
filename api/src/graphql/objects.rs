//! Objects that several slices contribute fields to. Merging only: each slice keeps its own part in its own `types.rs`.

use async_graphql::MergedObject;
use entity::{brand, partner};

use crate::{accounts::types::PartnerFields, brands::types::BrandFields};

/// An advertiser's organisation.
#[derive(Clone, MergedObject)]
pub struct Brand(BrandFields);

impl From<brand::Model> for Brand {
    fn from(row: brand::Model) -> Self {
        Self(row.into())
    }
}

/// A creator, affiliate or operator who promotes programs.
#[derive(Clone, MergedObject)]
pub struct Partner(PartnerFields);

impl From<partner::Model> for Partner {
    fn from(row: partner::Model) -> Self {
        Self(row.into())
    }
}
