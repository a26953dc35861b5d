//! The schema, put together from the slices' roots.

use async_graphql::{MergedObject, Schema, SchemaBuilder};

use crate::{
    accounts::{mutations::AccountMutations, queries::AccountQueries},
    brands::{mutations::BrandMutations, queries::BrandQueries},
};

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(AccountQueries, BrandQueries);

/// Everything that can be changed. Each mutation takes one `input`.
#[derive(Default, MergedObject)]
pub struct Mutation(AccountMutations, BrandMutations);

pub type TributarySchema = Schema<Query, Mutation, async_graphql::EmptySubscription>;

/// Aliases of one document: they repeat a field under other names.
const MAX_ALIASES: usize = 15;
/// Directives of one field.
const MAX_DIRECTIVES: usize = 5;

/// The schema with the limits that need no knowledge of the caller; cost and depth are held in `graphql/cost.rs`.
#[must_use]
pub fn builder() -> SchemaBuilder<Query, Mutation, async_graphql::EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), async_graphql::EmptySubscription)
        .limit_aliases(MAX_ALIASES)
        .limit_directives(MAX_DIRECTIVES)
}

/// The contract as a file. The same text for the same schema, whatever the process.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}
