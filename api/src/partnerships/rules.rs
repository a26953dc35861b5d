//! Pure decisions about applications and the referral tree.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{application::ApplicationState, partnership::PartnershipState};

/// How many partnerships may stand above another.
pub const MAX_DEPTH: i32 = 10;
/// Days to wait after a rejection that says so.
pub const REAPPLY_DAYS: i64 = 30;
/// Characters of a referral code.
pub const CODE_LEN: usize = 8;

/// Crockford's base 32: no letter that reads like a digit, and no U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// May an application go from one state to the other?
#[must_use]
pub fn may_go(from: ApplicationState, to: ApplicationState) -> bool {
    use ApplicationState::{Approved, InReview, Rejected, Submitted, Withdrawn};
    matches!(
        (from, to),
        (Submitted, InReview) | (Submitted | InReview, Approved | Rejected | Withdrawn)
    )
}

/// What can happen to a partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Suspend,
    Reactivate,
    /// By the brand.
    End,
    /// By the partner.
    Leave,
    Ban,
    /// By a new application that is approved; nothing else brings an ended one back.
    Rejoin,
}

impl Step {
    /// The states it is possible in. One that is over can still be banned: fraud is often found late.
    #[must_use]
    pub fn starts(self) -> &'static [PartnershipState] {
        use PartnershipState::{Active, Ended, Suspended};
        match self {
            Self::Suspend => &[Active],
            Self::Reactivate => &[Suspended],
            Self::End | Self::Leave => &[Active, Suspended],
            Self::Ban => &[Active, Suspended, Ended],
            Self::Rejoin => &[Ended],
        }
    }

    #[must_use]
    pub fn leads_to(self) -> PartnershipState {
        match self {
            Self::Suspend => PartnershipState::Suspended,
            Self::Reactivate | Self::Rejoin => PartnershipState::Active,
            Self::End | Self::Leave => PartnershipState::Ended,
            Self::Ban => PartnershipState::Banned,
        }
    }

    /// How the audit log calls it.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Suspend => "partnership.suspended",
            Self::Reactivate => "partnership.reactivated",
            Self::End => "partnership.ended",
            Self::Leave => "partnership.left",
            Self::Ban => "partnership.banned",
            Self::Rejoin => "partnership.rejoined",
        }
    }
}

/// A referral code from random bytes. 256 is a multiple of 32, so every code is as likely as any other.
#[must_use]
pub fn referral_code(random: [u8; CODE_LEN]) -> String {
    random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// A referral code as somebody typed it, read the way Crockford's alphabet is meant: case does not matter, hyphens and
/// spaces are decoration, letters that look like digits are digits.
#[must_use]
pub fn read_referral_code(typed: &str) -> Option<String> {
    // A code with a hyphen or space behind every character; anything longer is none.
    if typed.len() > 2 * CODE_LEN {
        return None;
    }
    let code: String = typed
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let known = code.len() == CODE_LEN && code.bytes().all(|byte| ALPHABET.contains(&byte));
    known.then_some(code)
}

/// From when a partner whose rejection, or end, asks for patience may apply again.
#[must_use]
pub fn reapply_from(decided_at: DateTime<Utc>) -> DateTime<Utc> {
    decided_at + TimeDelta::days(REAPPLY_DAYS)
}

/// Who stands above a recruit of `referrer`: the referrer at level 1, and everyone above it one level further.
#[must_use]
pub fn upline_below<T: Copy>(referrer: T, above_referrer: &[(i32, T)]) -> Vec<(i32, T)> {
    std::iter::once((1, referrer))
        .chain(above_referrer.iter().map(|(level, ancestor)| (level + 1, *ancestor)))
        .collect()
}

/// Would the deepest of a subtree (`height` levels below its root) still lie within bounds under this upline?
#[must_use]
pub fn fits<T>(upline: &[(i32, T)], height: i32) -> bool {
    let depth = upline.iter().map(|(level, _)| *level).max().unwrap_or(0);
    depth + height <= MAX_DEPTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let code = referral_code([0, 1, 31, 32, 10, 200, 255, 18]);
        assert_eq!(code, "01Z0A8ZJ");
        for typed in ["01Z0A8ZJ", "01z0-a8zj", " oIzO a8zj", "0lz0a8zj"] {
            assert_eq!(read_referral_code(typed), Some(code.clone()), "{typed}");
        }
        for wrong in ["", "01Z0A8Z", "01Z0A8ZJJ", "01Z0A8ZU", "01Z0A8Zé", &"-".repeat(99)] {
            assert_eq!(read_referral_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_upline_is_the_referrers_shifted_by_one() {
        assert_eq!(
            upline_below('r', &[(1, 'a'), (2, 'b')]),
            vec![(1, 'r'), (2, 'a'), (3, 'b')]
        );
        assert_eq!(upline_below('r', &[]), vec![(1, 'r')]);
    }

    #[test]
    fn the_tree_is_at_most_ten_deep() {
        let upline: Vec<(i32, i32)> = (1..=7).map(|level| (level, level)).collect();
        assert!(fits(&upline, 3));
        assert!(!fits(&upline, 4));
        assert!(fits::<i32>(&[], MAX_DEPTH));
    }
}
