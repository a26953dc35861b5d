//! Who asks: an identity with everything that rights are decided from, read once at the door.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use entity::{
    Reach,
    api_key::{ApiKeyMode, KeyScope, KeyScopes},
    brand_member::BrandRole,
    ids::{ApiKeyId, BrandId, PartnerId, SessionId, UserId},
};

use sea_orm::ActiveEnum;

use crate::{
    accounts::permissions::{Operation, Role},
    error::ApiError,
};

/// How the audit log names the program itself.
pub const SYSTEM_NAME: &str = "system";
/// And whoever is not signed in.
pub const ANONYMOUS_NAME: &str = "anonymous";

/// What a key was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRights {
    pub mode: ApiKeyMode,
    pub scopes: KeyScopes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    Anonymous,
    User(UserId),
    SecretKey {
        key: ApiKeyId,
        brand: BrandId,
        rights: KeyRights,
    },
    PublishableKey {
        key: ApiKeyId,
        brand: BrandId,
        rights: KeyRights,
    },
    /// The program itself: jobs and commands. Never made from a request.
    System,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub identity: Identity,
    /// The session a user's request comes in; absent for keys and commands.
    pub session: Option<SessionId>,
    /// When the access token or the key ends by itself; what lives longer than a request must ask.
    pub valid_until: Option<DateTime<Utc>>,
    /// Whether what this actor does counts. Only keys are for trying things out.
    pub mode: ApiKeyMode,
    pub platform_admin: bool,
    pub brands: Vec<(BrandId, BrandRole)>,
    pub partners: Vec<PartnerId>,
}

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What limits tell clients apart by; absent when it is not known, which is one client for all of them.
    pub client: Option<IpAddr>,
    /// The whole address.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

/// Where an operation happens: the brand and the partner that own the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub brand: Option<BrandId>,
    pub partner: Option<PartnerId>,
}

impl Place {
    #[must_use]
    pub fn brand(brand: BrandId) -> Self {
        Self {
            brand: Some(brand),
            partner: None,
        }
    }

    #[must_use]
    pub fn partner(partner: PartnerId) -> Self {
        Self {
            brand: None,
            partner: Some(partner),
        }
    }

    #[must_use]
    pub fn shared(brand: BrandId, partner: PartnerId) -> Self {
        Self {
            brand: Some(brand),
            partner: Some(partner),
        }
    }
}

