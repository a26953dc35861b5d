//! Use cases of files: writing them, and `results.rs`, taking in what a bank says. `funding.rs` notes what they are paid out of.

mod funding;
mod results;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::{
    TenantScoped, brand,
    ids::{PayoutBatchId, PayoutFileId, PayoutMethodId},
    payout::{self, PayoutRail, PayoutState},
    payout_batch::{self, PayoutBatchState},
    payout_file::{self, PayoutFileFormat},
    payout_method::{self, PayoutMethodKind as Kind},
};
use sea_orm::{
    ActiveEnum, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde::Serialize;

pub use self::{
    funding::record_funding,
    results::{Import, ImportLine, LineOutcome, import_results},
};
use super::error::PayoutFileErrorCode as Code;
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Begun, Key, Outcome},
    infra::{
        db::INSERT_CHUNK,
        rails::{
            files::{
                BankFile, FileProblem, Line, neutral, paypal,
                sepa::{self, Order},
                wise,
            },
            instruction::item_key,
        },
        sealing,
    },
    money::{Currency, Money},
    payouts::{
        methods::{rules::Details, service::open_details},
        reseal::reseals,
    },
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Problems that are named in one refusal.
const MAX_NAMED: usize = 10;
/// A payout has one key; what fails is paid by another payout.
const ATTEMPT: u32 = 1;

/// Who pays, for formats that say it.
#[derive(Clone, Debug, Serialize)]
pub struct Debtor {
    pub name: String,
    pub iban: String,
    pub bic: String,
    /// When the bank is to pay.
    pub execution_date: NaiveDate,
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct Export {
    pub batch: PayoutBatchId,
    pub format: PayoutFileFormat,
    pub debtor: Option<Debtor>,
    /// Wise's columns behind the fixed ones.
    pub columns: Vec<wise::Column>,
    pub key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    batch: String,
    format: String,
    debtor: &'a Option<Debtor>,
    columns: Vec<(&'a str, &'static str)>,
}

/// Where the content of a file stands.
fn place_of(id: PayoutFileId) -> sealing::Place {
    sealing::Place {
        table: "payout_files",
        column: "content",
        row: id.0,
    }
}

reseals! {
    /// Seals anew every file that another key than the first one of the ring sealed.
    reseal_payout_files of payout_file: Content, content, place_of
}

/// The kinds of accounts that a format knows.
fn kinds(format: PayoutFileFormat) -> &'static [Kind] {
    match format {
        PayoutFileFormat::SepaXml => &[Kind::Iban],
        PayoutFileFormat::PaypalCsv => &[Kind::Paypal],
        PayoutFileFormat::NeutralCsv | PayoutFileFormat::WiseCsv => {
            &[Kind::Iban, Kind::OtherBank, Kind::IndianBankAccount]
        }
    }
}

/// Writes a file of everything of a batch that goes through the bank, that this format knows, and that stands in no file yet.
pub async fn export_file(app: &App, actor: &Actor, export: Export) -> Result<Outcome<payout_file::Model>> {
    let tx = app.db.begin().await?;
    let batch = payout_batch::Entity::find_within(&actor.reach())
        .filter(payout_batch::Column::Id.eq(export.batch))
        .lock_exclusive()
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("payout batch"))?;
    actor.authorise(Operation::ExportPayoutFile, Place::brand(batch.brand_id))?;
    let fingerprint = Fingerprint {
        batch: export.batch.to_string(),
        format: export.format.to_value(),
        debtor: &export.debtor,
        columns: export
            .columns
            .iter()
            .map(|column| (column.heading.as_str(), column.value.as_str()))
            .collect(),
    };
    let begun = idempotency::begin_in_tx::<payout_file::Entity>(
        &tx,
        app,
        batch.brand_id.0,
        "exportPayoutFile",
        &export.key,
        &fingerprint,
    );
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    if batch.state != PayoutBatchState::Submitted {
        return Err(Failure::refused_field(
            Code::BatchNotSubmitted,
            "batchId",
            "a file is written of a batch that is handed over",
        ));
    }
    let payouts = lock_left_in_tx(&tx, &batch, export.format).await?;
    if payouts.is_empty() {
        return Err(Failure::refused(
            Code::NothingToExport,
            "every payout of the batch stands in a file, or goes elsewhere",
        ));
    }
    let lines = lines_of_in_tx(&tx, app, &batch, export.format, &payouts).await?;
    let file = write(app, &batch, &export, &lines)?;
    let row = keep_in_tx(&tx, app, actor, &batch, export.format, &payouts, file).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// What is left for a file of this format, locked.
