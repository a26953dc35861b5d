//! What operations are tried on, made through public operations: one brand whose program runs, one partner in it, and
//! for each operation something on which it can succeed.

mod actors;
mod money;

use entity::brand_member::BrandRole;
use serde_json::{Value, json};

pub use self::actors::Actor;
use self::actors::actors;
use crate::support::{
    app::TestApp,
    builders::{PASSWORD, User, text},
    marketplace::merged,
};

/// The promo code under which the world's sales are credited.
pub const CODE: &str = "WORLD10";
/// The slug of a link through which the world is visited.
pub const SLUG: &str = "world-link";

pub struct World {
    pub brand: String,
    pub partner: String,
    /// The partner's, private, and a channel of it.
    pub profile: String,
    pub channel: String,
    /// Of the partner, in the running program.
    pub partnership: String,
    /// Somebody else's, in the same program.
    pub other_partnership: String,
    /// Of the partner, to be ended, left and banned.
    pub leaving_partnerships: [String; 3],
    /// Of the partner in the running program, and its first message.
    pub thread: String,
    pub message: String,
    pub link: String,
    pub code: String,
    /// Runs; its listing is published; sales are recorded for it.
    pub program: String,
    pub rule: String,
    pub listing: String,
    /// A draft with a listing of its own that nobody touches.
    pub hidden_program: String,
    pub hidden_rule: String,
    pub hidden_listing: String,
    /// To be changed, activated and paused.
    pub draft_program: String,
    pub draft_rule: String,
    /// A draft to be archived.
    pub archived_program: String,
    /// Of a program that runs; not published yet.
    pub draft_listing: String,
    /// The partner's partnership is in it.
    pub group: String,
    /// Nobody is in it; to be changed and archived.
    pub draft_group: String,
    /// Takes applications; the partner has sent none.
    pub open_program: String,
    /// Of the partner into programs of its own: to be sent again, revoked, accepted and declined.
    pub invitations: [String; 4],
    /// Invitations of the partner with terms: to be countered, accepted and declined.
    pub offers: [String; 3],
    /// One each to be withdrawn, approved and rejected.
    pub applications: [String; 3],
    /// Was approved; nothing more happens to it.
    pub application: String,
    /// To be approved and to be rejected.
    pub conversions: [String; 2],
    /// Approved, with everything that hangs on it.
    pub sale: Sale,
    /// What becomes of orders.
    pub dispute: Dispute,
    /// To be released and paid, and to be taken back.
    pub payouts: [String; 2],
    /// One that a person has marked as paid.
    pub paid_payout: String,
    /// Two drafts, one approved, one handed over.
    pub batches: [String; 4],
    /// Of the one that was handed over.
    pub payout_file: String,
    /// What a bank says of it.
    pub bank_answer: String,
    /// One that waits at its provider for money.
    pub queued_payout: String,
    pub adjustment: String,
    pub store_credit: StoreCredit,
    /// To be revoked; nobody authenticates with it.
    pub spare_key: String,
    /// Of the brand's audit log.
    pub audit_entry: String,
    pub member: String,
    /// Refused sales, to be replayed alone, to be replayed with others, and to be dismissed.
    pub refused: [String; 3],
    /// Searches the partner keeps: to be changed, and to be deleted.
    pub saved_searches: [String; 2],
    /// Where the partner is paid: to be preferred, and to be removed.
    pub payout_methods: [String; 2],
    pub people: People,
    /// Of a session that nothing else uses.
    pub refresh_token: String,
    /// Of a session to be signed out of.
    pub leaving_token: String,
    /// A session of the owner that nothing else uses.
    pub session: String,
    /// To be queued again and to be discarded.
    pub dead_jobs: [String; 2],
    /// Of links that were mailed to somebody else.
    pub reset_token: String,
    pub verify_token: String,
    pub actors: Vec<Actor>,
}

/// Who comes and goes.
pub struct People {
    /// To be given another role.
    pub brand_member: String,
    /// To be removed. An owner, so that the admin, who comes first, is refused and leaves it there.
    pub co_owner: String,
    /// To be removed.
    pub partner_member: String,
    /// To be sent again, and taken back.
    pub brand_invitation: String,
    pub partner_invitation: String,
    /// Into a brand of somebody else.
    pub accepted_token: String,
    pub declined_token: String,
    /// Everyone with a role in the brand has the same one here, and may leave.
    pub other_brand: String,
    /// A member of the other brand who is to own it.
    pub heir: String,
    /// Of the partner's person and another one.
    pub other_partner: String,
}

