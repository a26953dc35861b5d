//! Objects that several slices contribute fields to. Merging only: each slice keeps its own part in its own `types.rs`.

use async_graphql::{Context, ID, MergedObject};
use entity::{brand, conversion, customer, partner, partner_group, partnership, program};

use crate::{
    accounts::types::PartnerFields,
    adjustments::types::AdjustmentsOfPartnership,
    brands::types::BrandFields,
    commissions::{
        rules::Holder,
        types::{
            CommissionsOfBrand, CommissionsOfConversion, CommissionsOfPartner, CommissionsOfPartnership,
            RulesOfPartnership,
        },
    },
    conversions::inbox::types::InboxOfBrand,
    conversions::types::{ConversionFields, ConversionsOfBrand, ConversionsOfPartner, CustomerFields},
    ledger::types::{BalancesOfPartnership, LedgerOfBrand},
    marketplace::{
        creators::types::CreatorOfPartner,
        saved_searches::types::SavedSearchesOfPartner,
        shortlists::types::{MarksOfBrand, MarksOfPartner},
        trust::types::TrustOfPartner,
        types::ListingOfProgram,
    },
    members::types::{MembersOfBrand, MembersOfPartner},
    messages::types::{ThreadOfPartnership, ThreadsOfBrand, ThreadsOfPartner},
    partnerships::types::{
        EligibilityOfProgram, InvitationsOfPartner, InvitationsOfProgram, PartnershipFields, PartnershipsOfBrand,
        PartnershipsOfGroup, PartnershipsOfPartner,
    },
    payouts::{
        batches::types::BatchesOfBrand,
        methods::types::MethodsOfPartner,
        queue::types::{QueueOfBrand, WithdrawableOfPartnership},
        rails::types::PayoutRailsOfBrand,
        settings::types::PayoutSettingsOfBrand,
        statement::types::StatementOfPartnership,
        types::{PayoutsOfBrand, PayoutsOfPartner},
    },
    programs::types::{PartnerGroupFields, ProgramFields, ProgramsOfBrand},
    store_credit::types::{StoreCreditOfBrand, StoreCreditOfCustomer, StoreCreditOfPartnership},
    tracking::types::TrackingOfPartnership,
};

/// An advertiser's organisation.
#[derive(Clone, MergedObject)]
pub struct Brand(
    BrandFields,
    MembersOfBrand,
    ProgramsOfBrand,
    PartnershipsOfBrand,
    ConversionsOfBrand,
    InboxOfBrand,
    CommissionsOfBrand,
    PayoutsOfBrand,
    QueueOfBrand,
    BatchesOfBrand,
    PayoutSettingsOfBrand,
    PayoutRailsOfBrand,
    LedgerOfBrand,
    StoreCreditOfBrand,
    MarksOfBrand,
    ThreadsOfBrand,
);

impl From<brand::Model> for Brand {
    fn from(row: brand::Model) -> Self {
        let brand = row.id;
        Self(
            row.into(),
            MembersOfBrand(brand),
            ProgramsOfBrand(brand),
            PartnershipsOfBrand(brand),
            ConversionsOfBrand(brand),
            InboxOfBrand(brand),
            CommissionsOfBrand { brand },
            PayoutsOfBrand(brand),
            QueueOfBrand(brand),
            BatchesOfBrand(brand),
            PayoutSettingsOfBrand(brand),
            PayoutRailsOfBrand(brand),
            LedgerOfBrand(brand),
            StoreCreditOfBrand(brand),
            MarksOfBrand(brand),
            ThreadsOfBrand(brand),
        )
    }
}

/// A creator, affiliate or operator who promotes programs.
#[derive(Clone, MergedObject)]
pub struct Partner(
    PartnerFields,
    CreatorOfPartner,
    MembersOfPartner,
    PartnershipsOfPartner,
    InvitationsOfPartner,
    ConversionsOfPartner,
    CommissionsOfPartner,
    PayoutsOfPartner,
    MethodsOfPartner,
    MarksOfPartner,
    SavedSearchesOfPartner,
    TrustOfPartner,
    ThreadsOfPartner,
);

