//! Platform administrators, made and unmade beside the running server.

use entity::audit_entry;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use tributary::accounts::{
    actor::Actor,
    service::{PlatformRole, list_platform_admins, set_platform_role},
};

use crate::support::{
    answer::error_code,
    app::{TestApp, with_app},
    database::Database,
};

async fn set(app: &TestApp, email: &str, role: PlatformRole) -> Result<(), &'static str> {
    match set_platform_role(&app.app, &Actor::system(), email, role).await {
        Ok(_) => Ok(()),
        Err(failure) => Err(failure.code()),
    }
}

#[rstest]
#[tokio::test]
async fn rights_come_and_go_with_the_next_request(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "world").await.id;
        let ada = app.sign_up("ada").await;
        let members = "query ($id: ID!) { brand(id: $id) { members { nodes { role } } } }";
        let look = || app.graphql(Some(&ada.token), members, json!({ "id": brand }));
        assert_eq!(error_code(&look().await), "NOT_FOUND");

        assert_eq!(
            set(&app, " ADA@example.org ", PlatformRole::Administrator).await,
            Ok(())
        );
        assert_eq!(look().await["data"]["brand"]["members"]["nodes"][0]["role"], "OWNER");
        let admins = list_platform_admins(&app.app, &Actor::system()).await.unwrap();
        assert_eq!(admins.len(), 1);
        assert_eq!(admins[0].email, ada.email);

        assert_eq!(set(&app, &ada.email, PlatformRole::User).await, Ok(()));
        assert_eq!(error_code(&look().await), "NOT_FOUND");

        let audit = audit_entry::Entity::find()
            .filter(audit_entry::Column::Subject.eq(&ada.id))
            .order_by_asc(audit_entry::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        let said: Vec<_> = audit
            .iter()
            .map(|entry| {
                (
                    entry.actor.as_str(),
                    entry.from_state.as_deref(),
                    entry.to_state.as_deref(),
                )
            })
            .collect();
        let (user, admin) = (Some("USER"), Some("PLATFORM_ADMINISTRATOR"));
        assert_eq!(said, [("system", user, admin), ("system", admin, user)]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refusals_change_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let before = app.digest().await;
        assert_eq!(
            set(&app, "nobody@example.org", PlatformRole::Administrator).await,
            Err("NOT_FOUND")
        );
        assert_eq!(
            set(&app, "no address", PlatformRole::Administrator).await,
            Err("NOT_FOUND")
        );
        assert_eq!(set(&app, &ada.email, PlatformRole::User).await, Err("CONFLICT"));
        // Whoever comes in by a request is never the program itself.
        let refused = set_platform_role(&app.app, &Actor::anonymous(), &ada.email, PlatformRole::Administrator).await;
        assert_eq!(refused.unwrap_err().code(), "FORBIDDEN");
        assert_eq!(app.digest().await, before);
    })
    .await;
}
