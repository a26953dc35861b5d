//! Who may do what, once, as data. Services ask it through [`Actor::authorise`](super::actor::Actor::authorise); the
//! authorisation tests are generated from it, and fail when an operation has no case.
//!
//! An operation is named after its field of the schema (`Mutation.publishListing`, `Brand.payouts`); the `/track`
//! endpoints are the same operations as their mutations. A door without a mutation is named after its path (`Track.click`).

use entity::{
    api_key::{ApiKeyKind, KeyScope, KeyScopes},
    brand_member::BrandRole,
};

/// What an actor can be at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Anonymous,
    SignedIn,
    PartnerMember,
    Owner,
    Admin,
    Manager,
    Finance,
    Analyst,
    Developer,
    SecretKey,
    PublishableKey,
    PlatformAdmin,
}

impl Role {
    pub const ALL: [Self; 12] = [
        Self::Anonymous,
        Self::SignedIn,
        Self::PartnerMember,
        Self::Owner,
        Self::Admin,
        Self::Manager,
        Self::Finance,
        Self::Analyst,
        Self::Developer,
        Self::SecretKey,
        Self::PublishableKey,
        Self::PlatformAdmin,
    ];
}

impl From<BrandRole> for Role {
    fn from(role: BrandRole) -> Self {
        match role {
            BrandRole::Owner => Self::Owner,
            BrandRole::Admin => Self::Admin,
            BrandRole::Manager => Self::Manager,
            BrandRole::Finance => Self::Finance,
            BrandRole::Analyst => Self::Analyst,
            BrandRole::Developer => Self::Developer,
        }
    }
}

impl From<ApiKeyKind> for Role {
    fn from(kind: ApiKeyKind) -> Self {
        match kind {
            ApiKeyKind::Secret => Self::SecretKey,
            ApiKeyKind::Publishable => Self::PublishableKey,
        }
    }
}

use Role::{
    Admin, Analyst, Developer, Finance, Manager, Owner, PartnerMember, PlatformAdmin, PublishableKey, SecretKey,
    SignedIn,
};

const PLATFORM: &[Role] = &[PlatformAdmin];
const EVERYONE: &[Role] = &Role::ALL;
const PEOPLE: &[Role] = &[SignedIn];
const PARTNER: &[Role] = &[PartnerMember];
const PARTNER_SEES: &[Role] = &[PartnerMember, PlatformAdmin];
/// Everyone in the brand, to look.
const TEAM: &[Role] = &[Owner, Admin, Manager, Finance, Analyst, Developer, PlatformAdmin];
const TEAM_AND_SERVER: &[Role] = &[
    Owner,
    Admin,
    Manager,
    Finance,
    Analyst,
    Developer,
    SecretKey,
    PlatformAdmin,
];
const MANAGERS: &[Role] = &[Owner, Admin, Manager];
const MANAGERS_OR_PARTNER: &[Role] = &[Owner, Admin, Manager, PartnerMember];
const TEAM_OR_PARTNER: &[Role] = &[
    Owner,
    Admin,
    Manager,
    Finance,
    Analyst,
    Developer,
    PartnerMember,
    PlatformAdmin,
];
const MEMBERS: &[Role] = &[Owner, Admin, Manager, Finance, Analyst, Developer];
const MEMBERS_OR_PARTNER: &[Role] = &[Owner, Admin, Manager, Finance, Analyst, Developer, PartnerMember];
const PEOPLE_KEEPERS: &[Role] = &[Owner, Admin];
const PEOPLE_KEEPERS_SEE: &[Role] = &[Owner, Admin, PlatformAdmin];
const KEY_HOLDERS: &[Role] = &[Owner, Admin, Developer];
const RECORDERS: &[Role] = &[Owner, Admin, Developer, SecretKey];
/// What was refused, to look: whoever may record, and the platform.
const RECORDERS_SEE: &[Role] = &[Owner, Admin, Developer, SecretKey, PlatformAdmin];
const KEYS: &[Role] = &[SecretKey, PublishableKey];
const REVIEWERS: &[Role] = &[Owner, Admin, Manager, Finance];
const MONEY_SEES: &[Role] = &[Owner, Admin, Finance, Analyst, PlatformAdmin];
const MONEY_OR_PARTNER: &[Role] = &[Owner, Admin, Finance, Analyst, PartnerMember, PlatformAdmin];
const MONEY_PREPARES: &[Role] = &[Owner, Admin, Finance];
const MONEY_RELEASES: &[Role] = &[Owner, Finance];

