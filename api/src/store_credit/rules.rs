//! Pure decisions about requests of store credit.

use entity::store_credit_transfer::StoreCreditTransferState;

/// Requests of a partnership that may be open at once.
pub const MAX_OPEN: u64 = 100;

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// By the brand.
    Approve,
    /// By the brand.
    Refuse,
    /// By the partner.
    Withdraw,
}

impl Step {
    #[must_use]
    pub fn leads_to(self) -> StoreCreditTransferState {
        match self {
            Self::Approve => StoreCreditTransferState::Approved,
            Self::Refuse => StoreCreditTransferState::Refused,
            Self::Withdraw => StoreCreditTransferState::Withdrawn,
        }
    }

    /// Whether it is possible in this state: what was decided stays so.
    #[must_use]
    pub fn starts_from(self, state: StoreCreditTransferState) -> bool {
        state == StoreCreditTransferState::Requested
    }

    /// How the audit log calls it.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Approve => "store_credit_transfer.approved",
            Self::Refuse => "store_credit_transfer.refused",
            Self::Withdraw => "store_credit_transfer.withdrawn",
        }
    }
}
