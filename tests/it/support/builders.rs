//! What tests stand on, made through public operations; `db_*` marks what has no public operation yet.

use entity::{
    brand_member::{self, BrandRole},
    ids::{BrandId, BrandMemberId, PartnerId, PartnerMemberId, UserId},
    partner_member, user,
};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use super::app::TestApp;

/// The password of everyone who signs up in a test.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody signed in. The access token ends fifteen minutes after sign-up, on the test's clock.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

#[derive(Clone, Debug)]
pub struct BrandFixture {
    pub id: String,
}

#[derive(Clone, Debug)]
pub struct PartnerFixture {
    pub id: String,
}

/// A brand's API key with its text.
#[derive(Clone, Debug)]
pub struct KeyFixture {
    pub id: String,
    pub secret: String,
}

pub const SIGN_UP: &str = "mutation ($input: SignUpInput!) {
    signUp(input: $input) {
        session { user { id email displayName } accessToken refreshToken }
        userErrors { code field message }
    }
}";

const SIGN_IN: &str = "mutation ($input: SignInInput!) {
    signIn(input: $input) { session { accessToken refreshToken } userErrors { code field message } }
}";

const CREATE_BRAND: &str = "mutation ($input: CreateBrandInput!) {
    createBrand(input: $input) { brand { id } userErrors { code field message } }
}";

const CREATE_PARTNER: &str = "mutation ($input: CreatePartnerInput!) {
    createPartner(input: $input) { partner { id } userErrors { code field message } }
}";

const CREATE_API_KEY: &str = "mutation ($input: CreateApiKeyInput!) {
    createApiKey(input: $input) { created { secret apiKey { id } } userErrors { code field message } }
}";

/// A text of an answer that must be there.
#[track_caller]
pub fn text(value: &Value, key: &str) -> String {
    match value[key].as_str() {
        Some(text) => text.to_owned(),
        None => panic!("no text at `{key}`: {value:#}"),
    }
}

impl TestApp {
    /// `name` becomes the local part of the e-mail address.
    pub async fn sign_up(&self, name: &str) -> User {
        let email = format!("{name}@example.org");
        let input = json!({ "input": { "email": email, "password": PASSWORD, "displayName": name } });
        let session = self.graphql_ok(None, SIGN_UP, input, "signUp.session").await;
        User {
            id: text(&session["user"], "id"),
            email,
            token: text(&session, "accessToken"),
            refresh_token: text(&session, "refreshToken"),
        }
    }

    /// Another session of somebody who signed up.
    pub async fn sign_in(&self, user: &User) -> User {
        let input = json!({ "input": { "email": user.email, "password": PASSWORD } });
        let session = self.graphql_ok(None, SIGN_IN, input, "signIn.session").await;
        User {
            token: text(&session, "accessToken"),
            refresh_token: text(&session, "refreshToken"),
            ..user.clone()
        }
    }

    /// The session that an access token belongs to.
    pub async fn session_id(&self, token: &str) -> String {
        let query = "{ viewer { sessions { nodes { id current } } } }";
        let sessions = self
            .graphql_ok(Some(token), query, json!({}), "viewer.sessions.nodes")
            .await;
        let current = sessions.as_array().unwrap().iter().find(|node| node["current"] == true);
        text(current.unwrap(), "id")
    }

    /// A brand in EUR, owned by `owner`.
    pub async fn brand(&self, owner: &User, slug: &str) -> BrandFixture {
        let input = json!({ "input": {
            "slug": slug, "name": slug, "websiteUrl": format!("https://{slug}.example"), "currency": "EUR",
        } });
        let brand = self
            .graphql_ok(Some(&owner.token), CREATE_BRAND, input, "createBrand.brand")
            .await;
        BrandFixture { id: text(&brand, "id") }
    }

    pub async fn partner(&self, user: &User, handle: &str) -> PartnerFixture {
        let input = json!({ "input": { "handle": handle, "displayName": handle } });
        let partner = self
            .graphql_ok(Some(&user.token), CREATE_PARTNER, input, "createPartner.partner")
            .await;
        PartnerFixture {
            id: text(&partner, "id"),
        }
    }

    pub async fn secret_key(&self, user: &User, brand_id: &str) -> KeyFixture {
        self.api_key(user, brand_id, json!({ "kind": "SECRET" })).await
    }

    pub async fn publishable_key(&self, user: &User, brand_id: &str) -> KeyFixture {
        self.api_key(user, brand_id, json!({ "kind": "PUBLISHABLE" })).await
    }

    /// A key as `input` wants it; the brand and the name are added.
    pub async fn api_key(&self, user: &User, brand_id: &str, mut input: Value) -> KeyFixture {
        input["brandId"] = json!(brand_id);
        input["name"] = json!("test");
        let variables = json!({ "input": input });
        let created = self
            .graphql_ok(Some(&user.token), CREATE_API_KEY, variables, "createApiKey.created")
            .await;
        KeyFixture {
            id: text(&created["apiKey"], "id"),
            secret: text(&created, "secret"),
        }
    }

    /// Puts a user into a brand's team.
    pub async fn db_member(&self, brand_id: &str, user_id: &str, role: BrandRole) -> String {
        let brand: BrandId = brand_id.parse().unwrap();
        let user: UserId = user_id.parse().unwrap();
        let id: BrandMemberId = self.app.ids.new_id(self.now());
        let member = brand_member::ActiveModel {
            id: Set(id),
            brand_id: Set(brand),
            user_id: Set(user),
            role: Set(role),
            created_at: Set(self.now()),
        };
        brand_member::Entity::insert(member)
            .exec_without_returning(self.db_writer())
            .await
            .unwrap();
        id.to_string()
    }

    /// Puts a user among a partner's people.
    pub async fn db_partner_member(&self, partner_id: &str, user_id: &str) -> String {
        let partner: PartnerId = partner_id.parse().unwrap();
        let user: UserId = user_id.parse().unwrap();
        let id: PartnerMemberId = self.app.ids.new_id(self.now());
        let member = partner_member::ActiveModel {
            id: Set(id),
            partner_id: Set(partner),
            user_id: Set(user),
            created_at: Set(self.now()),
        };
        partner_member::Entity::insert(member)
            .exec_without_returning(self.db_writer())
            .await
            .unwrap();
        id.to_string()
    }

    pub async fn db_platform_admin(&self, user_id: &str) {
        let id: UserId = user_id.parse().unwrap();
        let admin = user::ActiveModel {
            id: Set(id),
            platform_admin: Set(true),
            ..Default::default()
        };
        user::Entity::update(admin)
            .exec_without_returning(self.db_writer())
            .await
            .unwrap();
    }
}