macro_rules! operations {
    ($($operation:ident = $name:literal => $allowed:expr;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $($operation),*
        }

        impl Operation {
            pub const ALL: &[Self] = &[$(Self::$operation),*];

            /// The field of the schema, or the door, that it guards.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name),*
                }
            }

            /// The roles that may.
            #[must_use]
            pub fn allowed(self) -> &'static [Role] {
                match self {
                    $(Self::$operation => $allowed),*
                }
            }
        }
    };
}

operations! {
    SeeViewer = "Query.viewer" => PEOPLE;
    SeeSessions = "Viewer.sessions" => PEOPLE;
    SeeNode = "Query.node" => EVERYONE;
    SeeNodes = "Query.nodes" => EVERYONE;
    SearchListings = "Query.marketplaceListings" => EVERYONE;
    SuggestOfMarketplace = "Query.marketplaceSuggestions" => EVERYONE;
    SearchBrands = "Query.marketplaceBrands" => EVERYONE;
    SeeSimilarListings = "Query.similarListings" => EVERYONE;
    SeeRecommendedListings = "Query.recommendedListings" => PARTNER;
    // In a brand's name: what creators tell is for brands, not for everybody.
    SearchCreators = "Query.marketplaceCreators" => TEAM;
    SeeRecommendedCreators = "Query.recommendedCreators" => TEAM;
    SeeBrand = "Query.brand" => EVERYONE;
    SeeProgram = "Query.program" => EVERYONE;
    SeeMailedInvitation = "Query.programInvitation" => EVERYONE;
    SeePartner = "Query.partner" => PARTNER_SEES;
    SeeDeadJobs = "Query.deadJobs" => PLATFORM;

    SeeMembers = "Brand.members" => TEAM;
    SeeMemberInvitations = "Brand.memberInvitations" => PEOPLE_KEEPERS_SEE;
    SeeApiKeys = "Brand.apiKeys" => KEY_HOLDERS;
    SeeAuditLog = "Brand.auditLog" => PEOPLE_KEEPERS_SEE;
    SeePrograms = "Brand.programs" => TEAM;
    SeeApplications = "Brand.applications" => TEAM;
    SeePartnerships = "Brand.partnerships" => TEAM;
    SeeConversions = "Brand.conversions" => TEAM;
    SeeRefusedEvents = "Brand.refusedEvents" => RECORDERS_SEE;
    SeeCommissions = "Brand.commissions" => TEAM;
    SeePayouts = "Brand.payouts" => MONEY_SEES;
    SeePayoutSettings = "Brand.payoutSettings" => MONEY_SEES;
    SeePayoutQueue = "Brand.payoutQueue" => MONEY_SEES;
    PreviewPayouts = "Brand.payoutPreview" => MONEY_SEES;
    SeePayoutBatches = "Brand.payoutBatches" => MONEY_SEES;
    SeePayoutRails = "Brand.payoutRails" => MONEY_SEES;
    SeeStoreCreditTransfers = "Brand.storeCreditTransfers" => MONEY_SEES;
    SeeLedger = "Brand.ledgerBalances" => MONEY_SEES;
    SeeCreatorMarks = "Brand.creatorMarks" => MEMBERS;
    SeeMessageThreads = "Brand.messageThreads" => TEAM;

    SeeOwnMembers = "Partner.members" => PARTNER_SEES;
    SeeOwnMemberInvitations = "Partner.memberInvitations" => PARTNER_SEES;
    SeeOwnApplications = "Partner.applications" => PARTNER_SEES;
    SeeOwnProgramInvitations = "Partner.programInvitations" => PARTNER_SEES;
    SeeOwnPartnerships = "Partner.partnerships" => PARTNER_SEES;
    SeeOwnConversions = "Partner.conversions" => PARTNER_SEES;
    SeeOwnCommissions = "Partner.commissions" => PARTNER_SEES;
    SeeOwnPayouts = "Partner.payouts" => PARTNER_SEES;
    SeePayoutMethods = "Partner.payoutMethods" => PARTNER;
    SeeListingMarks = "Partner.listingMarks" => PARTNER;
    SeeSavedSearches = "Partner.savedSearches" => PARTNER;
    SeeOwnMessageThreads = "Partner.messageThreads" => PARTNER_SEES;

    SeeListingQuality = "Listing.quality" => TEAM;
    SeePartnerGroups = "Program.groups" => TEAM;
    SeeProgramInvitations = "Program.invitations" => TEAM;
    SeeEligibility = "Program.eligibility" => PARTNER;
    SeePartnershipsOfGroup = "PartnerGroup.partnerships" => TEAM;

    SeeLinks = "Partnership.trackingLinks" => TEAM_OR_PARTNER;
    SeePromoCodes = "Partnership.promoCodes" => TEAM_OR_PARTNER;
    SeeRecruits = "Partnership.recruits" => TEAM_OR_PARTNER;
    SeeTermsAcceptances = "Partnership.termsAcceptances" => TEAM_OR_PARTNER;
    SeeEffectiveRules = "Partnership.effectiveRules" => TEAM_OR_PARTNER;
    SeeBalances = "Partnership.balances" => TEAM_OR_PARTNER;
    SeeWithdrawable = "Partnership.withdrawableBalances" => TEAM_OR_PARTNER;
    SeeAdjustments = "Partnership.adjustments" => MONEY_OR_PARTNER;
    // And as a file of comma-separated values: `/statements/{partnership}.csv`.
    SeeStatement = "Partnership.statement" => MONEY_OR_PARTNER;
    SeeStoreCreditTransfersOfPartnership = "Partnership.storeCreditTransfers" => MONEY_OR_PARTNER;
    SeeStoreCredit = "Customer.storeCredit" => MONEY_SEES;
    SeeStoreCreditStatement = "Customer.storeCreditStatement" => MONEY_SEES;
    SeeMessages = "MessageThread.messages" => TEAM_OR_PARTNER;

    SignUp = "Mutation.signUp" => EVERYONE;
    SignIn = "Mutation.signIn" => EVERYONE;
    RefreshSession = "Mutation.refreshSession" => EVERYONE;
    SignOut = "Mutation.signOut" => EVERYONE;
    RevokeSession = "Mutation.revokeSession" => PEOPLE;
    RevokeOtherSessions = "Mutation.revokeOtherSessions" => PEOPLE;
    ChangePassword = "Mutation.changePassword" => PEOPLE;
    RequestPasswordReset = "Mutation.requestPasswordReset" => EVERYONE;
    ResetPassword = "Mutation.resetPassword" => EVERYONE;
    VerifyEmail = "Mutation.verifyEmail" => EVERYONE;
    ResendVerification = "Mutation.resendVerification" => EVERYONE;
    ChangeEmail = "Mutation.changeEmail" => PEOPLE;
    CreateBrand = "Mutation.createBrand" => PEOPLE;
    CreatePartner = "Mutation.createPartner" => PEOPLE;
    UpdatePartner = "Mutation.updatePartner" => PARTNER;
    UpdateCreatorProfile = "Mutation.updateCreatorProfile" => PARTNER;
    AddCreatorChannel = "Mutation.addCreatorChannel" => PARTNER;
    UpdateCreatorChannel = "Mutation.updateCreatorChannel" => PARTNER;
    SetCreatorAudience = "Mutation.setCreatorAudience" => PARTNER;
    SetCreatorRates = "Mutation.setCreatorRates" => PARTNER;
    PublishCreatorProfile = "Mutation.publishCreatorProfile" => PARTNER;
    HideCreatorProfile = "Mutation.hideCreatorProfile" => PARTNER;
    RequestChannelVerification = "Mutation.requestChannelVerification" => PARTNER;
    VerifyChannel = "Mutation.verifyChannel" => PARTNER;
    RemoveCreatorChannel = "Mutation.removeCreatorChannel" => PARTNER;
    SetCreatorVetting = "Mutation.setCreatorVetting" => PLATFORM;
    CreateApiKey = "Mutation.createApiKey" => KEY_HOLDERS;
    RotateApiKey = "Mutation.rotateApiKey" => KEY_HOLDERS;
    RevokeApiKey = "Mutation.revokeApiKey" => KEY_HOLDERS;

    InviteBrandMember = "Mutation.inviteBrandMember" => PEOPLE_KEEPERS;
    InvitePartnerMember = "Mutation.invitePartnerMember" => PARTNER;
    ResendBrandMemberInvitation = "Mutation.resendBrandMemberInvitation" => PEOPLE_KEEPERS;
    ResendPartnerMemberInvitation = "Mutation.resendPartnerMemberInvitation" => PARTNER;
    RevokeBrandMemberInvitation = "Mutation.revokeBrandMemberInvitation" => PEOPLE_KEEPERS;
    RevokePartnerMemberInvitation = "Mutation.revokePartnerMemberInvitation" => PARTNER;
    AcceptMemberInvitation = "Mutation.acceptMemberInvitation" => PEOPLE;
    DeclineMemberInvitation = "Mutation.declineMemberInvitation" => PEOPLE;
    ChangeBrandMemberRole = "Mutation.changeBrandMemberRole" => PEOPLE_KEEPERS;
    TransferBrandOwnership = "Mutation.transferBrandOwnership" => &[Owner];
    RemoveBrandMember = "Mutation.removeBrandMember" => PEOPLE_KEEPERS;
    LeaveBrand = "Mutation.leaveBrand" => MEMBERS;
    RemovePartnerMember = "Mutation.removePartnerMember" => PARTNER;
    LeavePartner = "Mutation.leavePartner" => PARTNER;

    CreateProgram = "Mutation.createProgram" => MANAGERS;
    UpdateProgram = "Mutation.updateProgram" => MANAGERS;
    ActivateProgram = "Mutation.activateProgram" => MANAGERS;
    PauseProgram = "Mutation.pauseProgram" => MANAGERS;
    ArchiveProgram = "Mutation.archiveProgram" => MANAGERS;
    CreateCommissionRule = "Mutation.createCommissionRule" => MANAGERS;
    ArchiveCommissionRule = "Mutation.archiveCommissionRule" => MANAGERS;
    SetReferralLevels = "Mutation.setReferralLevels" => MANAGERS;
    CreatePartnerGroup = "Mutation.createPartnerGroup" => MANAGERS;
    UpdatePartnerGroup = "Mutation.updatePartnerGroup" => MANAGERS;
    ArchivePartnerGroup = "Mutation.archivePartnerGroup" => MANAGERS;
    SetDefaultPartnerGroup = "Mutation.setDefaultPartnerGroup" => MANAGERS;
    SetQuestionnaire = "Mutation.setQuestionnaire" => MANAGERS;
    SetAdmissionPolicy = "Mutation.setAdmissionPolicy" => MANAGERS;
    CreateListing = "Mutation.createListing" => MANAGERS;
    UpdateListing = "Mutation.updateListing" => MANAGERS;
    PublishListing = "Mutation.publishListing" => MANAGERS;
    PauseListing = "Mutation.pauseListing" => MANAGERS;
    ArchiveListing = "Mutation.archiveListing" => MANAGERS;
    FeatureListing = "Mutation.featureListing" => PLATFORM;
    MarkListing = "Mutation.markListing" => PARTNER;
    SaveSearch = "Mutation.saveSearch" => PARTNER;
    UpdateSavedSearch = "Mutation.updateSavedSearch" => PARTNER;
    MarkSavedSearchSeen = "Mutation.markSavedSearchSeen" => PARTNER;
    DeleteSavedSearch = "Mutation.deleteSavedSearch" => PARTNER;
    MarkCreator = "Mutation.markCreator" => MANAGERS;

    ApplyToProgram = "Mutation.applyToProgram" => PARTNER;
    SetApplicationFlag = "Mutation.setApplicationFlag" => MANAGERS;
    WithdrawApplication = "Mutation.withdrawApplication" => PARTNER;
    StartApplicationReview = "Mutation.startApplicationReview" => MANAGERS;
    ApproveApplication = "Mutation.approveApplication" => MANAGERS;
    RejectApplication = "Mutation.rejectApplication" => MANAGERS;
    CounterOffer = "Mutation.counterOffer" => MANAGERS_OR_PARTNER;
    AcceptOffer = "Mutation.acceptOffer" => MANAGERS_OR_PARTNER;
    DeclineOffer = "Mutation.declineOffer" => MANAGERS_OR_PARTNER;
    SuspendPartnership = "Mutation.suspendPartnership" => MANAGERS;
    ReactivatePartnership = "Mutation.reactivatePartnership" => MANAGERS;
    EndPartnership = "Mutation.endPartnership" => MANAGERS;
    LeaveProgram = "Mutation.leaveProgram" => PARTNER;
    AcceptProgramTerms = "Mutation.acceptProgramTerms" => PARTNER;
    BanPartnership = "Mutation.banPartnership" => MANAGERS;
    SetPartnershipReferrer = "Mutation.setPartnershipReferrer" => MANAGERS;
    InviteToProgram = "Mutation.inviteToProgram" => MANAGERS;
    InviteManyToProgram = "Mutation.inviteManyToProgram" => MANAGERS;
    ResendProgramInvitation = "Mutation.resendProgramInvitation" => MANAGERS;
    RevokeProgramInvitation = "Mutation.revokeProgramInvitation" => MANAGERS;
    AcceptProgramInvitation = "Mutation.acceptProgramInvitation" => PARTNER;
    DeclineProgramInvitation = "Mutation.declineProgramInvitation" => PEOPLE;
    SetPartnershipGroup = "Mutation.setPartnershipGroup" => MANAGERS;
    SetPartnershipGroups = "Mutation.setPartnershipGroups" => MANAGERS;

    SendMessage = "Mutation.sendMessage" => MANAGERS_OR_PARTNER;
    MarkThreadRead = "Mutation.markThreadRead" => MEMBERS_OR_PARTNER;

    CreateTrackingLink = "Mutation.createTrackingLink" => MANAGERS_OR_PARTNER;
    CreatePromoCode = "Mutation.createPromoCode" => MANAGERS_OR_PARTNER;

    RecordSignup = "Mutation.recordSignup" => RECORDERS;
    RecordLead = "Mutation.recordLead" => RECORDERS;
    RecordSale = "Mutation.recordSale" => RECORDERS;
    RecordRefund = "Mutation.recordRefund" => RECORDERS;
    AmendOrder = "Mutation.amendOrder" => RECORDERS;
    RecordCapture = "Mutation.recordCapture" => RECORDERS;
    RecordChargeback = "Mutation.recordChargeback" => RECORDERS;
    ResolveChargeback = "Mutation.resolveChargeback" => RECORDERS;
    RecordEvents = "Mutation.recordEvents" => RECORDERS;
    ReplayRefusedEvent = "Mutation.replayRefusedEvent" => RECORDERS;
    ReplayRefusedEvents = "Mutation.replayRefusedEvents" => RECORDERS;
    DismissRefusedEvent = "Mutation.dismissRefusedEvent" => RECORDERS;
    ClearTestEvents = "Mutation.clearTestEvents" => RECORDERS;
    ApproveConversion = "Mutation.approveConversion" => REVIEWERS;
    RejectConversion = "Mutation.rejectConversion" => REVIEWERS;

    RequestStoreCreditTransfer = "Mutation.requestStoreCreditTransfer" => PARTNER;
    WithdrawStoreCreditTransfer = "Mutation.withdrawStoreCreditTransfer" => PARTNER;
    ApproveStoreCreditTransfer = "Mutation.approveStoreCreditTransfer" => MONEY_RELEASES;
    RefuseStoreCreditTransfer = "Mutation.refuseStoreCreditTransfer" => MONEY_RELEASES;
    RedeemStoreCredit = "Mutation.redeemStoreCredit" => RECORDERS;

    CreatePayout = "Mutation.createPayout" => MONEY_PREPARES;
    ApprovePayout = "Mutation.approvePayout" => MONEY_RELEASES;
    MarkPayoutPaid = "Mutation.markPayoutPaid" => MONEY_RELEASES;
    CancelPayout = "Mutation.cancelPayout" => MONEY_PREPARES;
    RecallPayout = "Mutation.recallPayout" => MONEY_RELEASES;
    MarkPayoutUnpaid = "Mutation.markPayoutUnpaid" => MONEY_RELEASES;
    HoldPayouts = "Mutation.holdPayouts" => MONEY_PREPARES;
    ReleasePayoutHold = "Mutation.releasePayoutHold" => MONEY_RELEASES;
    CreatePayoutBatch = "Mutation.createPayoutBatch" => MONEY_PREPARES;
    ApprovePayoutBatch = "Mutation.approvePayoutBatch" => MONEY_RELEASES;
    SubmitPayoutBatch = "Mutation.submitPayoutBatch" => MONEY_RELEASES;
    CancelPayoutBatch = "Mutation.cancelPayoutBatch" => MONEY_PREPARES;
    ExportPayoutFile = "Mutation.exportPayoutFile" => MONEY_RELEASES;
    ImportPayoutResults = "Mutation.importPayoutResults" => MONEY_RELEASES;
    RecordPayoutFunding = "Mutation.recordPayoutFunding" => MONEY_RELEASES;
    AdjustBalance = "Mutation.adjustBalance" => MONEY_RELEASES;
    ChargeShippingPenalty = "Mutation.chargeShippingPenalty" => MONEY_RELEASES;
    WriteOffBalance = "Mutation.writeOffBalance" => MONEY_RELEASES;
    ReleaseReserve = "Mutation.releaseReserve" => MONEY_RELEASES;
    UpdatePayoutSettings = "Mutation.updatePayoutSettings" => MONEY_RELEASES;
    ConnectPayoutRail = "Mutation.connectPayoutRail" => MONEY_RELEASES;
    DisconnectPayoutRail = "Mutation.disconnectPayoutRail" => MONEY_RELEASES;

    AddPayoutMethod = "Mutation.addPayoutMethod" => PARTNER;
    SetPreferredPayoutMethod = "Mutation.setPreferredPayoutMethod" => PARTNER;
    RemovePayoutMethod = "Mutation.removePayoutMethod" => PARTNER;

    RetryDeadJob = "Mutation.retryDeadJob" => PLATFORM;
    DiscardDeadJob = "Mutation.discardDeadJob" => PLATFORM;
    TrackClick = "Track.click" => KEYS;

    ConversionFeed = "Subscription.conversionFeed" => TEAM_AND_SERVER;
    EarningsFeed = "Subscription.earningsFeed" => PARTNER_SEES;
    ApplicationFeed = "Subscription.applicationFeed" => TEAM;
    PayoutFeed = "Subscription.payoutFeed" => MONEY_SEES;
    // Of a brand; a partner's is open to whoever sees its threads.
    MessageFeed = "Subscription.messageFeed" => TEAM;
}