async fn lock_left_in_tx(
    tx: &DatabaseTransaction,
    batch: &payout_batch::Model,
    format: PayoutFileFormat,
) -> std::result::Result<Vec<payout::Model>, Fault> {
    let rows = payout::Entity::find()
        .filter(payout::Column::BatchId.eq(batch.id))
        .filter(payout::Column::Rail.eq(PayoutRail::BankFile))
        .filter(payout::Column::State.eq(PayoutState::Submitted))
        .filter(payout::Column::FileId.is_null())
        .filter(payout::Column::PayoutMethodKind.is_in(kinds(format).iter().copied()))
        .order_by_asc(payout::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    Ok(rows)
}

async fn lines_of_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    batch: &payout_batch::Model,
    format: PayoutFileFormat,
    payouts: &[payout::Model],
) -> Result<Vec<Line>> {
    let brand = brand::Entity::find_by_id(batch.brand_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::new("a batch without its brand"))?;
    let mut methods: BTreeMap<PayoutMethodId, payout_method::Model> = BTreeMap::new();
    let ids: Vec<PayoutMethodId> = payouts.iter().filter_map(|payout| payout.payout_method_id).collect();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let rows = payout_method::Entity::find()
            .filter(payout_method::Column::Id.is_in(chunk.iter().copied()))
            .all(tx)
            .await?;
        methods.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    // What a format does not carry would make every line of the file a problem, and a brand cannot help its name.
    let reference = words(format, &format!("{} payout", brand.name));
    let mut lines = Vec::with_capacity(payouts.len());
    for payout in payouts {
        let method = payout.payout_method_id.and_then(|id| methods.get(&id));
        let method = method.ok_or_else(|| Fault::new(format!("{} goes nowhere", payout.id)))?;
        let details = open_details(app, method).map_err(|fault| {
            tracing::error!(%fault, method = %method.id, "a payout method does not open");
            Failure::refused(
                Code::MethodUnreadable,
                format!("{}: the key that its account was sealed with is missing", payout.id),
            )
        })?;
        let currency: Currency = payout.currency.parse().map_err(Fault::new)?;
        lines.push(line(
            item_key(payout.id.0, ATTEMPT),
            details,
            Money::new(payout.amount_minor, currency),
            &reference,
        ));
    }
    Ok(lines)
}

/// What is written beside each payment, in what the format carries.
fn words(format: PayoutFileFormat, text: &str) -> String {
    match format {
        PayoutFileFormat::NeutralCsv => neutral::words(text),
        PayoutFileFormat::PaypalCsv => paypal::words(text),
        PayoutFileFormat::WiseCsv => wise::words(text),
        PayoutFileFormat::SepaXml => sepa::words(text),
    }
}

fn line(key: String, details: Details, amount: Money, reference: &str) -> Line {
    let empty = Line {
        key,
        name: String::new(),
        country: String::new(),
        account: String::new(),
        routing: String::new(),
        email: String::new(),
        amount,
        reference: reference.to_owned(),
    };
    match details {
        Details::IndianBankAccount(account) => Line {
            name: account.holder_name,
            country: "IN".to_owned(),
            account: account.account_number,
            routing: account.ifsc,
            ..empty
        },
        Details::Iban(account) => Line {
            name: account.holder_name,
            country: account.iban.chars().take(2).collect(),
            account: account.iban,
            routing: account.bic.unwrap_or_default(),
            ..empty
        },
        Details::OtherBank(account) => Line {
            name: account.holder_name,
            country: account.country,
            account: account.account_number,
            routing: account.routing_code.or(account.bic).unwrap_or_default(),
            ..empty
        },
        Details::Paypal { email } => Line { email, ..empty },
        // No format knows these, and none is asked for them.
        Details::Upi { .. } | Details::Stripe { .. } => empty,
    }
}

