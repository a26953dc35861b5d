//! Typed ids: a UUIDv7 in the database, a [TypeID](https://github.com/jetify-com/typeid) (`brand_01h…`) at every edge.
//!
//! A `BrandId` cannot be passed where a `ProgramId` is wanted, and a text id with the wrong prefix does not parse.

use std::{fmt, str::FromStr};

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// The text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_…`")]
pub struct IdParseError {
    pub text: String,
    pub prefix: &'static str,
}

/// What all typed ids share.
pub trait TypedId: Copy + Sized {
    /// The part before the underscore.
    const PREFIX: &'static str;
    fn from_uuid(uuid: Uuid) -> Self;
    fn uuid(self) -> Uuid;
}

fn write_id(prefix: &str, uuid: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let kind = DynamicType::new(prefix).map_err(|_| fmt::Error)?;
    write!(f, "{}", TypeSafeId::from_type_and_uuid(kind, uuid))
}

fn parse_id(prefix: &'static str, text: &str) -> Result<Uuid, IdParseError> {
    // The longest prefix and 26 characters of base 32: anything longer is not worth copying into an error.
    const MAX_LEN: usize = 48;
    let refuse = || IdParseError {
        text: text.chars().take(MAX_LEN).collect(),
        prefix,
    };
    if text.len() > MAX_LEN {
        return Err(refuse());
    }
    let id: TypeSafeId<DynamicType> = text.parse().map_err(|_| refuse())?;
    if id.type_prefix() == prefix {
        Ok(id.uuid())
    } else {
        Err(refuse())
    }
}

/// The prefix and UUID of any well-formed TypeID.
#[must_use]
pub fn split_id(text: &str) -> Option<(String, Uuid)> {
    let id: TypeSafeId<DynamicType> = text.parse().ok()?;
    Some((id.type_prefix().to_owned(), id.uuid()))
}

macro_rules! typed_ids {
    ($($name:ident = $prefix:literal),* $(,)?) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
        pub struct $name(pub Uuid);

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        // Asked for by SeaORM of every primary key; only databases without UUID keys would use it.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write_id($prefix, self.0, f) }
        }

        impl FromStr for $name {
            type Err = IdParseError;
            fn from_str(text: &str) -> Result<Self, IdParseError> { parse_id($prefix, text).map(Self) }
        }
    )*};
}

typed_ids! {
    UserId = "user",
    SessionId = "sess",
    BrandId = "brand",
    BrandMemberId = "member",
    ApiKeyId = "key",
    PartnerId = "partner",
    PartnerMemberId = "pmember",
    MemberInvitationId = "minv",
    ProgramId = "prog",
    ProgramTermsId = "terms",
    TermsAcceptanceId = "accept",
    PartnerGroupId = "group",
    QuestionnaireId = "quest",
    ProgramInvitationId = "pinv",
    CommissionRuleId = "rule",
    ReferralLevelId = "level",
    ListingId = "list",
    ListingMarkId = "lmark",
    CreatorMarkId = "cmark",
    SavedSearchId = "search",
    CreatorProfileId = "profile",
    CreatorChannelId = "channel",
    ApplicationId = "app",
    TermsOfferId = "offer",
    MessageThreadId = "thread",
    MessageId = "msg",
    PartnershipId = "pship",
    TrackingLinkId = "link",
    ClickId = "click",
    PromoCodeId = "code",
    CustomerId = "cust",
    CustomerBindingId = "bind",
    OrderId = "order",
    OrderLineId = "oline",
    RefundId = "refund",
    RefundLineId = "rline",
    ChargebackId = "cback",
    OrderAmendmentId = "amend",
    CaptureId = "capt",
    RefusedEventId = "refused",
    ConversionId = "conv",
    TouchId = "touch",
    CommissionId = "comm",
    LedgerAccountId = "acct",
    LedgerTransferId = "xfer",
    LedgerEntryId = "entry",
    AdjustmentId = "adj",
    StoreCreditTransferId = "sctrans",
    StoreCreditRedemptionId = "scredeem",
    PayoutId = "pay",
    PayoutItemId = "item",
    PayoutMethodId = "pmeth",
    PayoutBatchId = "batch",
    PayoutRequestId = "preq",
    PayoutFileId = "pfile",
    PayoutImportId = "pimp",
    PayoutRailConnectionId = "rconn",
    EventId = "evt",
    IdempotencyKeyId = "idem",
    AuditEntryId = "audit",
    MailId = "mail",
    JobId = "job",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_only_under_its_own_prefix() {
        let id = BrandId(Uuid::from_u128(7));
        let text = id.to_string();
        assert!(text.starts_with("brand_"));
        assert_eq!(text.parse::<BrandId>(), Ok(id));
        assert!(text.parse::<ProgramId>().is_err());
        assert!("brand_!".parse::<BrandId>().is_err());
    }
}
