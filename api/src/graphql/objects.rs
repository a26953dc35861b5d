//! Objects that several slices contribute fields to. Merging only: each slice keeps its own part in its own `types.rs`.

use async_graphql::{Context, ID, MergedObject};
use entity::{brand, partner, partnership, program};

use crate::{
    accounts::types::PartnerFields,
    brands::types::BrandFields,
    marketplace::types::ListingOfProgram,
    partnerships::types::{PartnershipFields, PartnershipsOfBrand, PartnershipsOfPartner},
    programs::types::{ProgramFields, ProgramsOfBrand},
};

/// An advertiser's organisation.
#[derive(Clone, MergedObject)]
pub struct Brand(BrandFields, ProgramsOfBrand, PartnershipsOfBrand);

impl From<brand::Model> for Brand {
    fn from(row: brand::Model) -> Self {
        let id = row.id;
        Self(row.into(), ProgramsOfBrand(id), PartnershipsOfBrand(id))
    }
}

/// A creator, affiliate or operator who promotes programs.
#[derive(Clone, MergedObject)]
pub struct Partner(PartnerFields, PartnershipsOfPartner);

impl From<partner::Model> for Partner {
    fn from(row: partner::Model) -> Self {
        let id = row.id;
        Self(row.into(), PartnershipsOfPartner(id))
    }
}

/// A brand's offer to partners: terms, attribution, commission rules and referral levels.
#[derive(Clone, MergedObject)]
pub struct Program(ProgramFields, ListingOfProgram);

impl From<program::Model> for Program {
    fn from(row: program::Model) -> Self {
        let id = row.id;
        Self(row.into(), ListingOfProgram(id))
    }
}

/// One partner in one program.
#[derive(Clone, MergedObject)]
pub struct Partnership(PartnershipFields);

impl From<partnership::Model> for Partnership {
    fn from(row: partnership::Model) -> Self {
        Self(row.into())
    }
}

/// The `Node` interface asks its objects for their id; a merged object has to pass the question on.
macro_rules! merged_ids {
    ($($object:ident),*) => {$(
        impl $object {
            pub async fn id(&self, _: &Context<'_>) -> async_graphql::Result<&ID> {
                Ok(&self.0.id)
            }
        }
    )*};
}

merged_ids!(Brand, Partner, Program, Partnership);