/// What shows or decides about what counts: closed to test keys. What they record stands in a book of its own.
const LIVE_ONLY: &[Operation] = &[
    Operation::SeeRefusedEvents,
    Operation::ReplayRefusedEvent,
    Operation::ReplayRefusedEvents,
    Operation::DismissRefusedEvent,
    Operation::ConversionFeed,
    Operation::RedeemStoreCredit,
];

impl Operation {
    /// Whether a test key may do it, if its kind may.
    #[must_use]
    pub fn is_open_to_tests(self) -> bool {
        !LIVE_ONLY.contains(&self)
    }

    /// What a key must have been given for it, beside being of a kind that may.
    #[must_use]
    pub fn key_scope(self) -> Option<KeyScope> {
        match self {
            Self::RecordSignup
            | Self::RecordLead
            | Self::RecordSale
            | Self::RecordEvents
            | Self::AmendOrder
            | Self::RecordCapture
            | Self::SeeRefusedEvents
            | Self::ReplayRefusedEvent
            | Self::ReplayRefusedEvents
            | Self::DismissRefusedEvent
            | Self::ClearTestEvents => Some(KeyScope::RecordEvents),
            Self::RecordRefund | Self::RecordChargeback | Self::ResolveChargeback => Some(KeyScope::RecordRefunds),
            Self::ConversionFeed => Some(KeyScope::ReadConversions),
            Self::TrackClick => Some(KeyScope::TrackClicks),
            Self::RedeemStoreCredit => Some(KeyScope::RedeemStoreCredit),
            _ => None,
        }
    }
}

