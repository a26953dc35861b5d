//! What can go wrong, in three kinds that never mix.
//!
//! - [`Refusal`]: an expected "no" of one domain, with its own stable code; GraphQL shows it in `userErrors`.
//! - [`ApiError`]: a broken request, a missing right or a fault; GraphQL shows it as a top-level error.
//! - [`Failure`]: what a service returns, one or the other.
//!
//! There is no `From<DbErr>` for [`ApiError`]: a resolver that touches the database does not compile. A service may use
//! `?` on a database error; it becomes a [`Fault`], whose cause is logged once at the boundary and never shown.

use std::fmt;

use sea_orm::DbErr;

/// The cause of an internal error. Shown to nobody outside; its text goes to the log.
#[derive(Clone, Debug)]
pub struct Fault(String);

impl Fault {
    pub fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A top-level error: `extensions.code` in GraphQL, `error.code` under `/track`.
///
/// Deliberately without `Display`: what a client reads and what the log reads are different texts.
#[derive(Clone, Debug)]
pub enum ApiError {
    Unauthenticated(&'static str),
    Forbidden(String),
    NotFound(String),
    BadUserInput {
        message: String,
        field: Option<String>,
    },
    Conflict(String),
    IdempotencyKeyReused,
    RateLimited {
        message: String,
        /// When to come again, where time alone helps.
        retry_after_seconds: Option<i64>,
    },
    Internal(Fault),
}

impl ApiError {
    #[must_use]
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::NotFound(format!("{what} not found"))
    }

    #[must_use]
    pub fn bad_input(message: impl fmt::Display) -> Self {
        Self::BadUserInput {
            message: message.to_string(),
            field: None,
        }
    }

    #[must_use]
    pub fn bad_field(field: &str, message: impl fmt::Display) -> Self {
        Self::BadUserInput {
            message: message.to_string(),
            field: Some(field.to_owned()),
        }
    }

    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(Fault::new(cause))
    }

    /// The stable code; part of the contract.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::BadUserInput { .. } => "BAD_USER_INPUT",
            Self::Conflict(_) => "CONFLICT",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Internal(_) => "INTERNAL_SERVER_ERROR",
        }
    }

    /// What a client reads. Never the cause of a fault.
    #[must_use]
    pub fn public_message(&self) -> String {
        match self {
            Self::Unauthenticated(message) => (*message).to_owned(),
            Self::Forbidden(message) | Self::NotFound(message) | Self::Conflict(message) => message.clone(),
            Self::BadUserInput { message, .. } | Self::RateLimited { message, .. } => message.clone(),
            Self::IdempotencyKeyReused => "this idempotency key was used with other content".to_owned(),
            Self::Internal(_) => "something went wrong on our side".to_owned(),
        }
    }
}

impl ApiError {
    /// For the log only: with the cause of a fault.
    #[must_use]
    pub fn log_text(&self) -> String {
        match self {
            Self::Internal(fault) => fault.to_string(),
            other => format!("{}: {}", other.code(), other.public_message()),
        }
    }
}

/// A code of one domain. Implemented by [`error_codes!`](crate::error_codes) only.
pub trait RefusalCode: Copy + fmt::Debug + Send + Sync + 'static {
    fn as_str(self) -> &'static str;
}

/// An expected "no": which code, about which input field, in words.
#[derive(Debug)]
pub struct Refusal<C> {
    pub code: C,
    pub field: Option<String>,
    pub message: String,
}

/// What a service answers when it does not do what was asked.
#[derive(Debug)]
pub enum Failure<C> {
    Refused(Refusal<C>),
    Api(ApiError),
}

impl<C: RefusalCode> Failure<C> {
    #[must_use]
    pub fn refused(code: C, message: impl fmt::Display) -> Self {
        Self::Refused(Refusal {
            code,
            field: None,
            message: message.to_string(),
        })
    }

    #[must_use]
    pub fn refused_field(code: C, field: &str, message: impl fmt::Display) -> Self {
        Self::Refused(Refusal {
            code,
            field: Some(field.to_owned()),
            message: message.to_string(),
        })
    }

    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code.as_str(),
            Self::Api(error) => error.code(),
        }
    }

    /// The input field it is about, as a dotted path.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.field.as_deref(),
            Self::Api(ApiError::BadUserInput { field, .. }) => field.as_deref(),
            Self::Api(_) => None,
        }
    }

    /// What a client reads. Never the cause of a fault.
    #[must_use]
    pub fn public_message(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.message.clone(),
            Self::Api(error) => error.public_message(),
        }
    }
}

impl<C> From<ApiError> for Failure<C> {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl<C> From<DbErr> for Failure<C> {
    fn from(error: DbErr) -> Self {
        Self::Api(ApiError::internal(error))
    }
}

impl<C> From<Fault> for Failure<C> {
    fn from(fault: Fault) -> Self {
        Self::Api(ApiError::Internal(fault))
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self::Internal(fault)
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        Self::new(error)
    }
}

/// Declares a domain's refusal codes and its GraphQL error type. The codes are the contract, so the enum that services
/// refuse with is the one the schema shows.
#[macro_export]
macro_rules! error_codes {
    (
        $(#[$meta:meta])*
        pub enum $code:ident shown as $error:ident {
            $($(#[$variant_meta:meta])* $variant:ident),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(async_graphql::Enum, Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $code {
            $($(#[$variant_meta])* $variant),*
        }

        impl $crate::error::RefusalCode for $code {
            fn as_str(self) -> &'static str {
                use async_graphql::resolver_utils::EnumType;
                Self::items().iter().find(|item| item.value == self).map_or("INTERNAL_SERVER_ERROR", |item| item.name)
            }
        }

        $(#[$meta])*
        #[derive(async_graphql::SimpleObject, Clone, Debug)]
        pub struct $error {
            /// The stable code.
            pub code: $code,
            /// The input field the refusal is about, as a path; absent when it is about the whole.
            pub field: Option<Vec<String>>,
            /// In words, for people.
            pub message: String,
        }

        impl From<$crate::error::Refusal<$code>> for $error {
            fn from(refusal: $crate::error::Refusal<$code>) -> Self {
                Self {
                    code: refusal.code,
                    field: refusal.field.map(|path| path.split('.').map(str::to_owned).collect()),
                    message: refusal.message,
                }
            }
        }
    };
}
