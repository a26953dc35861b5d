//! What a rail answers.

use crate::money::Money;

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The provider has it.
    Accepted {
        /// Of the batch, or of the one payment in it.
        provider_id: String,
        /// Those whose state is told already; others wait.
        items: Vec<Item>,
        /// It had been taken before, under the same key, as far as the provider tells.
        is_replay: bool,
    },
    /// Nothing was paid by this request, or ever will be unless it is sent again.
    Refused(Refused),
    /// It may have been paid. Asked about with [`super::Rail::look_up`], or sent again as it is.
    Unclear(Doubt),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The provider's code.
    pub code: String,
    pub message: String,
    /// The same request will not be taken later either: it takes another attempt, with another key. Otherwise it is sent again
    /// as it is, once what is in its way is gone (credentials, rights, too many requests).
    pub is_final: bool,
    /// There were too many requests: it passes by itself, and soon.
    pub is_busy: bool,
    /// The items that it is about, where the provider names them. Others of the same request were not taken either, and may be
    /// sent with [`super::Rail::without`] these.
    pub items: Vec<RefusedItem>,
}

/// What a provider does not like in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedItem {
    pub key: String,
    /// In the provider's words.
    pub message: String,
}

impl Refused {
    /// A refusal of a repetition says nothing about the first time, unless the provider looks at the key before anything else.
    pub(super) fn after(self, in_doubt: bool) -> Sent {
        if in_doubt {
            Sent::Unclear(Doubt::new(self.code, self.message))
        } else {
            Sent::Refused(self)
        }
    }
}

impl From<Refused> for Doubt {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code, refused.message)
    }
}

/// Why it is not known what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// `TIMEOUT`, `CONNECTION_LOST`, `SERVER_ERROR`, `ANSWER_UNREADABLE`, `KEY_REUSED`, `KEY_EXPIRED`, … or the provider's code.
    pub code: String,
    pub message: String,
}

impl Doubt {
    pub(super) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    pub(super) fn unreadable(what: &str) -> Self {
        Self::new("ANSWER_UNREADABLE", format!("the answer has no {what}"))
    }

    pub(super) fn expired() -> Self {
        Self::new(
            "KEY_EXPIRED",
            "the provider may have forgotten the key: sent again, it could pay twice",
        )
    }
}

/// One payment at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Our key, as the provider keeps it; absent when it does not tell.
    pub key: Option<String>,
    pub provider_id: String,
    /// In the provider's own words.
    pub state: String,
    pub status: Status,
}

/// What the states of all providers come down to.
///
/// What is posted for `Failed` and `Returned` follows from where the payout was before: money that was booked as paid comes back,
/// money that was on its way becomes available again. Either may come twice, by webhook and by poll, and is posted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not final; also every state that is not known here.
    Waiting,
    Paid {
        /// What the provider took beside the amount, as far as it tells.
        fee: Option<Money>,
        /// The bank's or the provider's reference of the movement (UTR, transaction id).
        reference: Option<String>,
    },
    /// It never left.
    Failed { code: String, reason: String },
    /// It left the balance and came back, perhaps after it counted as paid.
    Returned {
        code: String,
        reason: String,
        /// What the provider still keeps of its fee, as far as it tells.
        fee: Option<Money>,
    },
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    Found {
        provider_id: String,
        items: Vec<Item>,
        /// Keys of the request of which the provider has nothing, and will not get anything any more.
        absent: Vec<String>,
    },
    /// The provider does not have it. Only when that is final may there be another attempt.
    Absent {
        is_final: bool,
    },
    /// This provider can be asked only by sending the same request again.
    OnlyBySending,
    Unclear(Doubt),
}

/// What came of cancelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    Done(Item),
    /// It is not in a state that can be cancelled, or the provider says no.
    Refused(Refused),
    /// This provider takes nothing back.
    NotOffered,
    /// Look it up.
    Unclear(Doubt),
}
