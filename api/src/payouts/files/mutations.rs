//! Mutations of files for banks.

use async_graphql::{Context, Object};

use super::{
    service::{self, Export},
    types::{
        ExportPayoutFileInput, ExportPayoutFilePayload, ImportPayoutResultsInput, ImportPayoutResultsPayload,
        RecordPayoutFundingInput, RecordPayoutFundingPayload,
    },
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
    infra::rails::files::wise,
};

#[derive(Default)]
pub struct PayoutFileMutations;

#[Object]
impl PayoutFileMutations {
    /// Writes a file of everything of a submitted batch that goes through the bank, that the format knows, and that stands in no file
    /// yet. Whole or not at all: a line that the format does not carry is named.
    async fn export_payout_file(
        &self,
        ctx: &Context<'_>,
        input: ExportPayoutFileInput,
    ) -> Result<Option<ExportPayoutFilePayload>, ApiError> {
        let columns = match input.columns {
            Some(columns) => columns
                .into_iter()
                .map(|column| wise::Column {
                    heading: column.heading,
                    value: column.value.into(),
                })
                .collect(),
            None => vec![wise::Column {
                heading: "IBAN".to_owned(),
                value: wise::Value::Account,
            }],
        };
        let export = Export {
            batch: parse_id(&input.batch_id, "batchId")?,
            format: input.format.into(),
            debtor: input.debtor.map(Into::into),
            columns,
            key: Key::parse(&input.idempotency_key)?,
        };
        ExportPayoutFilePayload::of(service::export_file(ctx.app(), ctx.actor(), export).await)
    }

    /// Takes in what a bank did with payouts that went through it: paid with its reference, or returned. Whole or not at all, and the
    /// same bytes once.
    async fn import_payout_results(
        &self,
        ctx: &Context<'_>,
        input: ImportPayoutResultsInput,
    ) -> Result<Option<ImportPayoutResultsPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        ImportPayoutResultsPayload::of(service::import_results(ctx.app(), ctx.actor(), brand, &input.content).await)
    }

    /// Notes money that was brought to a bank or a provider to pay out of.
    async fn record_payout_funding(
        &self,
        ctx: &Context<'_>,
        input: RecordPayoutFundingInput,
    ) -> Result<Option<RecordPayoutFundingPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let key = Key::parse(&input.idempotency_key)?;
        let amount = (input.amount.amount.0, input.amount.currency.0);
        let funded = service::record_funding(
            ctx.app(),
            ctx.actor(),
            brand,
            input.rail.into(),
            amount,
            &input.reference,
            &key,
        );
        RecordPayoutFundingPayload::of(funded.await)
    }
}
