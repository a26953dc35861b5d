//! The schema, put together from the slices' roots.

use async_graphql::{MergedObject, Schema, SchemaBuilder};

use crate::{
    accounts::{mutations::AccountMutations, queries::AccountQueries},
    brands::{mutations::BrandMutations, queries::BrandQueries},
    graphql::{node::NodeQueries, user_error::UserError},
    marketplace::{mutations::MarketplaceMutations, queries::MarketplaceQueries},
    partnerships::mutations::PartnershipMutations,
    programs::{mutations::ProgramMutations, queries::ProgramQueries},
};

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    NodeQueries,
    AccountQueries,
    BrandQueries,
    ProgramQueries,
    MarketplaceQueries,
);

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
    // No field answers with the interface itself; it is for fragments on `userErrors`, so it has to be named here.
    Schema::build(Query::default(), Mutation::default(), async_graphql::EmptySubscription)
        .register_output_type::<UserError>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two types of one name are a panic when the schema is put together, not an error when it is compiled.
    #[test]
    fn the_schema_holds_together() {
        let sdl = builder().finish().sdl();
        for expected in [
            "interface Node {",
            "interface UserError {",
            "type Program implements Node {",
            "type PartnershipError implements UserError {",
        ] {
            assert!(sdl.contains(expected), "{expected}");
        }
    }
}