impl From<partner::Model> for Partner {
    fn from(row: partner::Model) -> Self {
        let partner = row.id;
        Self(
            row.into(),
            CreatorOfPartner(partner),
            MembersOfPartner(partner),
            PartnershipsOfPartner(partner),
            InvitationsOfPartner(partner),
            ConversionsOfPartner(partner),
            CommissionsOfPartner { partner },
            PayoutsOfPartner(partner),
            MethodsOfPartner(partner),
            MarksOfPartner(partner),
            SavedSearchesOfPartner(partner),
            TrustOfPartner(partner),
            ThreadsOfPartner(partner),
        )
    }
}

/// A brand's offer to partners: terms, attribution, commission rules and referral levels.
#[derive(Clone, MergedObject)]
pub struct Program(
    ProgramFields,
    ListingOfProgram,
    EligibilityOfProgram,
    InvitationsOfProgram,
);

impl From<program::Model> for Program {
    fn from(row: program::Model) -> Self {
        let (program, brand) = (row.id, row.brand_id);
        Self(
            row.into(),
            ListingOfProgram(program),
            EligibilityOfProgram(program),
            InvitationsOfProgram { program, brand },
        )
    }
}

/// Some of a program's partnerships, with terms of their own.
#[derive(Clone, MergedObject)]
pub struct PartnerGroup(PartnerGroupFields, PartnershipsOfGroup);

impl From<partner_group::Model> for PartnerGroup {
    fn from(row: partner_group::Model) -> Self {
        let (group, brand) = (row.id, row.brand_id);
        Self(row.into(), PartnershipsOfGroup { group, brand })
    }
}

/// One partner in one program.
#[derive(Clone, MergedObject)]
pub struct Partnership(
    PartnershipFields,
    TrackingOfPartnership,
    BalancesOfPartnership,
    WithdrawableOfPartnership,
    AdjustmentsOfPartnership,
    StatementOfPartnership,
    StoreCreditOfPartnership,
    CommissionsOfPartnership,
    RulesOfPartnership,
    ThreadOfPartnership,
);

impl From<partnership::Model> for Partnership {
    fn from(row: partnership::Model) -> Self {
        let (partnership, brand, partner, program) = (row.id, row.brand_id, row.partner_id, row.program_id);
        let holder = Holder::from(&row);
        Self(
            row.into(),
            TrackingOfPartnership {
                partnership,
                brand,
                partner,
            },
            BalancesOfPartnership {
                partnership,
                brand,
                partner,
            },
            WithdrawableOfPartnership {
                partnership,
                brand,
                partner,
            },
            AdjustmentsOfPartnership {
                partnership,
                brand,
                partner,
            },
            StatementOfPartnership {
                partnership,
                brand,
                partner,
            },
            StoreCreditOfPartnership {
                partnership,
                brand,
                partner,
            },
            CommissionsOfPartnership {
                partnership,
                brand,
                partner,
            },
            RulesOfPartnership {
                holder,
                program,
                brand,
                partner,
            },
            ThreadOfPartnership { program, partner },
        )
    }
}

/// One event worth something, credited or not.
#[derive(Clone, MergedObject)]
pub struct Conversion(ConversionFields, CommissionsOfConversion);

impl From<conversion::Model> for Conversion {
    fn from(row: conversion::Model) -> Self {
        let id = row.id;
        Self(row.into(), CommissionsOfConversion(id))
    }
}

/// A brand's buyer.
#[derive(Clone, Debug, MergedObject)]
pub struct Customer(CustomerFields, StoreCreditOfCustomer);

impl From<customer::Model> for Customer {
    fn from(row: customer::Model) -> Self {
        let (customer, brand) = (row.id, row.brand_id);
        Self(row.into(), StoreCreditOfCustomer { customer, brand })
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

merged_ids!(Brand, Partner, Program, PartnerGroup, Partnership, Conversion, Customer);
