//! Who may do what, proved over HTTP: every operation of the permission table, tried by every role and by strangers.
//!
//! Allowed means that no right was missing: the answer may still be a refusal, because earlier callers changed the world
//! (what was approved cannot be approved again). Denied means one of three codes, and a database in which nothing changed.

use entity::brand_member::BrandRole;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::accounts::permissions::{Operation, Role};

use crate::support::{
    answer::error_codes,
    app::{TestApp, with_app},
    builders::PASSWORD,
    database::Database,
    schema::Schema,
};

/// The codes that mean "you may not".
const DENIALS: [&str; 3] = ["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND"];

/// How an operation is tried.
enum Case {
    Try {
        document: &'static str,
        variables: Value,
    },
    /// Its field is not in the schema yet. Once it is, the test fails until the case is written.
    Pending,
}

fn attempt(document: &'static str, variables: Value) -> Case {
    Case::Try { document, variables }
}

/// An input of its own for the mutation.
fn mutate(document: &'static str, input: Value) -> Case {
    attempt(document, json!({ "input": input }))
}

/// What operations are tried on: one brand, one partner, and what hangs on them.
struct World {
    brand: String,
    partner: String,
    /// A key to be revoked; nobody authenticates with it.
    spare_key: String,
    actors: Vec<Actor>,
}

struct Actor {
    name: String,
    token: Option<String>,
    /// What the actor is in the world: a stranger is only signed in.
    roles: Vec<Role>,
}

impl Actor {
    fn may(&self, operation: Operation) -> bool {
        self.roles.iter().any(|role| operation.allowed().contains(role))
    }
}

/// The match has no arm for "the rest", so an operation without a case does not compile.
fn case(operation: Operation, world: &World) -> Case {
    let brand = || json!({ "id": world.brand });
    match operation {
        Operation::SeeViewer => attempt("{ viewer { user { id } } }", json!({})),
        Operation::SeeBrand => attempt("query ($id: ID!) { brand(id: $id) { id slug name } }", brand()),
        Operation::SeePartner => attempt(
            "query ($id: ID!) { partner(id: $id) { id handle } }",
            json!({ "id": world.partner }),
        ),
        Operation::SeeMembers => attempt(
            "query ($id: ID!) { brand(id: $id) { members(first: 2) { nodes { role user { email } } } } }",
            brand(),
        ),
        Operation::SeeApiKeys => attempt(
            "query ($id: ID!) { brand(id: $id) { apiKeys(first: 2) { nodes { lastFour } } } }",
            brand(),
        ),
        Operation::SignUp => mutate(
            "mutation ($input: SignUpInput!) { signUp(input: $input) { userErrors { code } } }",
            json!({ "email": "owner@example.org", "password": PASSWORD, "displayName": "again" }),
        ),
        Operation::SignIn => mutate(
            "mutation ($input: SignInInput!) { signIn(input: $input) { userErrors { code } } }",
            json!({ "email": "owner@example.org", "password": "not the password" }),
        ),
        Operation::RefreshSession => mutate(
            "mutation ($input: RefreshSessionInput!) { refreshSession(input: $input) { userErrors { code } } }",
            json!({ "refreshToken": "trs_unknown" }),
        ),
        Operation::CreateBrand => mutate(
            "mutation ($input: CreateBrandInput!) { createBrand(input: $input) { userErrors { code } } }",
            json!({ "slug": "tried", "name": "Tried", "websiteUrl": "https://tried.example", "currency": "EUR" }),
        ),
        Operation::CreatePartner => mutate(
            "mutation ($input: CreatePartnerInput!) { createPartner(input: $input) { userErrors { code } } }",
            json!({ "handle": "tried", "displayName": "Tried" }),
        ),
        Operation::CreateApiKey => mutate(
            "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { userErrors { code } } }",
            json!({ "brandId": world.brand, "kind": "PUBLISHABLE", "name": "tried" }),
        ),
        Operation::RevokeApiKey => mutate(
            "mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { userErrors { code } } }",
            json!({ "id": world.spare_key }),
        ),
        Operation::SeeNode
        | Operation::SeeNodes
        | Operation::SearchListings
        | Operation::SeeProgram
        | Operation::SeePrograms
        | Operation::SeeApplications
        | Operation::SeePartnerships
        | Operation::SeeConversions
        | Operation::SeeCommissions
        | Operation::SeePayouts
        | Operation::SeeLedger
        | Operation::SeeOwnApplications
        | Operation::SeeOwnPartnerships
        | Operation::SeeOwnConversions
        | Operation::SeeOwnCommissions
        | Operation::SeeOwnPayouts
        | Operation::SeeLinks
        | Operation::SeePromoCodes
        | Operation::SeeRecruits
        | Operation::SeeBalances
        | Operation::CreateProgram
        | Operation::UpdateProgram
        | Operation::ActivateProgram
        | Operation::PauseProgram
        | Operation::CreateCommissionRule
        | Operation::ArchiveCommissionRule
        | Operation::SetReferralLevels
        | Operation::CreateListing
        | Operation::UpdateListing
        | Operation::PublishListing
        | Operation::PauseListing
        | Operation::ApplyToProgram
        | Operation::WithdrawApplication
        | Operation::ApproveApplication
        | Operation::RejectApplication
        | Operation::SuspendPartnership
        | Operation::ReactivatePartnership
        | Operation::SetPartnershipReferrer
        | Operation::CreateTrackingLink
        | Operation::CreatePromoCode
        | Operation::RecordSignup
        | Operation::RecordLead
        | Operation::RecordSale
        | Operation::RecordRefund
        | Operation::ApproveConversion
        | Operation::RejectConversion
        | Operation::CreatePayout
        | Operation::ApprovePayout
        | Operation::MarkPayoutPaid
        | Operation::CancelPayout
        | Operation::ConversionFeed => Case::Pending,
    }
}