#[derive(Default)]
pub struct Sale {
    pub conversion: String,
    pub commission: String,
    pub order: String,
    pub customer: String,
    pub refund: String,
}

/// Of an order called `amend`, whose chargeback is open, and of one called `capture`, which is captured in part.
#[derive(Default)]
pub struct Dispute {
    pub amendment: String,
    pub chargeback: String,
    pub capture: String,
}

/// Of the partner for the customer of the sales: 1.50 EUR are left of what it was given.
#[derive(Default)]
pub struct StoreCredit {
    /// To be withdrawn, approved and refused.
    pub requested: [String; 3],
    pub approved: String,
    pub redemption: String,
}

impl World {
    pub async fn build(app: &TestApp) -> Self {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "world").await.id;
        let creator = app.sign_up("creator").await;
        let partner = app.partner(&creator, "world-partner").await.id;
        let channel = json!({
            "partnerId": partner, "platform": "PODCAST", "handle": "world", "url": "https://world.example/",
            "followersCount": 100,
        });
        let recruit = app.sign_up("recruit").await;
        let other_partner = app.partner(&recruit, "other-partner").await.id;
        let maker = Maker {
            app,
            owner: &owner,
            brand: &brand,
        };

        let channel = maker
            .make(&creator, "addCreatorChannel", "creatorChannel", channel)
            .await;
        let asked = json!({ "id": channel });
        let asked = app
            .done(
                &creator,
                "requestChannelVerification",
                asked,
                "verification { token url }",
            )
            .await["verification"]
            .clone();
        app.pages.put(&text(&asked, "url"), &text(&asked, "token"));
        let profile = json!({ "partnerId": partner, "patch": { "niches": ["travel"] } });
        let profile = maker
            .make(&creator, "updateCreatorProfile", "creatorProfile", profile)
            .await;
        let (program, rule, listing) = maker.open_program("main").await;
        let (hidden_program, hidden_rule) = maker.program("hidden").await;
        let hidden_listing = maker.listing(&hidden_program).await;
        let (draft_program, draft_rule) = maker.program("draft").await;
        let (archived_program, _) = maker.program("archived").await;
        let (shop, _) = maker.program("shop").await;
        maker.activate(&shop).await;
        let draft_listing = maker.listing(&shop).await;
        let (open_program, ..) = maker.open_program("open").await;

        let (application, partnership) = maker.join(&creator, &partner, &program).await;
        let (_, other_partnership) = maker.join(&recruit, &other_partner, &program).await;
        let group = maker.group(&program).await;
        let draft_group = maker.group(&draft_program).await;
        let input = json!({ "partnershipId": partnership, "groupId": group });
        maker.manage("setPartnershipGroup", "partnership", input).await;
        let mut applications = Vec::new();
        for name in ["withdrawn", "approved", "rejected"] {
            let (program, ..) = maker.open_program(name).await;
            applications.push(maker.apply(&creator, &partner, &program).await);
        }
        let mut leaving_partnerships = Vec::new();
        for name in ["ended", "left", "banned"] {
            let (program, ..) = maker.open_program(name).await;
            leaving_partnerships.push(maker.join(&creator, &partner, &program).await.1);
        }
        let mut invitations = Vec::new();
        for name in ["resent", "revoked", "accepted", "declined"] {
            let (program, ..) = maker.open_program(name).await;
            let input = json!({ "programId": program, "invitee": { "partnerId": partner } });
            invitations.push(maker.manage("inviteToProgram", "programInvitation", input).await);
        }
        let mut offers = Vec::new();
        for name in ["countered", "taken", "refused"] {
            let (program, ..) = maker.open_program(name).await;
            let input = json!({
                "programId": program, "invitee": { "partnerId": partner }, "terms": { "percent": "12" },
            });
            offers.push(maker.manage("inviteToProgram", "programInvitation", input).await);
        }
        let (thread, message) = maker.message(&creator, &partnership).await;
        let link = maker
            .make(
                &creator,
                "createTrackingLink",
                "trackingLink",
                json!({ "partnershipId": partnership }),
            )
            .await;
        let input = json!({ "partnershipId": partnership, "slug": SLUG });
        maker.make(&creator, "createTrackingLink", "trackingLink", input).await;
        let code = json!({ "partnershipId": partnership, "code": CODE });
        let code = maker.make(&creator, "createPromoCode", "promoCode", code).await;

