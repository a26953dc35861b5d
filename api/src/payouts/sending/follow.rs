//! Sending what is due, and looking up what is not known.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    ids::{PayoutId, PayoutRequestId},
    payout::{self, PayoutState},
    payout_request::{Column, Entity, Model, PayoutRequestState as State},
};
use futures_util::{StreamExt, stream};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::NotSet,
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};

use super::{
    news::take_item_in_tx,
    prepare::{payout_of, payouts_of, read_row, write_rest_in_tx},
    provider,
};
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    infra::rails::{Doubt, Item, Looked, Question, Rail, Refused, RefusedItem, Request, Sending, Sent},
    ledger::balances,
    payouts::{
        rails::{self, Holder},
        service::{
            announce_in_tx, move_in_tx,
            settle::{Undone, undo_in_tx},
            write_in_tx,
        },
    },
};

/// Requests taken in one go.
const STEP: u64 = 40;
/// Requests on their way at a time: providers take five to ten a second.
const AT_ONCE: usize = 4;
/// How long a request keeps others out: longer than a rail tries within one call.
const HOLD: TimeDelta = TimeDelta::minutes(10);
/// Items booked in one transaction.
const ITEMS: usize = 50;

/// Between looks at what was taken, at the least and at the most; in between as long as an eighth of how long it takes already.
const SOONEST: TimeDelta = TimeDelta::minutes(1);
const LATEST: TimeDelta = TimeDelta::hours(6);
/// What is paid may come back: it is looked at every day for so long.
const RETURNS: TimeDelta = TimeDelta::days(35);
const DAILY: TimeDelta = TimeDelta::days(1);
/// Before something is tried again that a person must put right first.
const PUT_RIGHT: TimeDelta = TimeDelta::minutes(15);

/// Sends and looks up everything that is due; returns how many requests that was.
pub async fn follow(app: &App) -> Result<usize, Fault> {
    let mut done = 0;
    loop {
        let due = claim(app).await?;
        if due.is_empty() {
            return Ok(done);
        }
        done += due.len();
        let outcomes: Vec<Result<(), Fault>> = stream::iter(due)
            .map(|row| act(app, row))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        // One that cannot be read keeps no other waiting; it stays held, and is tried again when that is over.
        for fault in outcomes.into_iter().filter_map(Result::err) {
            tracing::error!(%fault, "a payout request could not be followed");
        }
    }
}

fn is_due(now: DateTime<Utc>) -> Condition {
    let free = Condition::any()
        .add(Column::HeldUntil.is_null())
        .add(Column::HeldUntil.lte(now));
    Condition::all().add(Column::NextAt.lte(now)).add(free)
}

/// Takes the next requests for this process.
async fn claim(app: &App) -> Result<Vec<Model>, DbErr> {
    let now = app.clock.now();
    // A cheap look first: an idle worker must not take the writer of a SQLite file.
    if Entity::find().filter(is_due(now)).one(app.db.read()).await?.is_none() {
        return Ok(Vec::new());
    }
    let tx = app.db.begin().await?;
    let rows = Entity::find()
        .filter(is_due(now))
        .order_by_asc(Column::NextAt)
        .limit(STEP)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&tx)
        .await?;
    Entity::update_many()
        .col_expr(Column::HeldUntil, Expr::value(now + HOLD))
        .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Does what is next for one request, which is held.
async fn act(app: &App, row: Model) -> Result<(), Fault> {
    let Some(kind) = provider(row.rail) else {
        return Err(Fault::new(format!("{} goes to no provider", row.id)));
    };
    let Some(connection) = rails::open(app, Holder(row.holder_id), kind).await? else {
        let message = format!("{} is not connected any more", kind.as_str());
        return put_off(app, row.id, PUT_RIGHT, "RAIL_NOT_CONNECTED", &message).await;
    };
    let work = Work {
        app,
        request: read_row(app, &row, kind)?,
        rail: connection.rail.as_ref(),
        account: &connection.account,
    };
    match row.state {
        State::Prepared => work.send(row).await,
        // Whoever was sending it never came back.
        State::Sending => {
            let doubt = Doubt {
                code: "INTERRUPTED".to_owned(),
                message: "the process ended while it was sent".to_owned(),
            };
            work.doubt(row, &doubt).await
        }
        State::Unclear => work.resolve(row).await,
        State::Accepted => work.look_up(row).await,
        State::Refused | State::Followed => put_away(app, row.id).await,
    }
}

/// One request in the hands of this process.
struct Work<'a> {
    app: &'a App,
    request: Request,
    rail: &'a dyn Rail,
    /// The account at the provider.
    account: &'a str,
}