/// Every scope a key of this kind may have.
#[must_use]
pub fn scopes_of(kind: ApiKeyKind) -> KeyScopes {
    Operation::ALL
        .iter()
        .filter(|operation| operation.allowed().contains(&kind.into()))
        .filter_map(|operation| operation.key_scope())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_named_once() {
        let mut names: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Operation::ALL.len());
    }

    #[test]
    fn what_a_key_may_do_takes_a_scope_unless_it_is_open_to_all() {
        for operation in Operation::ALL {
            let keys = [Role::SecretKey, Role::PublishableKey];
            let for_keys = keys.iter().any(|key| operation.allowed().contains(key));
            let open = operation.allowed() == EVERYONE;
            assert_eq!(
                operation.key_scope().is_some(),
                for_keys && !open,
                "{}",
                operation.name()
            );
        }
    }

    #[test]
    fn a_publishable_key_has_no_scope_that_a_server_needs() {
        for scope in [
            KeyScope::RecordEvents,
            KeyScope::RecordRefunds,
            KeyScope::ReadConversions,
            KeyScope::RedeemStoreCredit,
        ] {
            assert!(scopes_of(ApiKeyKind::Secret).contains(scope));
            assert!(!scopes_of(ApiKeyKind::Publishable).contains(scope));
        }
    }

    #[test]
    fn a_publishable_key_moves_no_money() {
        for operation in [
            Operation::RecordSale,
            Operation::CreatePayout,
            Operation::RedeemStoreCredit,
            Operation::SeeConversions,
        ] {
            assert!(!operation.allowed().contains(&Role::PublishableKey));
        }
    }
}