        let conversions = [
            maker.sale(&program, "approve").await,
            maker.sale(&program, "reject").await,
        ];
        maker.sale(&program, "refund").await;
        let sale = maker.whole_sale(&program).await;
        let dispute = maker.dispute(&program).await;
        let payouts = [
            maker.payout(&program, &partnership, "release").await,
            maker.payout(&program, &partnership, "cancel").await,
        ];
        let paid_payout = maker.payout(&program, &partnership, "paid").await;
        maker
            .manage("approvePayout", "payout", json!({ "id": paid_payout }))
            .await;
        let input = json!({ "idempotencyKey": "paid", "id": paid_payout, "reference": "paid" });
        maker.manage("markPayoutPaid", "payout", input).await;
        let adjustment = maker.adjustment(&partnership).await;
        // What is left to be paid.
        let left = maker.sale(&program, "left").await;
        maker.approve(&left).await;
        let store_credit = maker.store_credit(&creator, &partnership).await;

        let spare_key = app.secret_key(&owner, &brand).await.id;
        let members = "query ($id: ID!) { brand(id: $id) { members(first: 1) { nodes { id } } } }";
        let member = app
            .graphql_ok(
                Some(&owner.token),
                members,
                json!({ "id": brand }),
                "brand.members.nodes.0",
            )
            .await;
        let log = "query ($id: ID!) { brand(id: $id) { auditLog(first: 1) { nodes { id } } } }";
        let path = "brand.auditLog.nodes.0";
        let audit_entry = app
            .graphql_ok(Some(&owner.token), log, json!({ "id": brand }), path)
            .await;
        let refresh_token = app.sign_up("refreshing").await.refresh_token;
        let leaving_token = app.sign_up("leaving").await.refresh_token;
        let session = app.session_id(&app.sign_in(&owner).await.token).await;
        let newcomer = app.sign_up("newcomer").await;
        let verify_token = app.mailed_token(&newcomer.email).await;
        let forgetful = app.sign_up("forgetful").await;
        app.send_mails().await;
        app.request_password_reset(&forgetful.email).await;
        let reset_token = app.mailed_token(&forgetful.email).await;
        let refused = [
            maker.refused("replay").await,
            maker.refused("replay-all").await,
            maker.refused("dismiss").await,
        ];
        let mut saved_searches = Vec::new();
        for name in ["changed", "deleted"] {
            let input = json!({ "partnerId": partner, "name": name, "where": {} });
            saved_searches.push(maker.make(&creator, "saveSearch", "savedSearch", input).await);
        }
        let mut payout_methods = Vec::new();
        // In a currency that nothing else here is paid in: they cool off.
        for address in ["preferred@okbank", "removed@okbank"] {
            let details = json!({ "upi": { "address": address } });
            let input = json!({ "partnerId": partner, "details": details, "currentPassword": PASSWORD });
            payout_methods.push(maker.make(&creator, "addPayoutMethod", "payoutMethod", input).await);
        }
        let (batches, payout_file, bank_answer) = maker.batches(&creator, &partner, &partnership).await;
        let queued_payout = maker.queued_payout(&partnership).await;
        let people = maker.people(&creator, &partner, &recruit).await;
        let actors = actors(app, [&brand, &people.other_brand], &owner, &creator).await;
        Self {
            brand,
            partner,
            profile,
            channel,
            partnership,
            other_partnership,
            leaving_partnerships: leaving_partnerships.try_into().unwrap(),
            thread,
            message,
            link,
            code,
            program,
            rule,
            listing,
            hidden_program,
            hidden_rule,
            hidden_listing,
            draft_program,
            draft_rule,
            archived_program,
            draft_listing,
            group,
            draft_group,
            open_program,
            invitations: invitations.try_into().unwrap(),
            offers: offers.try_into().unwrap(),
            applications: applications.try_into().unwrap(),
            application,
            conversions,
            sale,
            dispute,
            payouts,
            paid_payout,
            batches,
            payout_file,
            bank_answer,
            queued_payout,
            adjustment,
            store_credit,
            spare_key,
            audit_entry: text(&audit_entry, "id"),
            member: text(&member, "id"),
            refused,
            saved_searches: saved_searches.try_into().unwrap(),
            payout_methods: payout_methods.try_into().unwrap(),
            people,
            refresh_token,
            leaving_token,
            session,
            dead_jobs: [app.db_dead_job().await, app.db_dead_job().await],
            reset_token,
            verify_token,
            actors,
        }
    }
}

/// Makes things in the world's brand.
struct Maker<'a> {
    app: &'a TestApp,
    owner: &'a User,
    brand: &'a str,
}