impl Work<'_> {
    /// Sends it, having written down that it does.
    async fn send(&self, row: Model) -> Result<(), Fault> {
        let first_sent_at = row.first_sent_at;
        let now = self.app.clock.now();
        let mut row = row;
        row.state = State::Sending;
        row.account = Some(self.account.to_owned());
        row.sends = row.sends.saturating_add(1);
        row.first_sent_at = row.first_sent_at.or(Some(now));
        row.last_sent_at = Some(now);
        row.held_until = Some(now + HOLD);
        let tx = self.app.db.begin().await?;
        update_in_tx(&tx, &row).await?;
        tx.commit().await?;
        let sending = Sending {
            request: &self.request,
            first_sent_at,
        };
        match self.rail.send(&sending).await {
            Sent::Accepted { provider_id, items, .. } => self.accepted(row, provider_id, &items).await,
            Sent::Refused(refused) if refused.is_final => {
                self.give_up(row, &refused.code, &refused.message, &refused.items).await
            }
            Sent::Refused(refused) => self.try_later(row, &refused).await,
            Sent::Unclear(doubt) => self.doubt(row, &doubt).await,
        }
    }

    /// Nothing of it was taken, and it may be once somebody has put right what is in its way.
    async fn try_later(&self, row: Model, refused: &Refused) -> Result<(), Fault> {
        let mut row = row;
        row.state = State::Prepared;
        // As if it had never been sent: the provider does not know its key.
        row.first_sent_at = None;
        row.account = None;
        let pause = if refused.is_busy { SOONEST } else { PUT_RIGHT };
        say(&mut row, &refused.code, &refused.message);
        self.write(row, Some(pause)).await
    }

    /// Nobody knows what became of it.
    async fn doubt(&self, row: Model, doubt: &Doubt) -> Result<(), Fault> {
        let mut row = row;
        row.state = State::Unclear;
        say(&mut row, &doubt.code, &doubt.message);
        row.next_at = Some(self.next_try(&row));
        row.held_until = None;
        let tx = self.app.db.begin().await?;
        for payout in lock_payouts_in_tx(&tx, &payouts_of(&self.request)?).await? {
            let mut payout = payout;
            if payout.state == PayoutState::Submitted {
                move_in_tx(&tx, self.app, &Actor::system(), &mut payout, PayoutState::Unknown, None).await?;
            }
        }
        if doubt.code == "KEY_EXPIRED" {
            let words = "the provider has forgotten the key it was sent under: ask it what became of this payout";
            self.ask_for_attention_in_tx(&tx, words).await?;
        }
        update_in_tx(&tx, &row).await?;
        self.app.commit(tx).await?;
        Ok(())
    }

    /// Credentials of another account have taken the place of those that it was sent with.
    async fn wait_for_account(&self, row: Model) -> Result<(), Fault> {
        let mut row = row;
        let words = "the provider's account was changed while this payout was on its way: connect the one it was sent from, or \
                     ask the provider";
        say(&mut row, "RAIL_ACCOUNT_CHANGED", words);
        let tx = self.app.db.begin().await?;
        self.ask_for_attention_in_tx(&tx, words).await?;
        self.app.commit(tx).await?;
        self.write(row, Some(PUT_RIGHT)).await
    }

    /// When something unclear is sent again, or looked up.
    fn next_try(&self, row: &Model) -> DateTime<Utc> {
        let now = self.app.clock.now();
        let sends = u32::try_from(row.sends).unwrap_or(u32::MAX);
        match (self.rail.resend_after(sends), row.last_sent_at) {
            (Some(pause), Some(sent)) => (sent + TimeDelta::from_std(pause).unwrap_or(SOONEST)).max(now),
            _ => now + self.pause(row),
        }
    }

    /// Longer, the longer it takes already.
    fn pause(&self, row: &Model) -> TimeDelta {
        let age = self.app.clock.now() - row.last_sent_at.unwrap_or(row.created_at);
        (age / 8).clamp(SOONEST, LATEST)
    }

    /// Another account knows nothing of what this one was asked for, and would pay it again.
    fn is_same_account(&self, row: &Model) -> bool {
        row.account.as_deref().is_none_or(|account| account == self.account)
    }

    /// Sends it again as it is while the provider says that this is the way, else asks.
    async fn resolve(&self, row: Model) -> Result<(), Fault> {
        if !self.is_same_account(&row) {
            return self.look_up(row).await;
        }
        let sends = u32::try_from(row.sends).unwrap_or(u32::MAX);
        let Some(pause) = self.rail.resend_after(sends) else {
            return self.look_up(row).await;
        };
        let due = row
            .last_sent_at
            .map(|sent| sent + TimeDelta::from_std(pause).unwrap_or(SOONEST));
        if due.is_some_and(|due| due > self.app.clock.now()) {
            return self.write(Model { next_at: due, ..row }, None).await;
        }
        self.send(row).await
    }

    async fn look_up(&self, row: Model) -> Result<(), Fault> {
        let question = Question {
            request: &self.request,
            provider_id: row.provider_id.as_deref(),
            last_sent_at: row.last_sent_at.unwrap_or(row.created_at),
        };
        match self.rail.look_up(&question).await {
            Looked::Found {
                provider_id,
                items,
                absent,
            } => {
                self.lost(&absent).await?;
                self.accepted(row, provider_id, &items).await
            }
            Looked::Absent { is_final: true } | Looked::OnlyBySending if !self.is_same_account(&row) => {
                self.wait_for_account(row).await
            }
            Looked::Absent { is_final: true } if row.state == State::Unclear => {
                let words = "the provider has nothing of it, and will not get anything any more";
                self.give_up(row, "ABSENT_AT_PROVIDER", words, &[]).await
            }
            Looked::Absent { .. } => {
                let mut row = row;
                say(&mut row, "ABSENT_AT_PROVIDER", "the provider has nothing of it yet");
                let pause = self.pause(&row);
                self.write(row, Some(pause)).await
            }
            Looked::OnlyBySending => self.send(row).await,
            Looked::Unclear(doubt) => {
                let mut row = row;
                say(&mut row, &doubt.code, &doubt.message);
                let pause = self.pause(&row);
                self.write(row, Some(pause)).await
            }
        }
    }

    /// The provider has it: books what it says of the payouts in it, and looks again later.
    async fn accepted(&self, row: Model, provider_id: String, items: &[Item]) -> Result<(), Fault> {
        let mut row = row;
        row.state = State::Accepted;
        row.provider_id = Some(provider_id);
        row.last_code = None;
        row.last_message = None;
        // Written first: whatever interrupts the booking, the next look finds it out again.
        self.write(row.clone(), Some(SOONEST)).await?;
        for chunk in items.chunks(ITEMS) {
            let mut said: Vec<(PayoutId, &Item)> = Vec::with_capacity(chunk.len());
            for item in chunk {
                said.extend(self.payout_of(item)?.map(|id| (id, item)));
            }
            let tx = self.app.db.begin().await?;
            let ids = said.iter().map(|(id, _)| *id).collect();
            let locked = lock_with_balances_in_tx(&tx, &ids).await?;
            let mut payouts: BTreeMap<PayoutId, payout::Model> = locked.into_iter().map(|row| (row.id, row)).collect();
            for (id, item) in said {
                if let Some(payout) = payouts.get_mut(&id) {
                    take_item_in_tx(&tx, self.app, payout, item).await?;
                }
            }
            self.app.commit(tx).await?;
        }
        let tx = self.app.db.begin().await?;
        let mut is_open = false;
        for payout in lock_payouts_in_tx(&tx, &payouts_of(&self.request)?).await? {
            let mut payout = payout;
            is_open |= matches!(payout.state, PayoutState::Submitted | PayoutState::Unknown);
            if payout.state == PayoutState::Unknown {
                move_in_tx(
                    &tx,
                    self.app,
                    &Actor::system(),
                    &mut payout,
                    PayoutState::Submitted,
                    None,
                )
                .await?;
            }
        }
        let now = self.app.clock.now();
        let age = now - row.last_sent_at.unwrap_or(row.created_at);
        if is_open {
            row.next_at = Some(now + self.pause(&row));
        } else if age < RETURNS {
            row.next_at = Some(now + DAILY);
        } else {
            row.state = State::Followed;
            row.next_at = None;
        }
        row.held_until = None;
        update_in_tx(&tx, &row).await?;
        self.app.commit(tx).await?;
        Ok(())
    }

    /// Which of its payouts an item is about. One that says nothing of our key stands alone in its request.
    fn payout_of(&self, item: &Item) -> Result<Option<PayoutId>, Fault> {
        let keys = &self.request.items;
        let own = match (item.key.as_deref(), keys.as_slice()) {
            (Some(key), _) => keys.iter().find(|own| *own == key),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        own.map(|key| payout_of(key)).transpose()
    }

    /// Nothing was paid by it, or ever will be: its payouts failed. Where the provider named those that it does not like, only they
    /// did; the others were not tried, and go out in a request of their own.
    async fn give_up(&self, row: Model, code: &str, message: &str, named: &[RefusedItem]) -> Result<(), Fault> {
        let keys: BTreeSet<String> = named.iter().map(|item| item.key.clone()).collect();
        let rest = if keys.is_empty() {
            None
        } else {
            self.rail.without(&self.request, &keys)
        };
        let mut row = row;
        row.state = State::Refused;
        row.next_at = None;
        row.held_until = None;
        say(&mut row, code, message);
        let tx = self.app.db.begin().await?;
        let all = payouts_of(&self.request)?;
        // In the order in which everyone locks them, before the first is booked.
        lock_with_balances_in_tx(&tx, &all).await?;
        for RefusedItem { key, message } in named {
            self.fail_in_tx(&tx, &BTreeSet::from([payout_of(key)?]), code, message)
                .await?;
        }
        // Written with the end of the first one: whatever interrupts this, each payout is in one request that is open, or failed.
        match rest {
            Some(rest) => write_rest_in_tx(&tx, self.app, &row, &rest).await?,
            None => self.fail_in_tx(&tx, &all, code, message).await?,
        }
        update_in_tx(&tx, &row).await?;
        self.app.commit(tx).await?;
        Ok(())
    }

    /// Of a batch that arrived, these did not.
    async fn lost(&self, absent: &[String]) -> Result<(), Fault> {
        if absent.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<PayoutId> = absent.iter().map(|key| payout_of(key)).collect::<Result<_, _>>()?;
        let tx = self.app.db.begin().await?;
        let words = "the provider has the others of its batch, and not this one";
        self.fail_in_tx(&tx, &ids, "ABSENT_AT_PROVIDER", words).await?;
        self.app.commit(tx).await?;
        Ok(())
    }

    async fn fail_in_tx(
        &self,
        tx: &DatabaseTransaction,
        ids: &BTreeSet<PayoutId>,
        code: &str,
        message: &str,
    ) -> Result<(), Fault> {
        for payout in lock_with_balances_in_tx(tx, ids).await? {
            let mut payout = payout;
            if matches!(payout.state, PayoutState::Submitted | PayoutState::Unknown) {
                payout.failure_code = Some(code.to_owned());
                payout.failure_reason = Some(message.to_owned());
                undo_in_tx(
                    tx,
                    self.app,
                    &Actor::system(),
                    &mut payout,
                    Undone::Failed,
                    Some(code),
                    None,
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn ask_for_attention_in_tx(&self, tx: &DatabaseTransaction, words: &str) -> Result<(), Fault> {
        for payout in lock_payouts_in_tx(tx, &payouts_of(&self.request)?).await? {
            let mut payout = payout;
            let is_open = matches!(payout.state, PayoutState::Submitted | PayoutState::Unknown);
            if is_open && payout.attention.as_deref() != Some(words) {
                payout.attention = Some(words.to_owned());
                write_in_tx(tx, &payout).await?;
                announce_in_tx(tx, self.app, &payout).await?;
            }
        }
        Ok(())
    }

    /// Lets it go until then; until its own time where none is given.
    async fn write(&self, row: Model, pause: Option<TimeDelta>) -> Result<(), Fault> {
        let mut row = row;
        if let Some(pause) = pause {
            row.next_at = Some(self.app.clock.now() + pause);
        }
        row.held_until = None;
        let tx = self.app.db.begin().await?;
        update_in_tx(&tx, &row).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Longest words of a provider that are kept.
const MAX_WORDS: usize = 500;

fn say(row: &mut Model, code: &str, message: &str) {
    row.last_code = Some(code.chars().take(MAX_WORDS).collect());
    row.last_message = Some(message.chars().take(MAX_WORDS).collect());
}

/// All but what was prepared, which may have been sealed under another key meanwhile.
async fn update_in_tx(tx: &DatabaseTransaction, row: &Model) -> Result<(), DbErr> {
    let mut written = row.clone().into_active_model().reset_all();
    written.body = NotSet;
    written.items = NotSet;
    Entity::update(written).exec_without_returning(tx).await.map(drop)
}

/// The oldest first, as everyone locks them.
async fn lock_payouts_in_tx(tx: &DatabaseTransaction, ids: &BTreeSet<PayoutId>) -> Result<Vec<payout::Model>, DbErr> {
    payout::Entity::find()
        .filter(payout::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(payout::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await
}

/// With the available balances of their partners, for what moves the money of more than one.
async fn lock_with_balances_in_tx(
    tx: &DatabaseTransaction,
    ids: &BTreeSet<PayoutId>,
) -> Result<Vec<payout::Model>, DbErr> {
    let rows = lock_payouts_in_tx(tx, ids).await?;
    balances::lock_all_available_in_tx(tx, rows.iter().map(|row| row.partnership_id)).await?;
    Ok(rows)
}

async fn put_off(app: &App, id: PayoutRequestId, pause: TimeDelta, code: &str, message: &str) -> Result<(), Fault> {
    let tx = app.db.begin().await?;
    Entity::update_many()
        .col_expr(Column::NextAt, Expr::value(app.clock.now() + pause))
        .col_expr(Column::HeldUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::LastCode, Expr::value(code))
        .col_expr(Column::LastMessage, Expr::value(message))
        .filter(Column::Id.eq(id))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn put_away(app: &App, id: PayoutRequestId) -> Result<(), Fault> {
    let tx = app.db.begin().await?;
    Entity::update_many()
        .col_expr(Column::NextAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(Column::Id.eq(id))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