fn write(app: &App, batch: &payout_batch::Model, export: &Export, lines: &[Line]) -> Result<BankFile> {
    let written = match export.format {
        PayoutFileFormat::NeutralCsv => neutral::write(lines),
        PayoutFileFormat::PaypalCsv => paypal::write(lines),
        PayoutFileFormat::WiseCsv => {
            let currency: Currency = batch.currency.parse().map_err(Fault::new)?;
            wise::write(lines, currency, &export.columns)
        }
        PayoutFileFormat::SepaXml => {
            let debtor = export
                .debtor
                .clone()
                .ok_or_else(|| Failure::refused_field(Code::DebtorMissing, "debtor", "a SEPA file says who pays"))?;
            let now = app.clock.now();
            let order = Order {
                message_id: app.ids.uuid(now).simple().to_string(),
                created_at: now,
                execution_date: debtor.execution_date,
                debtor_name: debtor.name,
                debtor_iban: debtor.iban,
                debtor_bic: debtor.bic,
            };
            sepa::write(&order, lines)
        }
    };
    written.map_err(|problems| Failure::refused(Code::LinesInvalid, named(&problems)))
}

fn named(problems: &[FileProblem]) -> String {
    let words: Vec<String> = problems
        .iter()
        .take(MAX_NAMED)
        .map(|problem| {
            let about = problem.key.as_deref().unwrap_or("the file");
            format!("{about}: {} ({})", problem.message, problem.code.as_str())
        })
        .collect();
    words.join("; ")
}

async fn keep_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    batch: &payout_batch::Model,
    format: PayoutFileFormat,
    payouts: &[payout::Model],
    file: BankFile,
) -> Result<payout_file::Model> {
    let now = app.clock.now();
    let id: PayoutFileId = app.ids.new_id(now);
    let content = String::from_utf8(file.content).map_err(Fault::new)?;
    let row = payout_file::Model {
        id,
        brand_id: batch.brand_id,
        batch_id: batch.id,
        format,
        content: app.key_ring.seal(&app.ids, place_of(id), &content)?,
        sha256: file.sha256,
        line_count: i32::try_from(payouts.len()).map_err(Fault::new)?,
        total_minor: payouts.iter().map(|payout| payout.amount_minor).sum(),
        currency: batch.currency.clone(),
        created_by: actor.user().ok(),
        created_at: now,
    };
    payout_file::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(tx)
        .await?;
    for chunk in payouts.chunks(INSERT_CHUNK) {
        payout::Entity::update_many()
            .col_expr(payout::Column::FileId, Expr::value(id.0))
            .filter(payout::Column::Id.is_in(chunk.iter().map(|payout| payout.id)))
            .exec(tx)
            .await?;
    }
    let change = Change::of_fact(batch.brand_id, "payout_file.exported", batch.id);
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(row)
}

/// Reach is not enough: a file names accounts.
#[must_use]
pub fn may_see_file(actor: &Actor, row: &payout_file::Model) -> bool {
    actor
        .authorise(Operation::ExportPayoutFile, Place::brand(row.brand_id))
        .is_ok()
}

/// What a file says, opened for whoever may see it.
pub fn read_file(app: &App, actor: &Actor, row: &payout_file::Model) -> std::result::Result<String, ApiError> {
    actor.authorise(Operation::ExportPayoutFile, Place::brand(row.brand_id))?;
    app.key_ring
        .open(place_of(row.id), &row.content)
        .map_err(ApiError::internal)
}
