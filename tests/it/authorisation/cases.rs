//! How each operation is tried. The match has no arm for "the rest", so an operation without a case does not compile.

use serde_json::{Value, json};
use tributary::accounts::permissions::Operation;

use super::world::{CODE, SLUG, World, sale};
use crate::support::builders::PASSWORD;

/// How an operation is tried.
pub struct Case {
    pub document: String,
    pub variables: Value,
    pub transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Http,
    Socket,
    /// A plain door; the document is its path, the variables are its body.
    Door,
}

fn query(document: &str, variables: Value) -> Case {
    Case {
        document: document.to_owned(),
        variables,
        transport: Transport::Http,
    }
}

/// A list of a brand or a partner.
fn list(root: &str, id: &str, selection: &str) -> Case {
    query(
        &format!("query ($id: ID!) {{ {root}(id: $id) {{ {selection} }} }}"),
        json!({ "id": id }),
    )
}

fn of_brand(world: &World, selection: &str) -> Case {
    list("brand", &world.brand, selection)
}

fn of_partner(world: &World, selection: &str) -> Case {
    list("partner", &world.partner, selection)
}

fn of_partnership(world: &World, selection: &str) -> Case {
    list(
        "node",
        &world.partnership,
        &format!("... on Partnership {{ {selection} }}"),
    )
}

fn field_of(operation: Operation) -> &'static str {
    operation.name().split_once('.').unwrap().1
}

/// The mutation of an operation with its one input.
fn mutation(operation: Operation, input: Value) -> Case {
    let field = field_of(operation);
    let input_type = match operation {
        Operation::RecordSignup | Operation::RecordLead => "RecordEventInput".to_owned(),
        _ => format!("{}{}Input", field[..1].to_uppercase(), &field[1..]),
    };
    query(
        &format!("mutation ($input: {input_type}!) {{ {field}(input: $input) {{ userErrors {{ code message }} }} }}"),
        json!({ "input": input }),
    )
}