impl Actor {
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            identity: Identity::Anonymous,
            session: None,
            valid_until: None,
            mode: ApiKeyMode::Live,
            platform_admin: false,
            brands: Vec::new(),
            partners: Vec::new(),
        }
    }

    #[must_use]
    pub fn system() -> Self {
        Self {
            identity: Identity::System,
            ..Self::anonymous()
        }
    }

    /// The tenants whose rows this actor sees at all. A secret key may look up what it may read, one for trying
    /// things out what was tried; a publishable key stands in every page's source: it reaches none.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let mut reach = Reach {
            everything: self.platform_admin || self.identity == Identity::System,
            brands: self.brands.iter().map(|(brand, _)| *brand).collect(),
            partners: self.partners.clone(),
            tests_of: Vec::new(),
        };
        if let Identity::SecretKey { brand, rights, .. } = self.identity
            && rights.scopes.contains(KeyScope::ReadConversions)
        {
            match rights.mode {
                ApiKeyMode::Live => reach.brands.push(brand),
                ApiKeyMode::Test => reach.tests_of.push(brand),
            }
        }
        reach
    }

    fn key_rights(&self) -> Option<KeyRights> {
        match self.identity {
            Identity::SecretKey { rights, .. } | Identity::PublishableKey { rights, .. } => Some(rights),
            Identity::Anonymous | Identity::User(_) | Identity::System => None,
        }
    }

    /// The same actor writing the other book: for events that came in by a key for trying things out.
    #[must_use]
    pub fn in_mode(&self, mode: ApiKeyMode) -> Self {
        Self { mode, ..self.clone() }
    }

    /// The signed-in user, for operations only people do.
    pub fn user(&self) -> Result<UserId, ApiError> {
        match self.identity {
            Identity::User(user) => Ok(user),
            Identity::Anonymous => Err(ApiError::Unauthenticated("sign in first")),
            _ => Err(ApiError::Forbidden("only a signed-in user can do this".to_owned())),
        }
    }

    /// Whether the other has the same rights everywhere.
    #[must_use]
    pub fn has_rights_of(&self, other: &Self) -> bool {
        let places = |actor: &Self| {
            let (mut brands, mut partners) = (actor.brands.clone(), actor.partners.clone());
            brands.sort_unstable();
            partners.sort_unstable();
            (brands, partners)
        };
        self.identity == other.identity && self.platform_admin == other.platform_admin && places(self) == places(other)
    }

    /// What this actor is at a place.
    #[must_use]
    pub fn roles_at(&self, place: Place) -> Vec<Role> {
        let at_brand = |brand: BrandId| place.brand == Some(brand);
        // What belongs to nobody (signing up, searching) is in reach of any key.
        let at_own = |brand: BrandId| at_brand(brand) || place == Place::default();
        let mut roles = Vec::new();
        match self.identity {
            Identity::Anonymous => roles.push(Role::Anonymous),
            Identity::User(_) => roles.push(Role::SignedIn),
            Identity::SecretKey { brand, .. } if at_own(brand) => roles.push(Role::SecretKey),
            Identity::PublishableKey { brand, .. } if at_own(brand) => roles.push(Role::PublishableKey),
            Identity::SecretKey { .. } | Identity::PublishableKey { .. } | Identity::System => {}
        }
        if self.platform_admin {
            roles.push(Role::PlatformAdmin);
        }
        roles.extend(
            self.brands
                .iter()
                .filter(|(brand, _)| at_brand(*brand))
                .map(|(_, role)| Role::from(*role)),
        );
        if place.partner.is_some_and(|partner| self.partners.contains(&partner)) {
            roles.push(Role::PartnerMember);
        }
        roles
    }

    /// May this actor do this here? Outside the actor's reach the answer is "not found": it does not even say whether
    /// there is anything to be refused.
    pub fn authorise(&self, operation: Operation, place: Place) -> Result<(), ApiError> {
        if self.identity == Identity::System {
            return Ok(());
        }
        let allowed = operation.allowed();
        let roles = self.roles_at(place);
        if roles.iter().any(|role| allowed.contains(role)) {
            return self.authorise_key(operation);
        }
        if self.identity == Identity::Anonymous {
            return Err(ApiError::Unauthenticated("sign in first, or send an API key"));
        }
        let stranger = roles.iter().all(|role| *role == Role::SignedIn);
        if stranger && place != Place::default() {
            let what = if place.partner.is_some() && place.brand.is_none() {
                "partner"
            } else {
                "brand"
            };
            return Err(ApiError::not_found(what));
        }
        Err(ApiError::Forbidden(format!(
            "your role does not allow `{}`",
            operation.name()
        )))
    }

    /// Beside being of a kind that may, a key needs the scope; and a test key sees nothing that counts.
    fn authorise_key(&self, operation: Operation) -> Result<(), ApiError> {
        let Some(rights) = self.key_rights() else {
            return Ok(());
        };
        let name = operation.name();
        if let Some(scope) = operation.key_scope()
            && !rights.scopes.contains(scope)
        {
            let scope = scope.to_value();
            return Err(ApiError::Forbidden(format!(
                "this key lacks the scope {scope} that `{name}` takes"
            )));
        }
        if rights.mode == ApiKeyMode::Test && !operation.is_open_to_tests() {
            return Err(ApiError::Forbidden(format!(
                "a test key does not allow `{name}`: use a live key"
            )));
        }
        Ok(())
    }

    /// How the audit log names this actor.
    #[must_use]
    pub fn audit_name(&self) -> String {
        match self.identity {
            Identity::Anonymous => ANONYMOUS_NAME.to_owned(),
            Identity::User(user) => user.to_string(),
            Identity::SecretKey { key, .. } | Identity::PublishableKey { key, .. } => key.to_string(),
            Identity::System => SYSTEM_NAME.to_owned(),
        }
    }
}
