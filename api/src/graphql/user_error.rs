//! What the refusals of all domains have in common, so that a client can show any of them without knowing which.

use async_graphql::Interface;

use crate::{
    accounts::error::AccountError,
    adjustments::error::AdjustmentError,
    brands::error::BrandError,
    conversions::error::ConversionError,
    jobs::error::DeadJobError,
    marketplace::{
        creators::error::CreatorError, error::ListingError, saved_searches::error::SavedSearchError,
        shortlists::error::MarkError,
    },
    members::error::MemberError,
    messages::error::MessageError,
    partnerships::error::PartnershipError,
    payouts::{
        batches::error::PayoutBatchError, error::PayoutError, files::error::PayoutFileError,
        methods::error::PayoutMethodError, rails::error::PayoutRailError, settings::error::PayoutSettingsError,
    },
    programs::error::ProgramError,
    store_credit::error::StoreCreditError,
    tracking::error::TrackingError,
};

/// Why something was refused, whatever the domain. Each domain's own type has a `code` besides.
#[derive(Clone, Debug, Interface)]
#[graphql(
    field(name = "message", ty = "&String", desc = "In words, for people."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "The input field the refusal is about, as a path; absent when it is about the whole."
    )
)]
pub enum UserError {
    Account(AccountError),
    Brand(BrandError),
    Member(MemberError),
    Program(ProgramError),
    Listing(ListingError),
    Mark(MarkError),
    SavedSearch(SavedSearchError),
    Creator(CreatorError),
    Partnership(PartnershipError),
    Message(MessageError),
    Tracking(TrackingError),
    Conversion(ConversionError),
    Adjustment(AdjustmentError),
    StoreCredit(StoreCreditError),
    PayoutSettings(PayoutSettingsError),
    Payout(PayoutError),
    PayoutMethod(PayoutMethodError),
    PayoutBatch(PayoutBatchError),
    PayoutFile(PayoutFileError),
    PayoutRail(PayoutRailError),
    DeadJob(DeadJobError),
}
