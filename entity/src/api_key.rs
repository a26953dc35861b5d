//! A key of a brand's server or page. Only its hash is stored.

use sea_orm::{ActiveEnum, Iterable, entity::prelude::*};

use crate::ids::{ApiKeyId, BrandId, UserId};
use crate::scope::tenant_scoped;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApiKeyKind {
    Secret,
    Publishable,
}

/// Whether what is done with a key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApiKeyMode {
    Live,
    Test,
}

/// One thing a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyScope {
    RecordEvents,
    RecordRefunds,
    ReadConversions,
    TrackClicks,
    RedeemStoreCredit,
}

/// A set of scopes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyScopes(u8);

impl KeyScopes {
    #[must_use]
    pub fn contains(self, scope: KeyScope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = KeyScope> {
        KeyScope::iter().filter(move |scope| self.contains(*scope))
    }

    /// As the column keeps it: names with spaces between.
    #[must_use]
    pub fn to_text(self) -> String {
        let names: Vec<String> = self.iter().map(|scope| scope.to_value()).collect();
        names.join(" ")
    }

    /// A name that is no scope any more gives nothing.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        text.split(' ')
            .filter_map(|name| KeyScope::try_from_value(&name.to_owned()).ok())
            .collect()
    }
}

impl FromIterator<KeyScope> for KeyScopes {
    fn from_iter<I: IntoIterator<Item = KeyScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | (1 << scope as u8)))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    pub brand_id: BrandId,
    pub kind: ApiKeyKind,
    pub mode: ApiKeyMode,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub last_four: String,
    /// SHA-256 of the whole key, hex; unique.
    #[sea_orm(column_type = "Text")]
    pub key_hash: String,
    pub created_by: UserId,
    /// Names with spaces between; absent: everything its kind allows.
    #[sea_orm(column_type = "Text", nullable)]
    pub scopes: Option<String>,
    /// When it stops by itself.
    pub expires_at: Option<DateTimeUtc>,
    /// To the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// The key it was made to take the place of.
    pub replaces_id: Option<ApiKeyId>,
    /// The key that was made to take its place.
    pub replaced_by_id: Option<ApiKeyId>,
    pub created_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand);
