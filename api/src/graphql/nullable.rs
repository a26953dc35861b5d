//! A nullable field that fails is null, and its siblings stay: GraphQL's rule, which the library applies only to errors
//! behind an `Option`. A resolver's own `Err` it passes up to the parent, so that one forbidden list would take the whole
//! object with it, and one failed root field all the others.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{
    Response, ServerError, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo},
};

/// Keeps errors in the fields they belong to.
pub struct NullableErrors;

impl ExtensionFactory for NullableErrors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Kept::default())
    }
}

/// The errors of one request that became nulls.
#[derive(Default)]
struct Kept(Mutex<Vec<ServerError>>);

#[async_trait::async_trait]
impl Extension for Kept {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let nullable = !info.return_type.ends_with('!');
        match next.run(ctx, info).await {
            Err(error) if nullable => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                Ok(Some(Value::Null))
            }
            other => other,
        }
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(ctx, operation_name).await;
        response
            .errors
            .append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        response
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::*;
    use crate::error::ApiError;

    struct Query;

    #[Object]
    impl Query {
        async fn fails(&self) -> Result<Option<i32>, ApiError> {
            Err(ApiError::not_found("it"))
        }

        async fn works(&self) -> i32 {
            1
        }

        async fn child(&self) -> Option<Child> {
            Some(Child)
        }
    }

    struct Child;

    #[Object]
    impl Child {
        async fn fails(&self) -> Result<Option<i32>, ApiError> {
            Err(ApiError::not_found("it"))
        }

        async fn must(&self) -> Result<i32, ApiError> {
            Err(ApiError::not_found("it"))
        }
    }

    #[tokio::test]
    async fn an_error_stays_where_null_is_allowed() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(NullableErrors)
            .finish();
        let answer = schema.execute("{ fails works child { fails } }").await;
        assert_eq!(
            answer.data.into_json().unwrap(),
            serde_json::json!({"fails": null, "works": 1, "child": {"fails": null}})
        );
        assert_eq!(answer.errors.len(), 2);
        let answer = schema.execute("{ works child { must } }").await;
        assert_eq!(
            answer.data.into_json().unwrap(),
            serde_json::json!({"works": 1, "child": null})
        );
        assert_eq!(answer.errors.len(), 1);
    }
}
