//! Files for banks, and what banks say, as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::payout_file;

use super::{
    error::{PayoutFileError, PayoutFileErrorCode},
    service::{self, Debtor, Import, ImportLine},
};
use crate::{
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::Brand,
        scalars::{Money, MoneyInput},
    },
    infra::rails::files::wise,
    payload,
    payouts::types::PayoutRail,
};

/// What a file is written for.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "payout_file::PayoutFileFormat")]
pub enum PayoutFileFormat {
    /// For people: payout, name, country, account, routing code, amount, currency, reference. At most 10,000 lines.
    NeutralCsv,
    /// A SEPA credit transfer, pain.001.001.09, for accounts with an IBAN, in euro.
    SepaXml,
    /// Wise's batch payments, at most 1,000 lines.
    WiseCsv,
    /// PayPal's mass payments, for PayPal accounts, at most 5,000 lines.
    PaypalCsv,
}

/// A file that a person hands to a bank. Its payouts stand in no other one.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PayoutFile {
    /// Global id.
    pub id: ID,
    /// What it is written for.
    pub format: PayoutFileFormat,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// How many payments stand in it.
    pub line_count: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: payout_file::Model,
}

impl From<payout_file::Model> for PayoutFile {
    fn from(row: payout_file::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            format: row.format.into(),
            sha256: row.sha256.clone(),
            line_count: row.line_count,
            created_at: row.created_at,
            row,
        }
    }
}

#[ComplexObject]
impl PayoutFile {
    /// What its payments come to.
    async fn total(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.total_minor, &self.row.currency).map(Some)
    }

    /// All of it, in UTF-8. It names accounts: for those who release money.
    async fn content(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        service::read_file(ctx.app(), ctx.actor(), &self.row).map(Some)
    }
}

/// Who pays, for a SEPA file.
#[derive(InputObject)]
pub struct SepaDebtorInput {
    /// The name of the account's holder: at most 70 characters.
    pub name: String,
    /// The account that is paid from.
    pub iban: String,
    /// Its bank.
    pub bic: String,
    /// When the bank is to pay.
    pub execution_date: NaiveDate,
}

impl From<SepaDebtorInput> for Debtor {
    fn from(input: SepaDebtorInput) -> Self {
        Self {
            name: input.name.trim().to_owned(),
            iban: input.iban.split_whitespace().collect(),
            bic: input.bic.trim().to_owned(),
            execution_date: input.execution_date,
        }
    }
}

/// What stands in a column of Wise's.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "wise::Value")]
pub enum WiseColumnValue {
    /// The IBAN or account number.
    Account,
    /// The IFSC, BIC or other code of the bank.
    Routing,
    /// The country, two letters.
    Country,
    /// Words for the receiver.
    Reference,
    /// What names the payout in the bank's answer.
    Key,
}

/// A column of Wise's behind the fixed ones: they differ by currency.
#[derive(InputObject)]
pub struct WiseColumnInput {
    /// As Wise's template calls it, such as `IBAN`.
    pub heading: String,
    /// What stands in it.
    pub value: WiseColumnValue,
}

/// A file to write.
#[derive(InputObject)]
pub struct ExportPayoutFileInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The batch, handed over.
    pub batch_id: ID,
    /// What it is written for.
    pub format: PayoutFileFormat,
    /// Who pays: for SEPA_XML.
    pub debtor: Option<SepaDebtorInput>,
    /// For WISE_CSV: at most 20 columns; `IBAN` with the account when absent.
    #[graphql(validator(max_items = 20))]
    pub columns: Option<Vec<WiseColumnInput>>,
}

/// What a bank did.
#[derive(InputObject)]
pub struct ImportPayoutResultsInput {
    /// The brand.
    pub brand_id: ID,
    /// CSV in UTF-8 with the columns `line_id` (as it stands in the file), `status` (`paid` or `returned`) and `bank_reference`; others
    /// are not looked at. At most 5,000 rows.
    pub content: String,
}

/// What became of a line of a bank's answer.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "service::LineOutcome")]
pub enum PayoutResultOutcome {
    /// The payout is paid.
    Paid,
    /// The payout came back; its money is available again.
    Returned,
    /// It stood so already.
    Unchanged,
}

/// A line of a bank's answer.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutResult {
    /// Its line; the headings are line 1.
    pub position: i32,
    /// The payout's global id.
    pub payout_id: ID,
    /// What became of it.
    pub outcome: PayoutResultOutcome,
}

impl From<ImportLine> for PayoutResult {
    fn from(line: ImportLine) -> Self {
        Self {
            position: i32::try_from(line.row).unwrap_or(i32::MAX),
            payout_id: line.payout.into(),
            outcome: line.outcome.into(),
        }
    }
}

/// What a bank's answer came to.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutImport {
    /// SHA-256 of what was given, in hexadecimal.
    pub sha256: String,
    /// When it was taken in.
    pub created_at: DateTime<Utc>,
    /// Line by line.
    pub results: Vec<PayoutResult>,
}

impl From<Import> for PayoutImport {
    fn from(import: Import) -> Self {
        Self {
            sha256: import.row.sha256,
            created_at: import.row.created_at,
            results: import.lines.into_iter().map(Into::into).collect(),
        }
    }
}

/// Money that was brought to a rail.
#[derive(InputObject)]
pub struct RecordPayoutFundingInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The brand.
    pub brand_id: ID,
    /// Where it was brought; the bank's for payouts by hand and by file.
    pub rail: PayoutRail,
    /// How much: above zero.
    pub amount: MoneyInput,
    /// The bank's reference: 1 to 100 characters.
    pub reference: String,
}

payload! {
    /// What `exportPayoutFile` answers.
    replayable ExportPayoutFilePayload {
        /// The file.
        file: PayoutFile
    } refused by PayoutFileError, PayoutFileErrorCode
}

payload! {
    /// What `importPayoutResults` answers; `replayed` when the same bytes were taken in before.
    replayable ImportPayoutResultsPayload {
        /// What it came to.
        results: PayoutImport
    } refused by PayoutFileError, PayoutFileErrorCode
}

payload! {
    /// What `recordPayoutFunding` answers.
    replayable RecordPayoutFundingPayload {
        /// The brand; `ledgerBalances` says what is where.
        brand: Brand
    } refused by PayoutFileError, PayoutFileErrorCode
}
