//! A brand asks a partner, or whoever has a mail address, into a program.

use sea_orm::entity::prelude::*;

use crate::ids::{BrandId, MailId, PartnerGroupId, PartnerId, ProgramId, ProgramInvitationId, ProgramTermsId};
use crate::scope::tenant_scoped;

/// SENT → ACCEPTED | DECLINED | EXPIRED | REVOKED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProgramInvitationState {
    Sent,
    Accepted,
    Declined,
    /// Brought about by time, and written some time after.
    Expired,
    Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "program_invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProgramInvitationId,
    pub program_id: ProgramId,
    pub brand_id: BrandId,
    /// Who was asked; of a mailed one, who accepted.
    pub partner_id: Option<PartnerId>,
    /// Where it was mailed to, of one that is for whoever has the address.
    #[sea_orm(column_type = "Text", nullable)]
    pub email: Option<String>,
    /// Normalised.
    #[sea_orm(column_type = "Text", nullable)]
    pub email_key: Option<String>,
    /// Where the partner comes to; absent: to the program's default.
    pub group_id: Option<PartnerGroupId>,
    #[sea_orm(column_type = "Text")]
    pub message: String,
    /// As written: ask [`Model::state_at`].
    pub state: ProgramInvitationState,
    /// The last mail that brings its link.
    pub mail_id: Option<MailId>,
    /// SHA-256 of the token of that link, hex; absent until the mail is sent.
    #[sea_orm(column_type = "Text", nullable)]
    pub token_hash: Option<String>,
    /// The version of the terms that was accepted.
    pub terms_id: Option<ProgramTermsId>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decline_reason: Option<String>,
    pub created_at: DateTimeUtc,
    /// When it was sent last.
    pub sent_at: DateTimeUtc,
    /// How often it was sent.
    pub sent_count: i32,
    pub expires_at: DateTimeUtc,
    /// When it was accepted, declined or revoked, or its expiry written.
    pub decided_at: Option<DateTimeUtc>,
}

impl Model {
    #[must_use]
    pub fn state_at(&self, now: DateTimeUtc) -> ProgramInvitationState {
        if self.state == ProgramInvitationState::Sent && self.expires_at <= now {
            ProgramInvitationState::Expired
        } else {
            self.state
        }
    }
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_scoped!(brand, partner);
