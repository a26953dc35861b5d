//! Matches as the schema shows them.

use async_graphql::{Enum, SimpleObject};

use super::{
    creators,
    rules::{self, Reason},
    service,
};
use crate::marketplace::{creators::types::CreatorProfile, types::Listing};

/// Why something matches.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "rules::ReasonCode")]
pub enum MatchReasonCode {
    /// It is about the same.
    Category,
    /// Of what it is about, much was sold lately.
    Performance,
    /// Partners are in both programs, or in this one and one of the partner's; or a creator is in programs with partners of this one.
    SharedPartners,
    /// It is open where it matters.
    Countries,
    /// It pays for the same, and about as much.
    Terms,
    /// Many follow it, as it says.
    Size,
}

/// What one thing in common counts.
#[derive(Clone, Debug, SimpleObject)]
pub struct MatchReason {
    /// What is in common.
    pub code: MatchReasonCode,
    /// What it counts.
    pub points: i32,
    /// The same in words.
    pub message: String,
}

impl From<Reason> for MatchReason {
    fn from(reason: Reason) -> Self {
        Self {
            code: reason.code.into(),
            points: points(reason.points),
            message: reason.message,
        }
    }
}

/// A listing that matches, with why.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListingMatch {
    /// The listing.
    pub listing: Listing,
    /// How well it matches: the sum of its reasons, at most 100.
    pub points: i32,
    /// Why, what counts most first.
    pub reasons: Vec<MatchReason>,
}

impl From<service::ListingMatch> for ListingMatch {
    fn from(found: service::ListingMatch) -> Self {
        Self {
            points: points(rules::points(&found.reasons)),
            listing: found.listing.into(),
            reasons: found.reasons.into_iter().map(Into::into).collect(),
        }
    }
}

/// A creator that matches, with why.
#[derive(Clone, Debug, SimpleObject)]
pub struct CreatorMatch {
    /// The creator's profile.
    pub creator_profile: CreatorProfile,
    /// How well it matches: the sum of its reasons, at most 100.
    pub points: i32,
    /// Why, what counts most first.
    pub reasons: Vec<MatchReason>,
}

impl From<creators::CreatorMatch> for CreatorMatch {
    fn from(found: creators::CreatorMatch) -> Self {
        Self {
            points: points(rules::points(&found.reasons)),
            creator_profile: found.profile.into(),
            reasons: found.reasons.into_iter().map(Into::into).collect(),
        }
    }
}

fn points(points: i64) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}
