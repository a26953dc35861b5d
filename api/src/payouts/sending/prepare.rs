//! Writing down what will be sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{
    brand,
    ids::{BrandId, PartnerId, PayoutBatchId, PayoutId, PayoutMethodId, PayoutRequestId},
    partner, payout, payout_batch, payout_method,
    payout_request::{self, PayoutRequestState},
};
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::rail_of;
use crate::{
    app::App,
    error::Fault,
    infra::{
        db::INSERT_CHUNK,
        rails::{
            Destination, Instruction, PayPalReceiver, PayPalWallet, RailKind, Rejected, Request,
            instruction::parse_item_key,
        },
        sealing,
    },
    money::Money,
    payouts::{
        methods::{rules::Details, service::open_details},
        rails::{Connection, Holder},
        reseal::reseals,
    },
};

/// A payout is tried once. What fails is owed again, and is paid by another payout, under another key.
const ATTEMPT: u32 = 1;
/// What a provider asks of a name at least.
const MIN_NAME_CHARS: usize = 3;

/// What was written down, and what no provider would take, with a code and words.
#[derive(Debug, Default)]
pub struct Handed {
    pub requests: Vec<(PayoutRequestId, BTreeSet<PayoutId>)>,
    pub rejected: BTreeMap<PayoutId, (String, String)>,
}

/// Where the body of a request stands.
pub(super) fn place_of(id: PayoutRequestId) -> sealing::Place {
    sealing::Place {
        table: "payout_requests",
        column: "body",
        row: id.0,
    }
}

reseals! {
    /// Seals anew every request that another key than the first one of the ring sealed.
    reseal_payout_requests of payout_request: Body, body, place_of
}

/// Writes down everything that pays these payouts of one batch through one rail.
pub async fn prepare_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    batch: &payout_batch::Model,
    connection: &Connection,
    payouts: &[payout::Model],
    methods: &BTreeMap<PayoutMethodId, payout_method::Model>,
) -> Result<Handed, Fault> {
    let brand = brand::Entity::find_by_id(batch.brand_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::new("a batch without its brand"))?;
    let names = names_of(tx, payouts).await?;
    let kind = connection.rail.kind();
    let narration = kind.narration(&format!("{} payout", brand.name));
    let mut handed = Handed::default();
    let mut instructions = Vec::with_capacity(payouts.len());
    for payout in payouts {
        let name = names.get(&payout.partner_id).map_or("", String::as_str);
        let method = payout.payout_method_id.and_then(|id| methods.get(&id));
        match destination(app, method, name, kind) {
            Ok(destination) => instructions.push(Instruction {
                payout: payout.id.0,
                attempt: ATTEMPT,
                amount: Money::new(payout.amount_minor, payout.currency.parse().map_err(Fault::new)?),
                destination,
                narration: narration.clone(),
            }),
            Err((code, message)) => {
                handed.rejected.insert(payout.id, (code.to_owned(), message));
            }
        }
    }
    let prepared = connection.rail.prepare(batch.id.0, &instructions);
    for rejected in prepared.rejected {
        let (payout, why) = explained(rejected)?;
        handed.rejected.insert(payout, why);
    }
    let mut rows = Vec::with_capacity(prepared.requests.len());
    for request in prepared.requests {
        let ids = payouts_of(&request)?;
        let row = new_row(app, batch.brand_id, batch.id, connection.holder, &request)?;
        handed.requests.push((row.id, ids));
        rows.push(row.into_active_model());
    }
    for chunk in rows.chunks(INSERT_CHUNK) {
        payout_request::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(handed)
}

/// Writes down what is left of a request that was refused, and that its payouts go out with it from now on.
pub(super) async fn write_rest_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    refused: &payout_request::Model,
    rest: &Request,
) -> Result<(), Fault> {
    let holder = Holder(refused.holder_id);
    let row = new_row(app, refused.brand_id, refused.batch_id, holder, rest)?;
    payout::Entity::update_many()
        .col_expr(payout::Column::RequestId, Expr::value(row.id))
        .filter(payout::Column::RequestId.eq(refused.id))
        .filter(payout::Column::Id.is_in(payouts_of(rest)?))
        .exec(tx)
        .await?;
    payout_request::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The payouts that a request is about.
pub(super) fn payouts_of(request: &Request) -> Result<BTreeSet<PayoutId>, Fault> {
    request.items.iter().map(|key| payout_of(key)).collect()
}

/// The payout of an item's key that was made here.
pub(super) fn payout_of(key: &str) -> Result<PayoutId, Fault> {
    parse_item_key(key)
        .map(|(payout, _)| PayoutId(payout))
        .ok_or_else(|| Fault::new(format!("`{key}` is no key of a payout")))
}

fn explained(rejected: Rejected) -> Result<(PayoutId, (String, String)), Fault> {
    let payout = payout_of(&rejected.key)?;
    let code = rejected
        .problems
        .first()
        .map_or("REJECTED", |problem| problem.code.as_str());
    let messages: Vec<&str> = rejected
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    Ok((payout, (code.to_owned(), messages.join("; "))))
}

fn new_row(
    app: &App,
    brand_id: BrandId,
    batch_id: PayoutBatchId,
    holder: Holder,
    request: &Request,
) -> Result<payout_request::Model, Fault> {
    let now = app.clock.now();
    let id: PayoutRequestId = app.ids.new_id(now);
    Ok(payout_request::Model {
        id,
        brand_id,
        batch_id,
        rail: rail_of(request.rail),
        holder_id: holder.0,
        account: None,
        request_key: request.key.clone(),
        body: app.key_ring.seal(&app.ids, place_of(id), &request.body)?,
        items: serde_json::to_string(&request.items).map_err(Fault::new)?,
        state: PayoutRequestState::Prepared,
        provider_id: None,
        sends: 0,
        first_sent_at: None,
        last_sent_at: None,
        next_at: Some(now),
        held_until: None,
        last_code: None,
        last_message: None,
        created_at: now,
    })
}

/// A request as it was prepared.
pub(super) fn read_row(app: &App, row: &payout_request::Model, rail: RailKind) -> Result<Request, Fault> {
    Ok(Request {
        rail,
        key: row.request_key.clone(),
        body: app.key_ring.open(place_of(row.id), &row.body)?,
        items: serde_json::from_str(&row.items).map_err(Fault::new)?,
    })
}

async fn names_of(tx: &DatabaseTransaction, payouts: &[payout::Model]) -> Result<HashMap<PartnerId, String>, DbErr> {
    let mut names = HashMap::new();
    let ids: BTreeSet<PartnerId> = payouts.iter().map(|payout| payout.partner_id).collect();
    let ids: Vec<PartnerId> = ids.into_iter().collect();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let rows = partner::Entity::find()
            .filter(partner::Column::Id.is_in(chunk.iter().copied()))
            .all(tx)
            .await?;
        names.extend(rows.into_iter().map(|row| (row.id, row.display_name)));
    }
    Ok(names)
}

