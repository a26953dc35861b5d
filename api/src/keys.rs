//! The installation's secret, and the keys derived from it. One secret, one purpose a key (HKDF-SHA256).

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use entity::installation_secret::{ActiveModel, Column, Entity};
use hkdf::Hkdf;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use sha2::Sha256;

use crate::{
    config::Config,
    error::Fault,
    idempotency::hex,
    ids::Ids,
    infra::{
        clock::Clock,
        db::Db,
        sealing::{EncryptionKey, KeyRing},
    },
};

const SECRET_NAME: &str = "root";
/// Bytes of the name of a key: enough that two do not share one.
const KEY_ID_LEN: usize = 8;

/// Keys by purpose; never printed.
#[derive(Clone)]
pub struct Keys {
    pub access_token: [u8; 32],
    /// What access tokens call their key, so that another installation's are told apart before anything is computed.
    pub access_token_id: String,
    pub click_id: [u8; 32],
    /// Seals where no key is configured for it.
    encryption: EncryptionKey,
    /// Of the secrets before this one: what they signed is believed, and nothing is signed with them.
    previous: Vec<Keys>,
    /// Of the secret that the installation made for itself before one was configured: it only opens what it sealed.
    kept: Option<EncryptionKey>,
}

impl Keys {
    /// From the configured secret, or the one this installation made for itself and keeps in its database, where every
    /// process of it finds the same.
    pub async fn load(config: &Config, db: &Db, ids: &Ids, clock: &dyn Clock) -> Result<Self, Fault> {
        if let Some(secret) = &config.secret {
            let derive = |secret: &String| Self::derive(secret.as_bytes());
            let kept = match find_kept(db.read()).await? {
                Some(kept) => Some(Self::derive(kept.as_bytes())?.encryption),
                None => None,
            };
            return Ok(Self {
                kept,
                previous: config.previous_secrets.iter().map(derive).collect::<Result<_, _>>()?,
                ..derive(secret)?
            });
        }
        let made = STANDARD_NO_PAD.encode(ids.secret::<32>());
        let tx = db.begin().await?;
        Entity::insert(ActiveModel {
            name: Set(SECRET_NAME.to_owned()),
            value: Set(made),
            created_at: Set(clock.now()),
        })
        .on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
        let kept = find_kept(&tx)
            .await?
            .ok_or_else(|| Fault::new("the installation secret was not kept"))?;
        tx.commit().await?;
        Self::derive(kept.as_bytes())
    }

    /// The key of access tokens that goes by this name.
    #[must_use]
    pub fn access_token_named(&self, id: &str) -> Option<&[u8; 32]> {
        self.all()
            .find(|keys| keys.access_token_id == id)
            .map(|keys| &keys.access_token)
    }

    /// Every key that a good click id may be signed with, the current one first: click ids do not say.
    pub fn click_ids(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.all().map(|keys| &keys.click_id)
    }

    /// The keys that seal and open: those that are configured, and behind them what is derived of secrets, so that nothing is
    /// lost when the first key is configured, or another secret.
    pub fn ring(&self, config: &Config) -> Result<KeyRing, Fault> {
        let configured = KeyRing::parse(&config.encryption_keys).map_err(Fault::new)?;
        let derived = self.all().map(|keys| &keys.encryption).chain(&self.kept).cloned();
        let mut keys = configured.into_iter().chain(derived);
        let first = keys.next().ok_or_else(|| Fault::new("no key seals"))?;
        Ok(KeyRing::new(first, keys))
    }

    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.previous)
    }

    pub(crate) fn derive(secret: &[u8]) -> Result<Self, Fault> {
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        let key = |purpose: &str| {
            let mut key = [0; 32];
            hkdf.expand(purpose.as_bytes(), &mut key)
                .map(|()| key)
                .map_err(Fault::new)
        };
        let mut access_token_id = [0; KEY_ID_LEN];
        hkdf.expand(b"tributary access token key id v1", &mut access_token_id)
            .map_err(Fault::new)?;
        let mut encryption_id = [0; KEY_ID_LEN];
        hkdf.expand(b"tributary encryption key id v1", &mut encryption_id)
            .map_err(Fault::new)?;
        Ok(Self {
            encryption: EncryptionKey::derived(&hex(&encryption_id), &key("tributary encryption v1")?)?,
            access_token: key("tributary access token v1")?,
            access_token_id: hex(&access_token_id),
            click_id: key("tributary click id v1")?,
            previous: Vec::new(),
            kept: None,
        })
    }
}

/// The secret that the installation made for itself, if it ever did.
async fn find_kept(connection: &impl ConnectionTrait) -> Result<Option<String>, Fault> {
    let row = Entity::find()
        .filter(Column::Name.eq(SECRET_NAME))
        .one(connection)
        .await?;
    Ok(row.map(|row| row.value))
}
