//! Who tries the operations.

use entity::{
    api_key::{ApiKeyMode, KeyScope, KeyScopes},
    brand_member::BrandRole,
};
use sea_orm::{ActiveEnum, Iterable};
use serde_json::json;
use tributary::accounts::permissions::{Operation, Role};

use crate::support::{app::TestApp, builders::User};

pub struct Actor {
    pub name: String,
    pub token: Option<String>,
    /// What the actor is in the world: a stranger is only signed in.
    pub roles: Vec<Role>,
    pub mode: ApiKeyMode,
    /// What a key was given; all there is for everyone else.
    pub scopes: KeyScopes,
}

impl Actor {
    pub fn may(&self, operation: Operation) -> bool {
        // Open to all: every role is listed, so a key of another brand is not shut out either.
        let allowed = operation.allowed();
        (allowed == Role::ALL || self.roles.iter().any(|role| allowed.contains(role)))
            && (self.mode == ApiKeyMode::Live || operation.is_open_to_tests())
            && operation.key_scope().is_none_or(|scope| self.scopes.contains(scope))
    }
}

/// Everyone who tries. The least powerful first: what they are refused is tried while there is still something to do.
pub(super) async fn actors(
    app: &TestApp,
    [brand, second_brand]: [&str; 2],
    owner: &User,
    creator: &User,
) -> Vec<Actor> {
    let mut actors = vec![Actor {
        name: "stranger with a brand and a partner elsewhere".to_owned(),
        token: Some(stranger(app).await),
        roles: vec![Role::SignedIn],
        mode: ApiKeyMode::Live,
        scopes: KeyScope::iter().collect(),
    }];
    let other_owner = app.sign_up("other-owner").await;
    let other_brand = app.brand(&other_owner, "other-world").await;
    actors.push(Actor {
        name: "secret key of another brand".to_owned(),
        token: Some(app.secret_key(&other_owner, &other_brand.id).await.secret),
        // Open to all is open to it too; nothing else is.
        roles: Vec::new(),
        mode: ApiKeyMode::Live,
        scopes: KeyScope::iter().collect(),
    });
    for (kind, role) in [("PUBLISHABLE", Role::PublishableKey), ("SECRET", Role::SecretKey)] {
        let input = json!({ "kind": kind, "mode": "TEST" });
        actors.push(Actor {
            name: format!("{role:?} for testing"),
            token: Some(app.api_key(owner, brand, input).await.secret),
            roles: vec![role],
            mode: ApiKeyMode::Test,
            scopes: KeyScope::iter().collect(),
        });
    }
    // Each scope alone, and none.
    for scope in KeyScope::iter().map(Some).chain([None]) {
        let names: Vec<String> = scope.iter().map(ActiveEnum::to_value).collect();
        let input = json!({ "kind": "SECRET", "scopes": names });
        actors.push(Actor {
            name: format!("secret key with {names:?}"),
            token: Some(app.api_key(owner, brand, input).await.secret),
            roles: vec![Role::SecretKey],
            mode: ApiKeyMode::Live,
            scopes: scope.into_iter().collect(),
        });
    }
    for role in Role::ALL.into_iter().rev() {
        let (token, roles) = match role {
            Role::Anonymous => (None, vec![role]),
            Role::SignedIn => (Some(app.sign_up("nobody").await.token), vec![role]),
            Role::PartnerMember => (Some(creator.token.clone()), vec![role, Role::SignedIn]),
            Role::Owner => (Some(owner.token.clone()), vec![role, Role::SignedIn]),
            Role::SecretKey => (Some(app.secret_key(owner, brand).await.secret), vec![role]),
            Role::PublishableKey => (Some(app.publishable_key(owner, brand).await.secret), vec![role]),
            Role::PlatformAdmin => {
                let user = app.sign_up("platform-admin").await;
                app.db_platform_admin(&user.id).await;
                (Some(user.token), vec![role, Role::SignedIn])
            }
            Role::Admin | Role::Manager | Role::Finance | Role::Analyst | Role::Developer => {
                let user = app.sign_up(&format!("{role:?}").to_lowercase()).await;
                app.db_member(brand, &user.id, brand_role(role)).await;
                app.db_member(second_brand, &user.id, brand_role(role)).await;
                (Some(user.token), vec![role, Role::SignedIn])
            }
        };
        actors.push(Actor {
            name: format!("{role:?}"),
            token,
            roles,
            mode: ApiKeyMode::Live,
            scopes: KeyScope::iter().collect(),
        });
    }
    actors
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