/// Where a payout goes on a rail, or why it cannot.
fn destination(
    app: &App,
    method: Option<&payout_method::Model>,
    name: &str,
    rail: RailKind,
) -> Result<Destination, (&'static str, String)> {
    let method = method.ok_or((
        "METHOD_MISSING",
        "the partner had named nothing to be paid by".to_owned(),
    ))?;
    let details = open_details(app, method).map_err(|fault| {
        tracing::error!(%fault, method = %method.id, "a payout method does not open");
        (
            "METHOD_UNREADABLE",
            "where the partner is paid cannot be read: the key it was sealed with is missing".to_owned(),
        )
    })?;
    match (details, rail) {
        (Details::IndianBankAccount(account), RailKind::Razorpayx) => Ok(Destination::IndianBank {
            name: account.holder_name,
            ifsc: account.ifsc,
            account_number: account.account_number,
        }),
        (Details::Upi { address }, RailKind::Razorpayx) => Ok(Destination::Upi {
            name: contact_name(name),
            address,
        }),
        (Details::Paypal { email }, RailKind::Paypal) => Ok(Destination::PayPal {
            receiver: PayPalReceiver::Email(email),
            wallet: PayPalWallet::PayPal,
        }),
        (Details::Stripe { account }, RailKind::Stripe) => Ok(Destination::StripeAccount { account }),
        _ => Err((
            "DESTINATION_NOT_CARRIED",
            format!("{} does not pay to such an account", rail.as_str()),
        )),
    }
}

/// A UPI address names nobody, and a provider wants a name.
fn contact_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|sign| sign.is_ascii_alphanumeric() || *sign == ' ')
        .collect();
    let plain = plain.trim();
    if plain.len() < MIN_NAME_CHARS {
        format!("Partner {plain}").trim_end().to_owned()
    } else {
        plain.to_owned()
    }
}
