//! How applications are taken up, and how partnerships end.

use async_graphql::{Enum, ID, InputObject};
use entity::partnership;

use super::{Application, ReapplyPolicy};
use crate::{
    graphql::objects::Partnership,
    partnerships::error::{PartnershipError, PartnershipErrorCode},
    payload,
};

/// Who ended a partnership.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "partnership::EndedBy")]
pub enum EndedBy {
    /// The brand.
    Brand,
    /// The partner, who left.
    Partner,
}

/// What a partner was banned for.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "partnership::BanReason")]
pub enum BanReason {
    /// Broke the terms.
    TosViolation,
    /// Promoted with content that is not fit for it.
    InappropriateContent,
    /// Sent visits that nobody made.
    FakeTraffic,
    /// Cheated.
    Fraud,
    /// Promoted to people who did not want it.
    Spam,
    /// Used the brand's name against the brand.
    BrandAbuse,
}

/// An application to look at.
#[derive(InputObject)]
pub struct StartApplicationReviewInput {
    /// The application.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A partnership to end in the brand's name.
#[derive(InputObject)]
pub struct EndPartnershipInput {
    /// The partnership.
    pub id: ID,
    /// When the partner may apply again.
    #[graphql(default_with = "ReapplyPolicy::AtOnce")]
    pub reapply_policy: ReapplyPolicy,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A program to leave.
#[derive(InputObject)]
pub struct LeaveProgramInput {
    /// The partner's partnership in it.
    pub partnership_id: ID,
    /// Why, for the brand's audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A partner to throw out of a program.
#[derive(InputObject)]
pub struct BanPartnershipInput {
    /// The partnership.
    pub id: ID,
    /// What for. The partner sees it.
    pub reason: BanReason,
    /// More about it, for the audit log: 1 to 500 characters.
    pub note: Option<String>,
}

payload! {
    /// What `startApplicationReview` answers.
    StartApplicationReviewPayload {
        /// The application, in review.
        application: Application
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `endPartnership` answers.
    EndPartnershipPayload {
        /// The partnership, ended.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `leaveProgram` answers.
    LeaveProgramPayload {
        /// The partnership, ended.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `banPartnership` answers.
    BanPartnershipPayload {
        /// The partnership, banned.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}
