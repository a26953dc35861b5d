//! The schema, put together from the slices' roots.

use async_graphql::{MergedObject, Schema, SchemaBuilder};

use crate::{
    accounts::{mutations::AccountMutations, queries::AccountQueries},
    brands::{mutations::BrandMutations, queries::BrandQueries},
    marketplace::{mutations::MarketplaceMutations, queries::MarketplaceQueries},
    partnerships::mutations::PartnershipMutations,
    programs::{mutations::ProgramMutations, queries::ProgramQueries},
};

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(AccountQueries, BrandQueries, ProgramQueries, MarketplaceQueries);

/// Everything that can be changed. Each mutation takes one `input`.
#[derive(Default, MergedObject)]
pub struct Mutation(
    AccountMutations,
    BrandMutations,
    ProgramMutations,
    MarketplaceMutations,
    PartnershipMutations,
);

pub type TributarySchema = Schema<Query, Mutation, async_graphql::EmptySubscription>;

#[must_use]
pub fn builder() -> SchemaBuilder<Query, Mutation, async_graphql::EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), async_graphql::EmptySubscription)
}
