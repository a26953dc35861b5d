//! What a mail is about, and the token that an invitation's mail brings.

use sea_orm_migration::{prelude::*, schema::*};

use crate::unique_index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mails = Table::alter().table("mails").add_column(text_null("about")).to_owned();
        manager.alter_table(mails).await?;
        let invitations = Table::alter()
            .table("member_invitations")
            .add_column(text_null("mailed_token_hash"))
            .to_owned();
        manager.alter_table(invitations).await?;
        unique_index(manager, "member_invitations", &["mailed_token_hash"]).await
    }
}