impl Maker<'_> {
    /// Runs a mutation that answers with one object, and returns the object's id.
    async fn make(&self, user: &User, mutation: &str, object: &str, input: Value) -> String {
        let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let document = format!(
            "mutation ($input: {input_type}!) {{ {mutation}(input: $input) {{
                {object} {{ id }} userErrors {{ code message }}
            }} }}"
        );
        let path = format!("{mutation}.{object}");
        let variables = json!({ "input": input });
        let made = self
            .app
            .graphql_ok(Some(&user.token), &document, variables, &path)
            .await;
        text(&made, "id")
    }

    /// An invitation's id and token.
    async fn invite(&self, user: &User, mutation: &str, input: Value) -> (String, String) {
        let made = self
            .app
            .done(user, mutation, input, "created { token invitation { id } }")
            .await["created"]
            .clone();
        (text(&made["invitation"], "id"), text(&made, "token"))
    }

    async fn people(&self, creator: &User, partner: &str, recruit: &User) -> People {
        let (app, owner, brand) = (self.app, self.owner, self.brand);
        let other_brand = app.brand(owner, "other-brand").await.id;
        let other_partner = app.partner(creator, "shared-partner").await.id;
        let (going, heir) = (app.sign_up("going").await, app.sign_up("heir").await);
        let brand_member = app.db_member(brand, &going.id, BrandRole::Analyst).await;
        let heir = app.db_member(&other_brand, &heir.id, BrandRole::Analyst).await;
        let co_owner = app.sign_up("co-owner").await;
        let co_owner = app.db_member(brand, &co_owner.id, BrandRole::Owner).await;
        let partner_member = app.db_partner_member(partner, &going.id).await;
        app.db_partner_member(&other_partner, &going.id).await;
        let ask = |role: &str| json!({ "brandId": brand, "email": "asked@example.org", "role": role });
        let (brand_invitation, _) = self.invite(owner, "inviteBrandMember", ask("ANALYST")).await;
        let asked = json!({ "partnerId": partner, "email": "asked@example.org" });
        let (partner_invitation, _) = self.invite(creator, "invitePartnerMember", asked).await;
        let elsewhere = app.brand(recruit, "asking").await.id;
        let mut tokens = Vec::new();
        for email in ["nobody@example.org", "creator@example.org"] {
            let input = json!({ "brandId": elsewhere, "email": email, "role": "ANALYST" });
            tokens.push(self.invite(recruit, "inviteBrandMember", input).await.1);
        }
        let [accepted_token, declined_token] = tokens.try_into().unwrap();
        People {
            brand_member,
            co_owner,
            partner_member,
            brand_invitation,
            partner_invitation,
            accepted_token,
            declined_token,
            other_brand,
            heir,
            other_partner,
        }
    }

    async fn manage(&self, mutation: &str, object: &str, input: Value) -> String {
        self.make(self.owner, mutation, object, input).await
    }

    /// A draft with a rule, and without a hold.
    async fn program(&self, name: &str) -> (String, String) {
        let program = json!({
            "brandId": self.brand, "name": name, "description": name, "currencies": ["EUR"],
            "destinationUrl": "https://world.example/", "holdDays": 0, "terms": "Be nice.",
        });
        let program = self.manage("createProgram", "program", program).await;
        let rule = json!({ "programId": program, "event": "SALE", "earning": { "percent": "10" } });
        let rule = self.manage("createCommissionRule", "commissionRule", rule).await;
        (program, rule)
    }

    async fn group(&self, program: &str) -> String {
        let input = json!({ "programId": program, "name": "Group" });
        self.manage("createPartnerGroup", "partnerGroup", input).await
    }

    async fn activate(&self, program: &str) {
        self.manage("activateProgram", "program", json!({ "id": program }))
            .await;
    }

    async fn listing(&self, program: &str) -> String {
        let input = json!({
            "programId": program, "title": "World", "pitch": "Everything there is.", "category": "travel",
        });
        self.manage("createListing", "listing", input).await
    }

    /// A running program with its rule and its published listing.
    async fn open_program(&self, name: &str) -> (String, String, String) {
        let (program, rule) = self.program(name).await;
        self.activate(&program).await;
        let listing = self.listing(&program).await;
        self.manage("publishListing", "listing", json!({ "id": listing })).await;
        (program, rule, listing)
    }

    async fn apply(&self, user: &User, partner: &str, program: &str) -> String {
        let input = json!({
            "partnerId": partner, "programId": program, "message": "Hello.", "acceptedTermsVersion": 1,
        });
        self.make(user, "applyToProgram", "application", input).await
    }

    /// The application and the partnership it became.
    async fn join(&self, user: &User, partner: &str, program: &str) -> (String, String) {
        let application = self.apply(user, partner, program).await;
        let document = "mutation ($input: ApproveApplicationInput!) { approveApplication(input: $input) {
            application { partnership { id } } userErrors { code message }
        } }";
        let variables = json!({ "input": { "id": application } });
        let path = "approveApplication.application.partnership";
        let partnership = self
            .app
            .graphql_ok(Some(&self.owner.token), document, variables, path)
            .await;
        (application, text(&partnership, "id"))
    }

    /// A message about a partnership: its thread and its own id.
    async fn message(&self, user: &User, partnership: &str) -> (String, String) {
        let input = json!({ "idempotencyKey": "world", "about": { "partnershipId": partnership }, "body": "Hello." });
        let selection = "message { id thread { id } }";
        let message = self.app.done(user, "sendMessage", input, selection).await["message"].clone();
        (text(&message["thread"], "id"), text(&message, "id"))
    }

    /// A sale of 100 EUR, credited to the holder of the code.
    async fn sale(&self, program: &str, order: &str) -> String {
        self.manage("recordSale", "conversion", sale(self.brand, program, order))
            .await
    }

    /// A sale in a currency that does not exist; its id in the inbox.
    async fn refused(&self, order: &str) -> String {
        let amount = json!({ "amount": { "amount": "100.00", "currency": "ZZZ" } });
        let input = merged(
            json!({ "brandId": self.brand, "idempotencyKey": order, "orderId": order }),
            amount,
        );
        let token = Some(&*self.owner.token);
        self.app.mutation(token, "recordSale", input, "__typename").await;
        let document = "query ($id: ID!, $order: String) { brand(id: $id) {
            refusedEvents(where: { orderId: $order }) { nodes { id } } } }";
        let variables = json!({ "id": self.brand, "order": order });
        let path = "brand.refusedEvents.nodes.0.id";
        let id = self.app.graphql_ok(token, document, variables, path).await;
        id.as_str().unwrap().to_owned()
    }

    async fn approve(&self, conversion: &str) {
        let input = json!({ "idempotencyKey": conversion, "id": conversion });
        self.manage("approveConversion", "conversion", input).await;
    }

    /// An approved sale, refunded in part, with the ids of all that hangs on it.
    async fn whole_sale(&self, program: &str) -> Sale {
        let conversion = self.sale(program, "whole").await;
        self.approve(&conversion).await;
        let refund = json!({
            "brandId": self.brand, "idempotencyKey": "whole", "orderId": "whole",
            "amount": { "amount": "10.00", "currency": "EUR" },
        });
        let refund = self.manage("recordRefund", "refund", refund).await;
        let document = "query ($id: ID!) { node(id: $id) { ... on Conversion {
            order { id } customer { id } commissions { id }
        } } }";
        let variables = json!({ "id": conversion });
        let found = self
            .app
            .graphql_ok(Some(&self.owner.token), document, variables, "node")
            .await;
        Sale {
            commission: text(&found["commissions"][0], "id"),
            order: text(&found["order"], "id"),
            customer: text(&found["customer"], "id"),
            conversion,
            refund,
        }
    }

    /// An amended order with an open chargeback, and an authorised one of which a part was captured.
    async fn dispute(&self, program: &str) -> Dispute {
        let of_order = |order: &str, more: Value| {
            merged(
                json!({ "brandId": self.brand, "idempotencyKey": order, "orderId": order }),
                more,
            )
        };
        let eur = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        self.sale(program, "amend").await;
        let amendment = of_order("amend", json!({ "amount": eur("90.00") }));
        let chargeback = of_order("amend", json!({ "reference": "open", "amount": eur("5.00") }));
        let authorized = merged(sale(self.brand, program, "capture"), json!({ "capture": "AUTHORIZED" }));
        self.manage("recordSale", "conversion", authorized).await;
        let capture = of_order("capture", json!({ "amount": eur("10.00") }));
        Dispute {
            amendment: self.manage("amendOrder", "orderAmendment", amendment).await,
            chargeback: self.manage("recordChargeback", "chargeback", chargeback).await,
            capture: self.manage("recordCapture", "capture", capture).await,
        }
    }
}

/// The input of a sale of 100 EUR; the order's id is its idempotency key too.
pub fn sale(brand: &str, program: &str, order: &str) -> Value {
    json!({
        "brandId": brand, "programId": program, "idempotencyKey": order, "orderId": order, "customerId": "customer",
        "amount": { "amount": "100.00", "currency": "EUR" }, "promoCodes": [CODE],
    })
}
