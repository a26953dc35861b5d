//! Somebody is asked, by mail address, into a brand's or a partner's account.

use sea_orm::entity::prelude::*;

use crate::brand_member::BrandRole;
use crate::ids::{BrandId, MemberInvitationId, PartnerId, UserId};
use crate::scope::tenant_scoped;

/// SENT → ACCEPTED | DECLINED | EXPIRED | REVOKED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MemberInvitationState {
    Sent,
    Accepted,
    Declined,
    /// Never written: time alone brings it about.
    Expired,
    Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "member_invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MemberInvitationId,
    /// The brand, or else the partner.
    pub brand_id: Option<BrandId>,
    pub partner_id: Option<PartnerId>,
    /// In a brand; a partner's people are all equal.
    pub role: Option<BrandRole>,
    #[sea_orm(column_type = "Text")]
    pub email: String,
    /// Normalised.
    #[sea_orm(column_type = "Text")]
    pub email_key: String,
    /// SHA-256 of the token, hex; unique.
    #[sea_orm(column_type = "Text")]
    pub token_hash: String,
    /// The same of the token in the mail last sent; unique.
    #[sea_orm(column_type = "Text", nullable)]
    pub mailed_token_hash: Option<String>,
    /// As written: ask [`Model::state_at`].
    pub state: MemberInvitationState,
    pub invited_by: UserId,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    /// When it was accepted, declined or revoked.
    pub decided_at: Option<DateTimeUtc>,
}

impl Model {
    #[must_use]
    pub fn state_at(&self, now: DateTimeUtc) -> MemberInvitationState {
        if self.state == MemberInvitationState::Sent && self.expires_at <= now {
            MemberInvitationState::Expired
        } else {
            self.state
        }
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
