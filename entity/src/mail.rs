//! A mail to be sent, and what became of it. A job of the queue sends it.

use sea_orm::entity::prelude::*;

use crate::ids::{MailId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mails")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MailId,
    /// Whose account it is about, where that is known.
    pub user_id: Option<UserId>,
    pub kind: MailKind,
    /// Id of what it is about, for mails that are written as they are sent.
    #[sea_orm(column_type = "Text", nullable)]
    pub about: Option<String>,
    /// As written by whoever gave it.
    #[sea_orm(column_type = "Text")]
    pub recipient: String,
    /// Folded, for counting.
    #[sea_orm(column_type = "Text")]
    pub recipient_key: String,
    /// Absent when the mail is written as it is sent, and when it is closed.
    #[sea_orm(column_type = "Text", nullable)]
    pub subject: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub body: Option<String>,
    pub state: MailState,
    /// Why it did not leave.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    /// When it was sent or given up.
    pub closed_at: Option<DateTimeUtc>,
}

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MailKind {
    /// A link that proves an address; made as the mail is sent.
    EmailVerification,
    /// A link that sets a password; made as the mail is sent.
    PasswordReset,
    /// Tells an account's holder what was done to it.
    AccountNotice,
    /// Asks into a program: the news, or a link made as the mail is sent.
    ProgramInvitation,
    /// Tells a partner's people what is new to a search they keep.
    SavedSearch,
    /// Brings an invitation to whom it is for; written as it is sent.
    MemberInvitation,
    /// Tells a partner's people that where they are paid was changed.
    PayoutMethod,
    /// Tells those who release a brand's money what its schedule has drafted.
    PayoutsDrafted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MailState {
    Queued,
    Sent,
    /// Refused for good, or tried too often.
    Dead,
    /// When its time came there was nothing to say: no such account, or the matter was settled.
    Dropped,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