#[expect(clippy::too_many_lines, reason = "one arm for each operation, and nothing else")]
pub fn case(operation: Operation, world: &World) -> Case {
    let [withdrawn, approved, rejected] = &world.applications;
    let [to_approve, to_reject] = &world.conversions;
    let [to_release, to_cancel] = &world.payouts;
    let people = &world.people;
    let edit = |input| mutation(operation, input);
    let edit_id = |id: &String| mutation(operation, json!({ "id": id }));
    let event = |key: &str| {
        json!({
            "brandId": world.brand, "programId": world.program, "idempotencyKey": key, "customerId": key,
            "promoCodes": [CODE],
        })
    };
    match operation {
        Operation::SeeViewer => query(
            "{ viewer { user { id } memberships { role } partners { id } } }",
            json!({}),
        ),
        Operation::SeeDeadJobs => query(
            "{ deadJobs(first: 2) { totalCount nodes { id lastError } } }",
            json!({}),
        ),
        Operation::RetryDeadJob => edit_id(&world.dead_jobs[0]),
        Operation::DiscardDeadJob => edit_id(&world.dead_jobs[1]),
        Operation::SeeSessions => query(
            "{ viewer { sessions(first: 2) { totalCount nodes { id lastUsedAt current } } } }",
            json!({}),
        ),
        Operation::SeeNode => list("node", &world.brand, "id"),
        Operation::SeeNodes => query(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            json!({ "ids": [world.brand, world.program, world.partner] }),
        ),
        Operation::SearchListings => query(
            "{ marketplaceListings(first: 2) { totalCount nodes { title program { name } } } }",
            json!({}),
        ),
        Operation::SuggestOfMarketplace => query(
            "{ marketplaceSuggestions(text: \"a\") { listings { title } brands { name } categories { count } } }",
            json!({}),
        ),
        Operation::SearchBrands => query(
            "{ marketplaceBrands(first: 2) { totalCount nodes { name } } }",
            json!({}),
        ),
        Operation::SeeSimilarListings => query(
            "query ($listing: ID!) { similarListings(listingId: $listing) { points listing { title } } }",
            json!({ "listing": world.listing }),
        ),
        Operation::SeeRecommendedListings => query(
            "query ($partner: ID!) { recommendedListings(partnerId: $partner) { points listing { title } } }",
            json!({ "partner": world.partner }),
        ),
        Operation::SeeRecommendedCreators => query(
            "query ($program: ID!) { recommendedCreators(programId: $program) { points creatorProfile { headline } } }",
            json!({ "program": world.program }),
        ),
        Operation::SearchCreators => query(
            "query ($brand: ID!) { marketplaceCreators(forBrandId: $brand, first: 2) { totalCount nodes { headline } } }",
            json!({ "brand": world.brand }),
        ),
        Operation::SeeBrand => of_brand(world, "id slug name"),
        Operation::SeeProgram => list(
            "program",
            &world.program,
            "id commissionRules { percent } terms { body }",
        ),
        Operation::SeeMailedInvitation => query(
            "query ($token: String!) { programInvitation(token: $token) { id state } }",
            json!({ "token": "tpi_nobody-has-it" }),
        ),
        Operation::SeePartner => of_partner(world, "id handle"),

        Operation::SeeMembers => of_brand(world, "members(first: 2) { nodes { role user { email } } }"),
        Operation::SeeMemberInvitations => of_brand(world, "memberInvitations(first: 2) { nodes { email state } }"),
        Operation::SeeApiKeys => of_brand(world, "apiKeys(first: 2) { nodes { lastFour } }"),
        Operation::SeeAuditLog => of_brand(world, "auditLog(first: 2) { nodes { action actor { name } } }"),
        Operation::SeePrograms => of_brand(world, "programs(first: 2) { nodes { state } }"),
        Operation::SeeApplications => of_brand(world, "applications(first: 2) { nodes { message } }"),
        Operation::SeePartnerships => of_brand(world, "partnerships(first: 2) { nodes { state } }"),
        Operation::SeeConversions => of_brand(world, "conversions(first: 2) { nodes { amount { amount } } }"),
        Operation::SeeRefusedEvents => of_brand(world, "refusedEvents(first: 2) { nodes { code body } }"),
        Operation::SeeCommissions => of_brand(world, "commissions(first: 2) { nodes { amount { amount } } }"),
        Operation::SeePayouts => of_brand(world, "payouts(first: 2) { nodes { amount { amount } } }"),
        Operation::SeePayoutSettings => of_brand(world, "payoutSettings { reserveDays }"),
        Operation::SeePayoutQueue => of_brand(
            world,
            "payoutQueue(currency: \"EUR\", first: 2) { nodes { due { amount } blocks { code } } }",
        ),
        Operation::PreviewPayouts => of_brand(
            world,
            "payoutPreview(input: { currency: \"EUR\" }) { payoutCount blocked { code } }",
        ),
        Operation::SeePayoutBatches => of_brand(world, "payoutBatches(first: 2) { nodes { state totals { count } } }"),
        Operation::SeePayoutRails => of_brand(world, "payoutRails { provider holder environment masked webhookUrl }"),
        Operation::SeeStoreCreditTransfers => {
            of_brand(world, "storeCreditTransfers(first: 2) { nodes { amount { amount } } }")
        }
        Operation::SeeLedger => of_brand(world, "ledgerBalances { balance { amount } }"),

        Operation::SeeMessageThreads => of_brand(world, "messageThreads(first: 2) { nodes { unreadCount } }"),
        Operation::SeeCreatorMarks => of_brand(world, "creatorMarks(kind: SAVED, first: 2) { nodes { note } }"),

        Operation::SeeOwnMembers => of_partner(world, "members(first: 2) { nodes { user { email } } }"),
        Operation::SeeOwnMemberInvitations => {
            of_partner(world, "memberInvitations(first: 2) { nodes { email state } }")
        }
        Operation::SeeOwnApplications => of_partner(world, "applications(first: 2) { nodes { message } }"),
        Operation::SeeOwnProgramInvitations => {
            of_partner(world, "programInvitations(first: 2) { nodes { state message } }")
        }
        Operation::SeeOwnPartnerships => of_partner(world, "partnerships(first: 2) { nodes { state } }"),
        Operation::SeeOwnConversions => of_partner(world, "conversions(first: 2) { nodes { amount { amount } } }"),
        Operation::SeeOwnCommissions => of_partner(world, "commissions(first: 2) { nodes { amount { amount } } }"),
        Operation::SeeOwnPayouts => of_partner(world, "payouts(first: 2) { nodes { amount { amount } } }"),

        Operation::SeeOwnMessageThreads => of_partner(world, "messageThreads(first: 2) { nodes { unreadCount } }"),
        Operation::SeeSavedSearches => of_partner(world, "savedSearches(first: 2) { nodes { name newCount } }"),
        Operation::SeeListingMarks => of_partner(world, "listingMarks(kind: SAVED, first: 2) { nodes { note } }"),

        Operation::SeePartnerGroups => list("program", &world.program, "groups(first: 2) { nodes { name } }"),
        Operation::SeeProgramInvitations => list(
            "program",
            &world.program,
            "invitations(first: 2) { nodes { state email } }",
        ),
        Operation::SeeEligibility => query(
            "query ($program: ID!, $partner: ID!) { program(id: $program) { eligibility(partnerId: $partner) {
                eligible reasons { code } } } }",
            json!({ "program": world.program, "partner": world.partner }),
        ),
        Operation::SeeListingQuality => list(
            "node",
            &world.listing,
            "... on Listing { quality { isReady gaps { code } } }",
        ),
        Operation::SeePartnershipsOfGroup => list(
            "node",
            &world.group,
            "... on PartnerGroup { partnerships(first: 2) { nodes { id } } }",
        ),

        Operation::SeeMessages => list(
            "node",
            &world.thread,
            "... on MessageThread { messages(first: 2) { nodes { body } } }",
        ),
        Operation::SeeLinks => of_partnership(world, "trackingLinks(first: 2) { nodes { slug } }"),
        Operation::SeePromoCodes => of_partnership(world, "promoCodes(first: 2) { nodes { code } }"),
        Operation::SeeRecruits => of_partnership(world, "recruits(first: 2) { nodes { state } }"),
        Operation::SeeEffectiveRules => of_partnership(world, "effectiveRules { percent }"),
        Operation::SeeTermsAcceptances => of_partnership(world, "termsAcceptances(first: 2) { nodes { version } }"),
        Operation::SeeBalances => of_partnership(world, "balances { currency }"),
        Operation::SeeWithdrawable => {
            of_partnership(world, "withdrawableBalances { amount { amount } blocks { code } }")
        }
        Operation::SeeAdjustments => of_partnership(world, "adjustments(first: 2) { nodes { reason } }"),
        Operation::SeeStatement => of_partnership(world, "statement(currency: \"EUR\", first: 2) { nodes { kind } }"),

        Operation::SeeStoreCreditTransfersOfPartnership => {
            of_partnership(world, "storeCreditTransfers(first: 2) { nodes { note } }")
        }
        Operation::SeeStoreCredit => list(
            "node",
            &world.sale.customer,
            "... on Customer { storeCredit { amount } }",
        ),
        Operation::SeeStoreCreditStatement => list(
            "node",
            &world.sale.customer,
            "... on Customer { storeCreditStatement(currency: \"EUR\", first: 2) { nodes { kind } } }",
        ),

        Operation::SignUp => {
            edit(json!({ "email": "tried@example.org", "password": PASSWORD, "displayName": "tried" }))
        }
        Operation::SignIn => edit(json!({ "email": "owner@example.org", "password": PASSWORD })),
        Operation::RefreshSession => edit(json!({ "refreshToken": world.refresh_token })),
        Operation::SignOut => edit(json!({ "refreshToken": world.leaving_token })),
        Operation::RevokeSession => edit_id(&world.session),
        Operation::RevokeOtherSessions => edit(json!({})),
        Operation::RequestPasswordReset | Operation::ResendVerification => {
            edit(json!({ "email": "nobody-at-all@example.org" }))
        }
        Operation::ResetPassword => edit(json!({ "token": world.reset_token, "newPassword": PASSWORD })),
        Operation::VerifyEmail => edit(json!({ "token": world.verify_token })),
        Operation::ChangeEmail => edit(json!({ "newEmail": "moved@example.org", "currentPassword": PASSWORD })),
        Operation::ChangePassword => edit(json!({ "currentPassword": PASSWORD, "newPassword": PASSWORD })),
        Operation::CreateBrand => edit(json!({
            "slug": "tried", "name": "Tried", "websiteUrl": "https://tried.example", "currency": "EUR",
        })),
        Operation::CreatePartner => edit(json!({ "handle": "tried", "displayName": "Tried" })),
        Operation::UpdatePartner => edit(json!({ "id": world.partner, "patch": { "bio": "Tried." } })),
        Operation::UpdateCreatorProfile => edit(json!({
            "partnerId": world.partner, "patch": { "headline": "Tried.", "niches": ["travel"] },
        })),
        Operation::AddCreatorChannel => edit(json!({
            "partnerId": world.partner, "platform": "WEBSITE", "handle": "tried", "url": "https://tried.example/",
            "followersCount": 1,
        })),
        Operation::UpdateCreatorChannel => edit(json!({ "id": world.channel, "patch": { "followersCount": 2 } })),
        Operation::RequestChannelVerification | Operation::VerifyChannel => edit_id(&world.channel),
        Operation::RemoveCreatorChannel => edit_id(&world.channel),
        Operation::SetCreatorAudience => edit(json!({
            "partnerId": world.partner, "audience": [{ "country": "DE", "percent": "50" }],
        })),
        Operation::SetCreatorRates => edit(json!({
            "partnerId": world.partner,
            "rates": [{ "deliverable": "POST", "price": { "amount": "100.00", "currency": "EUR" } }],
        })),
        Operation::PublishCreatorProfile | Operation::HideCreatorProfile => edit(json!({ "partnerId": world.partner })),
        Operation::SetCreatorVetting => edit(json!({
            "partnerId": world.partner, "vetting": "VERIFIED", "reason": "tried",
        })),
        Operation::CreateApiKey => edit(json!({ "brandId": world.brand, "kind": "PUBLISHABLE", "name": "tried" })),
        Operation::RotateApiKey => edit(json!({ "id": world.spare_key, "overlapHours": 1 })),
        Operation::RevokeApiKey => edit_id(&world.spare_key),

        Operation::InviteBrandMember => edit(json!({
            "brandId": world.brand, "email": "tried@example.org", "role": "ANALYST",
        })),
        Operation::InvitePartnerMember => edit(json!({ "partnerId": world.partner, "email": "tried@example.org" })),
        Operation::ResendBrandMemberInvitation | Operation::RevokeBrandMemberInvitation => {
            edit_id(&people.brand_invitation)
        }
        Operation::ResendPartnerMemberInvitation | Operation::RevokePartnerMemberInvitation => {
            edit_id(&people.partner_invitation)
        }
        Operation::AcceptMemberInvitation => edit(json!({ "token": people.accepted_token })),
        Operation::DeclineMemberInvitation => edit(json!({ "token": people.declined_token })),
        Operation::ChangeBrandMemberRole => edit(json!({ "id": people.brand_member, "role": "FINANCE" })),
        Operation::TransferBrandOwnership => edit_id(&people.heir),
        Operation::RemoveBrandMember => edit_id(&people.co_owner),
        Operation::LeaveBrand => edit(json!({ "brandId": people.other_brand })),
        Operation::RemovePartnerMember => edit_id(&people.partner_member),
        Operation::LeavePartner => edit(json!({ "partnerId": people.other_partner })),

        Operation::CreateProgram => edit(json!({
            "brandId": world.brand, "name": "Tried", "description": "", "currencies": ["EUR"],
            "destinationUrl": "https://world.example/", "terms": "Be nice.",
        })),
        Operation::UpdateProgram => edit(json!({ "id": world.draft_program, "patch": { "name": "Tried" } })),
        Operation::ActivateProgram | Operation::PauseProgram => edit_id(&world.draft_program),
        Operation::ArchiveProgram => edit_id(&world.archived_program),
        Operation::CreateCommissionRule => edit(json!({
            "programId": world.draft_program, "event": "SALE", "earning": { "percent": "5" },
        })),
        Operation::ArchiveCommissionRule => edit_id(&world.draft_rule),
        Operation::SetReferralLevels => edit(json!({
            "programId": world.draft_program,
            "levels": [{ "level": 1, "earning": { "percentOfCommission": "5" } }],
        })),
        Operation::CreatePartnerGroup => edit(json!({ "programId": world.draft_program, "name": "Tried" })),
        Operation::UpdatePartnerGroup => edit(json!({ "id": world.draft_group, "patch": { "holdDays": 1 } })),
        Operation::ArchivePartnerGroup => edit_id(&world.draft_group),
        Operation::SetDefaultPartnerGroup => edit(json!({ "programId": world.draft_program, "groupId": null })),
        Operation::SetQuestionnaire => edit(json!({
            "programId": world.draft_program, "questions": [{ "key": "why", "label": "Why?", "kind": "LONG_TEXT" }],
        })),
        Operation::SetAdmissionPolicy => edit(json!({
            "programId": world.draft_program, "decision": "APPROVE_AFTER_DAYS", "approveAfterDays": 7,
        })),
        Operation::CreateListing => edit(json!({
            "programId": world.draft_program, "title": "Tried", "pitch": "Tried.", "category": "travel",
        })),
        Operation::UpdateListing => edit(json!({ "id": world.draft_listing, "patch": { "title": "Tried" } })),
        Operation::PublishListing | Operation::PauseListing | Operation::ArchiveListing => {
            edit_id(&world.draft_listing)
        }

        Operation::FeatureListing => edit(json!({ "id": world.listing, "until": "2026-02-01T00:00:00Z" })),

        Operation::SaveSearch => {
            edit(json!({ "partnerId": world.partner, "name": "Tried", "where": { "text": "tea" } }))
        }
        Operation::UpdateSavedSearch => edit(json!({ "id": world.saved_searches[0], "patch": { "name": "Tried" } })),
        Operation::MarkSavedSearchSeen => edit_id(&world.saved_searches[0]),
        Operation::DeleteSavedSearch => edit_id(&world.saved_searches[1]),
        Operation::MarkListing => edit(json!({
            "partnerId": world.partner, "listingId": world.listing, "saved": true, "note": "Tried.",
        })),
        Operation::MarkCreator => edit(json!({
            "brandId": world.brand, "partnerId": world.partner, "hidden": true, "note": "Tried.",
        })),

        Operation::ApplyToProgram => edit(json!({
            "partnerId": world.partner, "programId": world.open_program, "message": "Hello.",
            "acceptedTermsVersion": 1,
        })),
        Operation::CounterOffer => edit(json!({
            "subject": { "invitationId": world.offers[0] }, "number": 1, "percent": "13",
        })),
        Operation::AcceptOffer => edit(json!({ "subject": { "invitationId": world.offers[1] }, "number": 1 })),
        Operation::DeclineOffer => edit(json!({ "subject": { "invitationId": world.offers[2] }, "number": 1 })),
        Operation::SetApplicationFlag => edit(json!({ "id": rejected, "flagged": true, "reason": "tried" })),
        Operation::WithdrawApplication => edit_id(withdrawn),
        Operation::StartApplicationReview | Operation::ApproveApplication => edit_id(approved),
        Operation::RejectApplication => edit(json!({ "id": rejected, "reason": "OTHER" })),
        Operation::SuspendPartnership => edit(json!({ "id": world.partnership, "reason": "tried" })),
        Operation::ReactivatePartnership => edit_id(&world.partnership),
        Operation::EndPartnership => edit_id(&world.leaving_partnerships[0]),
        Operation::LeaveProgram => edit(json!({ "partnershipId": world.leaving_partnerships[1] })),
        Operation::AcceptProgramTerms => edit(json!({ "partnershipId": world.partnership, "version": 1 })),
        Operation::BanPartnership => edit(json!({ "id": world.leaving_partnerships[2], "reason": "SPAM" })),
        Operation::SetPartnershipReferrer => edit(json!({
            "partnershipId": world.partnership, "referrerId": world.other_partnership,
        })),

        Operation::InviteToProgram => edit(json!({
            "programId": world.open_program, "invitee": { "email": "tried@example.org" },
        })),
        Operation::InviteManyToProgram => edit(json!({
            "programId": world.open_program, "invitees": [{ "email": "tried-many@example.org" }],
        })),
        Operation::ResendProgramInvitation => edit_id(&world.invitations[0]),
        Operation::RevokeProgramInvitation => edit_id(&world.invitations[1]),
        Operation::AcceptProgramInvitation => edit(json!({
            "invitation": { "invitationId": world.invitations[2] }, "partnerId": world.partner, "acceptedTermsVersion": 1,
        })),
        Operation::DeclineProgramInvitation => edit(json!({ "invitation": { "invitationId": world.invitations[3] } })),
        Operation::SetPartnershipGroup => edit(json!({
            "partnershipId": world.other_partnership, "groupId": world.group,
        })),
        Operation::SetPartnershipGroups => edit(json!({
            "partnershipIds": [world.other_partnership], "groupId": null,
        })),

        Operation::SendMessage => edit(json!({
            "idempotencyKey": "tried-message", "about": { "threadId": world.thread }, "body": "Tried.",
        })),
        Operation::MarkThreadRead => edit(json!({ "threadId": world.thread, "messageId": world.message })),

        Operation::CreateTrackingLink => edit(json!({ "partnershipId": world.partnership, "slug": "tried" })),
        Operation::CreatePromoCode => edit(json!({ "partnershipId": world.partnership, "code": "TRIED" })),

        Operation::RecordSignup => edit(event("tried-signup")),
        Operation::RecordLead => edit(event("tried-lead")),
        Operation::RecordSale => edit(sale(&world.brand, &world.program, "tried-sale")),
        Operation::RecordRefund => edit(json!({
            "brandId": world.brand, "idempotencyKey": "tried-refund", "orderId": "refund",
        })),
        Operation::AmendOrder => edit(json!({
            "brandId": world.brand, "idempotencyKey": "tried-amend", "orderId": "amend",
            "amount": { "amount": "80.00", "currency": "EUR" },
        })),
        Operation::RecordCapture => edit(json!({
            "brandId": world.brand, "idempotencyKey": "tried-capture", "orderId": "capture",
            "amount": { "amount": "1.00", "currency": "EUR" },
        })),
        Operation::RecordChargeback => edit(json!({
            "brandId": world.brand, "idempotencyKey": "tried-chargeback", "orderId": "amend", "reference": "tried",
            "amount": { "amount": "1.00", "currency": "EUR" },
        })),
        Operation::ResolveChargeback => edit(json!({
            "brandId": world.brand, "idempotencyKey": "tried-resolve", "orderId": "amend", "reference": "open",
            "outcome": "WON",
        })),
        Operation::RecordEvents => edit(json!({
            "brandId": world.brand, "events": [{ "signup": { "idempotencyKey": "tried-row", "customerId": "row" } }],
        })),
        Operation::ReplayRefusedEvent => edit(json!({
            "id": world.refused[0], "body": "{\"orderId\":\"replay\",\"amount\":\"1.00\",\"currency\":\"EUR\"}",
        })),
        Operation::ReplayRefusedEvents => edit(json!({ "brandId": world.brand, "ids": [world.refused[1]] })),
        Operation::DismissRefusedEvent => edit(json!({ "id": world.refused[2], "reason": "tried" })),
        Operation::ClearTestEvents => edit(json!({ "brandId": world.brand })),
        Operation::ApproveConversion => edit(json!({ "idempotencyKey": "tried-approve", "id": to_approve })),
        Operation::RejectConversion => edit(json!({
            "idempotencyKey": "tried-reject", "id": to_reject, "reason": "tried",
        })),

        Operation::RequestStoreCreditTransfer => edit(json!({
            "idempotencyKey": "tried", "partnershipId": world.partnership, "customerExternalId": "customer",
            "amount": { "amount": "0.10", "currency": "EUR" },
        })),
        Operation::WithdrawStoreCreditTransfer => edit_id(&world.store_credit.requested[0]),
        Operation::ApproveStoreCreditTransfer => edit(json!({
            "idempotencyKey": "tried", "id": world.store_credit.requested[1],
        })),
        Operation::RefuseStoreCreditTransfer => edit(json!({
            "id": world.store_credit.requested[2], "reason": "tried",
        })),
        Operation::RedeemStoreCredit => edit(json!({
            "idempotencyKey": "tried", "brandId": world.brand, "customerExternalId": "customer",
            "amount": { "amount": "0.10", "currency": "EUR" },
        })),

        Operation::CreatePayout => edit(json!({
            "idempotencyKey": "tried-payout", "partnershipId": world.partnership, "currency": "EUR",
        })),
        Operation::ApprovePayout => edit_id(to_release),
        Operation::MarkPayoutPaid => edit(json!({
            "idempotencyKey": "tried-paid", "id": to_release, "reference": "tried",
        })),
        Operation::SeePayoutMethods => of_partner(
            world,
            "payoutMethods(first: 2) { nodes { masked preferredFor currencies coolingOffUntil } }",
        ),
        Operation::AddPayoutMethod => edit(json!({
            "partnerId": world.partner, "details": { "upi": { "address": "tried@okbank" } }, "currentPassword": PASSWORD,
        })),
        Operation::SetPreferredPayoutMethod => edit(json!({
            "id": world.payout_methods[0], "currency": "INR", "currentPassword": PASSWORD,
        })),
        Operation::RemovePayoutMethod => edit(json!({ "id": world.payout_methods[1], "currentPassword": PASSWORD })),
        Operation::RecallPayout => edit_id(&world.queued_payout),
        Operation::MarkPayoutUnpaid => edit(json!({
            "idempotencyKey": "tried-unpaid", "id": world.paid_payout, "reason": "tried",
        })),
        Operation::HoldPayouts => edit(json!({ "partnershipId": world.partnership, "reason": "tried" })),
        Operation::ReleasePayoutHold => edit(json!({ "partnershipId": world.partnership })),
        Operation::CreatePayoutBatch => edit(json!({
            "idempotencyKey": "tried-batch", "brandId": world.brand, "currency": "USD",
        })),
        Operation::ApprovePayoutBatch => edit_id(&world.batches[0]),
        Operation::CancelPayoutBatch => {
            edit(json!({ "idempotencyKey": "cancel", "id": world.batches[1], "reason": "tried" }))
        }
        Operation::SubmitPayoutBatch => edit(json!({ "idempotencyKey": "submit", "id": world.batches[2] })),
        Operation::ExportPayoutFile => edit(json!({
            "idempotencyKey": "file", "batchId": world.batches[3], "format": "NEUTRAL_CSV",
        })),
        Operation::ImportPayoutResults => edit(json!({ "brandId": world.brand, "content": world.bank_answer })),
        Operation::RecordPayoutFunding => edit(json!({
            "idempotencyKey": "tried-funding", "brandId": world.brand, "rail": "PAYPAL", "reference": "tried",
            "amount": { "amount": "1.00", "currency": "EUR" },
        })),
        Operation::CancelPayout => edit(json!({
            "idempotencyKey": "tried-cancel", "id": to_cancel, "reason": "tried",
        })),
        // So much that there is something to write off.
        Operation::AdjustBalance => edit(json!({
            "idempotencyKey": "tried", "partnershipId": world.partnership, "direction": "DEBIT",
            "amount": { "amount": "1000.00", "currency": "EUR" }, "reason": "tried",
        })),
        Operation::ChargeShippingPenalty => edit(json!({
            "idempotencyKey": "tried", "orderId": world.sale.order,
            "amount": { "amount": "1.00", "currency": "EUR" }, "reason": "tried",
        })),
        Operation::WriteOffBalance => edit(json!({
            "idempotencyKey": "tried", "partnershipId": world.partnership,
            "amount": { "amount": "1.00", "currency": "EUR" }, "reason": "tried",
        })),
        Operation::ReleaseReserve => edit(json!({
            "idempotencyKey": "tried", "partnershipId": world.partnership, "currency": "EUR", "reason": "tried",
        })),
        Operation::UpdatePayoutSettings => edit(json!({ "brandId": world.brand, "patch": { "reserveDays": 20 } })),

        Operation::ConnectPayoutRail => edit(json!({
            "brandId": world.brand, "environment": "SANDBOX", "currentPassword": PASSWORD,
            "credentials": { "stripe": { "secretKey": "sk_test_0123456789", "webhookSecret": "whsec_tried" } },
        })),
        Operation::DisconnectPayoutRail => edit(json!({
            "brandId": world.brand, "provider": "STRIPE", "currentPassword": PASSWORD,
        })),

        Operation::TrackClick => Case {
            document: "/track/click".to_owned(),
            variables: json!({ "link": SLUG }),
            transport: Transport::Door,
        },

        Operation::ConversionFeed => Case {
            // The cursor in front of everything: whoever may watch is answered at once.
            document: "subscription ($brand: ID!) { conversionFeed(brandId: $brand, after: \"AAAAAAAAAAA\") {
                ... on ConversionFeedEvent { kind conversion { id } }
            } }"
            .to_owned(),
            variables: json!({ "brand": world.brand }),
            transport: Transport::Socket,
        },
        Operation::EarningsFeed => Case {
            document: "subscription ($partner: ID!) { earningsFeed(partnerId: $partner, after: \"AAAAAAAAAAA\") {
                ... on EarningsFeedEvent { kind commission { id } }
            } }"
            .to_owned(),
            variables: json!({ "partner": world.partner }),
            transport: Transport::Socket,
        },
        Operation::ApplicationFeed => Case {
            document: "subscription ($brand: ID!) { applicationFeed(brandId: $brand, after: \"AAAAAAAAAAA\") {
                ... on ApplicationFeedEvent { kind application { id } }
            } }"
            .to_owned(),
            variables: json!({ "brand": world.brand }),
            transport: Transport::Socket,
        },
        Operation::MessageFeed => Case {
            document: "subscription ($brand: ID!) { messageFeed(brandId: $brand, after: \"AAAAAAAAAAA\") {
                ... on MessageFeedEvent { message { body } }
            } }"
            .to_owned(),
            variables: json!({ "brand": world.brand }),
            transport: Transport::Socket,
        },
        Operation::PayoutFeed => Case {
            document: "subscription ($brand: ID!) { payoutFeed(brandId: $brand, after: \"AAAAAAAAAAA\") {
                ... on PayoutFeedEvent { payout { id } }
            } }"
            .to_owned(),
            variables: json!({ "brand": world.brand }),
            transport: Transport::Socket,
        },
    }
}
