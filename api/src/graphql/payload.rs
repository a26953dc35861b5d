//! Mutation payloads. [`payload!`](crate::payload) declares one: the business field is nullable, and `userErrors` says
//! why it is absent.

/// Declares the payload of a mutation. With `replayable`, it also says whether an earlier result was given again.
#[macro_export]
macro_rules! payload {
    (
        $(#[$meta:meta])*
        $payload:ident { $(#[$field_meta:meta])* $field:ident: $type:ty } refused by $error:ident, $code:ident
    ) => {
        $(#[$meta])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            $(#[$field_meta])*
            pub $field: Option<$type>,
            /// Why it was refused; empty when it was done.
            pub user_errors: Vec<$error>,
        }

        impl $payload {
            pub fn of<T: Into<$type>>(
                result: Result<T, $crate::error::Failure<$code>>,
            ) -> Result<Option<Self>, $crate::error::ApiError> {
                match result {
                    Ok(value) => Ok(Some(Self { $field: Some(value.into()), user_errors: Vec::new() })),
                    Err($crate::error::Failure::Refused(refusal)) => {
                        Ok(Some(Self { $field: None, user_errors: vec![refusal.into()] }))
                    }
                    Err($crate::error::Failure::Api(error)) => Err(error),
                }
            }
        }
    };
    (
        $(#[$meta:meta])*
        replayable $payload:ident { $(#[$field_meta:meta])* $field:ident: $type:ty } refused by $error:ident, $code:ident
    ) => {
        $(#[$meta])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            $(#[$field_meta])*
            pub $field: Option<$type>,
            /// True when this idempotency key was used before and its result is given again; nothing happened now.
            pub replayed: bool,
            /// Why it was refused; empty when it was done.
            pub user_errors: Vec<$error>,
        }

        impl $payload {
            pub fn of<T: Into<$type>>(
                result: Result<$crate::idempotency::Outcome<T>, $crate::error::Failure<$code>>,
            ) -> Result<Option<Self>, $crate::error::ApiError> {
                match result {
                    Ok(outcome) => Ok(Some(Self {
                        $field: Some(outcome.value.into()),
                        replayed: outcome.replayed,
                        user_errors: Vec::new(),
                    })),
                    Err($crate::error::Failure::Refused(refusal)) => {
                        Ok(Some(Self { $field: None, replayed: false, user_errors: vec![refusal.into()] }))
                    }
                    Err($crate::error::Failure::Api(error)) => Err(error),
                }
            }
        }
    };
}