impl World {
    async fn build(app: &TestApp) -> Self {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "world").await;
        let creator = app.sign_up("creator").await;
        let partner = app.partner(&creator, "world-partner").await;
        let spare_key = app.secret_key(&owner, &brand.id).await;

        let mut actors = vec![Actor {
            name: "stranger with a brand and a partner elsewhere".to_owned(),
            token: Some(stranger(app).await),
            roles: vec![Role::SignedIn],
        }];
        let other_owner = app.sign_up("other-owner").await;
        let other_brand = app.brand(&other_owner, "other-world").await;
        actors.push(Actor {
            name: "secret key of another brand".to_owned(),
            token: Some(app.secret_key(&other_owner, &other_brand.id).await.secret),
            // Open to all is open to it too; nothing else is.
            roles: Vec::new(),
        });
        // The least powerful first: what they are refused is tried while there is still something to do.
        for role in Role::ALL.into_iter().rev() {
            let (token, roles) = match role {
                Role::Anonymous => (None, vec![role]),
                Role::SignedIn => (Some(app.sign_up("nobody").await.token), vec![role]),
                Role::PartnerMember => (Some(creator.token.clone()), vec![role, Role::SignedIn]),
                Role::Owner => (Some(owner.token.clone()), vec![role, Role::SignedIn]),
                Role::SecretKey => (Some(app.secret_key(&owner, &brand.id).await.secret), vec![role]),
                Role::PublishableKey => (Some(app.publishable_key(&owner, &brand.id).await.secret), vec![role]),
                Role::PlatformAdmin => {
                    let user = app.sign_up("platform-admin").await;
                    app.db_platform_admin(&user.id).await;
                    (Some(user.token), vec![role, Role::SignedIn])
                }
                Role::Admin | Role::Manager | Role::Finance | Role::Analyst | Role::Developer => {
                    let user = app.sign_up(&format!("{role:?}").to_lowercase()).await;
                    app.db_member(&brand.id, &user.id, brand_role(role)).await;
                    (Some(user.token), vec![role, Role::SignedIn])
                }
            };
            actors.push(Actor {
                name: format!("{role:?}"),
                token,
                roles,
            });
        }
        Self {
            brand: brand.id,
            partner: partner.id,
            spare_key: spare_key.id,
            actors,
        }
    }
}

/// Owns a brand and a partner account, but not the world's.
async fn stranger(app: &TestApp) -> String {
    let user = app.sign_up("stranger").await;
    app.brand(&user, "elsewhere").await;
    app.partner(&user, "elsewhere").await;
    user.token
}

fn brand_role(role: Role) -> BrandRole {
    match role {
        Role::Admin => BrandRole::Admin,
        Role::Manager => BrandRole::Manager,
        Role::Finance => BrandRole::Finance,
        Role::Analyst => BrandRole::Analyst,
        Role::Developer => BrandRole::Developer,
        other => panic!("{other:?} is not given to a member here"),
    }
}

/// Open to all: every role is listed, so a key of another brand is not shut out either.
fn is_public(operation: Operation) -> bool {
    operation.allowed() == Role::ALL
}

#[rstest]
#[tokio::test]
async fn the_table_is_what_happens(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::build(&app).await;
        let mut wrong = Vec::new();
        let mut before = app.digest().await;
        for operation in Operation::ALL.iter().copied() {
            let Case::Try { document, variables } = case(operation, &world) else {
                continue;
            };
            for actor in &world.actors {
                let answer = app.graphql(actor.token.as_deref(), document, variables.clone()).await;
                let codes = error_codes(&answer);
                let denied = codes.iter().any(|code| DENIALS.contains(&code.as_str()));
                let allowed = is_public(operation) || actor.may(operation);
                let after = app.digest().await;
                let what = format!("{} by {}", operation.name(), actor.name);
                match (allowed, denied) {
                    (true, true) => wrong.push(format!("{what}: allowed, but {codes:?}")),
                    (false, false) => wrong.push(format!("{what}: not denied: {answer}")),
                    (false, true) if after != before => wrong.push(format!("{what}: denied, but something changed")),
                    (true, false) if !codes.is_empty() => wrong.push(format!("{what}: a broken case: {answer}")),
                    _ => {}
                }
                before = after;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn no_case_is_pending_whose_field_exists() {
    let schema = Schema::load().await;
    let world = World {
        brand: String::new(),
        partner: String::new(),
        spare_key: String::new(),
        actors: Vec::new(),
    };
    let mut wrong = Vec::new();
    for operation in Operation::ALL.iter().copied() {
        let pending = matches!(case(operation, &world), Case::Pending);
        if pending == schema.has_field(operation.name()) {
            wrong.push(operation.name());
        }
    }
    assert!(
        wrong.is_empty(),
        "fields without a case, or cases without a field: {wrong:?}"
    );
}

#[tokio::test]
async fn every_root_field_is_an_operation() {
    let schema = Schema::load().await;
    let named: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let mut missing = Vec::new();
    for root in &schema.roots {
        for field in &schema.get(root).fields {
            let path = format!("{root}.{}", field.name);
            if !named.contains(&path.as_str()) {
                missing.push(path);
            }
        }
    }
    assert!(missing.is_empty(), "root fields that nobody guards: {missing:?}");
}
