//! The schema, put together from the slices' roots.

use async_graphql::{MergedObject, MergedSubscription, Schema, SchemaBuilder};

use crate::{
    accounts::{mutations::AccountMutations, queries::AccountQueries},
    adjustments::mutations::AdjustmentMutations,
    brands::{mutations::BrandMutations, queries::BrandQueries},
    commissions::subscriptions::CommissionSubscriptions,
    conversions::{
        inbox::mutations::InboxMutations, mutations::ConversionMutations, subscriptions::ConversionSubscriptions,
    },
    graphql::{node::NodeQueries, nullable::NullableErrors, user_error::UserError},
    jobs::{mutations::JobMutations, queries::JobQueries},
    marketplace::{
        creators::{mutations::CreatorMutations, queries::CreatorQueries},
        matching::queries::MatchingQueries,
        mutations::MarketplaceMutations,
        queries::MarketplaceQueries,
        saved_searches::mutations::SavedSearchMutations,
        shortlists::mutations::ShortlistMutations,
    },
    members::mutations::MemberMutations,
    messages::{mutations::MessageMutations, subscriptions::MessageSubscriptions},
    partnerships::{
        mutations::PartnershipMutations, queries::PartnershipQueries, subscriptions::PartnershipSubscriptions,
    },
    payouts::{
        batches::mutations::PayoutBatchMutations, files::mutations::PayoutFileMutations,
        methods::mutations::PayoutMethodMutations, mutations::PayoutMutations, rails::mutations::PayoutRailMutations,
        settings::mutations::PayoutSettingsMutations, subscriptions::PayoutSubscriptions,
    },
    programs::{mutations::ProgramMutations, queries::ProgramQueries},
    store_credit::mutations::StoreCreditMutations,
    tracking::mutations::TrackingMutations,
};

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    NodeQueries,
    AccountQueries,
    BrandQueries,
    ProgramQueries,
    MarketplaceQueries,
    MatchingQueries,
    CreatorQueries,
    PartnershipQueries,
    JobQueries,
);

/// Everything that can be changed. Each mutation takes one `input`.
#[derive(Default, MergedObject)]
pub struct Mutation(
    AccountMutations,
    BrandMutations,
    MemberMutations,
    ProgramMutations,
    MarketplaceMutations,
    ShortlistMutations,
    SavedSearchMutations,
    CreatorMutations,
    PartnershipMutations,
    MessageMutations,
    TrackingMutations,
    ConversionMutations,
    InboxMutations,
    PayoutMutations,
    PayoutBatchMutations,
    PayoutFileMutations,
    PayoutMethodMutations,
    PayoutSettingsMutations,
    PayoutRailMutations,
    AdjustmentMutations,
    StoreCreditMutations,
    JobMutations,
);

/// Everything that can be watched. Each subscription has one root field.
#[derive(Default, MergedSubscription)]
pub struct Subscription(
    ConversionSubscriptions,
    CommissionSubscriptions,
    PartnershipSubscriptions,
    PayoutSubscriptions,
    MessageSubscriptions,
);

pub type TributarySchema = Schema<Query, Mutation, Subscription>;

/// Aliases of one document: they repeat a field under other names.
const MAX_ALIASES: usize = 15;
/// Directives of one field.
const MAX_DIRECTIVES: usize = 5;

/// The schema with the limits that need no knowledge of the caller; cost and depth are held in `graphql/cost.rs`.
#[must_use]
pub fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        // No field answers with the interface itself; it is for fragments on `userErrors`, so it has to be named here.
        .register_output_type::<UserError>()
        .extension(NullableErrors)
        .limit_aliases(MAX_ALIASES)
        .limit_directives(MAX_DIRECTIVES)
}

/// The contract as a file. The same text for the same schema, whatever the process.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two types of one name are a panic when the schema is put together, not an error when it is compiled.
    #[test]
    fn the_schema_holds_together() {
        let sdl = sdl();
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
