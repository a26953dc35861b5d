//! Deciding a batch: everything its events speak of is read with a statement a table, then one event after the other is
//! decided in memory. Earlier events affect later ones; a refused one leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Months, Utc};
use entity::{
    api_key::ApiKeyMode,
    commission_rule::ConversionEvent,
    conversion::{self, ConversionState},
    customer,
    ids::{ConversionId, CustomerId, OrderId, ProgramId},
    order, order_line, partnership,
    program::{self, CustomerBinding, ProgramState},
};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    attribute::{Attribution, attribute},
    check::Checked,
};
use crate::{
    app::App,
    commissions::{
        rules::Line,
        service::{self as commissions, Assessed, Credited, Tariff},
    },
    conversions::service::{Code, Result, book::Book, lines::CheckedLine},
    error::{Failure, Fault},
    idempotency::{Claims, Outcome},
    tracking::service::{Evidence, Found, Touchpoints},
};

/// An event that was recorded, with all that is to be written of it.
pub(super) struct Recorded {
    pub row: conversion::Model,
    pub attribution: Attribution,
    pub credit: Option<Credit>,
}

/// Who is credited, and what that earns.
pub(super) struct Credit {
    pub program: program::Model,
    pub winner: partnership::Model,
    pub assessed: Assessed,
}

/// What was known before the batch, and what its events add.
pub(super) struct Batch<'a> {
    pub(super) app: &'a App,
    book: Book,
    pub(super) claims: Claims,
    pub(super) touchpoints: Touchpoints,
    programs: HashMap<ProgramId, program::Model>,
    tariff: Tariff,
    customers: HashMap<String, CustomerId>,
    orders: HashSet<String>,
    /// By their external ids, as they are written.
    pub(super) new_customers: BTreeMap<String, customer::Model>,
    pub(super) new_orders: BTreeMap<String, order::Model>,
    /// Of all new orders, in the order of their events.
    pub(super) new_lines: Vec<order_line::Model>,
    pub(super) recorded: Vec<Recorded>,
}

impl<'a> Batch<'a> {
    pub async fn load_in_tx(
        tx: &DatabaseTransaction,
        app: &'a App,
        book: Book,
        claims: Claims,
        events: &[&Checked],
    ) -> std::result::Result<Self, Fault> {
        let mut batch = Self {
            app,
            book,
            claims,
            touchpoints: Touchpoints::default(),
            programs: HashMap::new(),
            tariff: Tariff::default(),
            customers: HashMap::new(),
            orders: HashSet::new(),
            new_customers: BTreeMap::new(),
            new_orders: BTreeMap::new(),
            new_lines: Vec::new(),
            recorded: Vec::new(),
        };
        // What was done before is only given again.
        let fresh = events
            .iter()
            .filter(|event| matches!(batch.claims.earlier(&event.wanted), Ok(None)));
        let fresh: Vec<&Checked> = fresh.copied().collect();
        if !fresh.is_empty() {
            batch.load_orders(tx, &fresh).await?;
            batch.load_customers(tx, &fresh).await?;
            let evidence: Vec<Evidence<'_>> = fresh.iter().map(|event| batch.evidence(event)).collect();
            batch.touchpoints = Touchpoints::load_in_tx(tx, app, book.brand, &evidence).await?;
            batch.load_programs(tx, &fresh).await?;
            batch.load_tariff_in_tx(tx, &fresh).await?;
        }
        Ok(batch)
    }

    async fn load_orders(&mut self, tx: &DatabaseTransaction, events: &[&Checked]) -> std::result::Result<(), Fault> {
        let ids: BTreeSet<&str> = events.iter().filter_map(|event| event.order_id()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let known: Vec<String> = order::Entity::find()
            .select_only()
            .column(order::Column::ExternalId)
            .filter(order::Column::BrandId.eq(self.book.brand))
            .filter(order::Column::Mode.eq(self.book.mode))
            .filter(order::Column::ExternalId.is_in(ids))
            .into_tuple()
            .all(tx)
            .await?;
        self.orders = known.into_iter().collect();
        Ok(())
    }

    async fn load_customers(
        &mut self,
        tx: &DatabaseTransaction,
        events: &[&Checked],
    ) -> std::result::Result<(), Fault> {
        let ids = events.iter().filter_map(|event| event.command.customer_id.as_deref());
        let ids: BTreeSet<&str> = ids.collect();
        if ids.is_empty() {
            return Ok(());
        }
        let known: Vec<(String, CustomerId)> = customer::Entity::find()
            .select_only()
            .column(customer::Column::ExternalId)
            .column(customer::Column::Id)
            .filter(customer::Column::BrandId.eq(self.book.brand))
            .filter(customer::Column::Mode.eq(self.book.mode))
            .filter(customer::Column::ExternalId.is_in(ids))
            .into_tuple()
            .all(tx)
            .await?;
        self.customers = known.into_iter().collect();
        Ok(())
    }

    /// The programs that events name or touches speak for, and two that are active: a brand with only one means that one.
    async fn load_programs(&mut self, tx: &DatabaseTransaction, events: &[&Checked]) -> std::result::Result<(), Fault> {
        use program::{Column, Entity};
        let named = events.iter().filter_map(|event| event.command.program);
        let touched = self.touchpoints.partnerships().map(|row| row.program_id);
        let ids: BTreeSet<ProgramId> = named.chain(touched).collect();
        if !ids.is_empty() {
            let rows = Entity::find()
                .filter(Column::BrandId.eq(self.book.brand))
                .filter(Column::Id.is_in(ids))
                .all(tx)
                .await?;
            self.programs.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        if events.iter().any(|event| event.command.program.is_none()) {
            let rows = Entity::find()
                .filter(
                    Condition::all()
                        .add(Column::BrandId.eq(self.book.brand))
                        .add(Column::State.eq(ProgramState::Active)),
                )
                .order_by_asc(Column::Id)
                .limit(2)
                .all(tx)
                .await?;
            self.programs.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(())
    }

    async fn load_tariff_in_tx(
        &mut self,
        tx: &DatabaseTransaction,
        events: &[&Checked],
    ) -> std::result::Result<(), Fault> {
        let partnerships: Vec<&partnership::Model> = self.touchpoints.partnerships().collect();
        let kinds: BTreeSet<ConversionEvent> = events.iter().map(|event| event.command.event).collect();
        let kinds: Vec<ConversionEvent> = kinds.into_iter().collect();
        self.tariff = Tariff::load_in_tx(tx, &kinds, &partnerships).await?;
        Ok(())
    }

    fn evidence<'b>(&self, event: &'b Checked) -> Evidence<'b> {
        let external_id = event.command.customer_id.as_ref();
        Evidence {
            click_id: event.command.click_id.as_deref(),
            promo_codes: &event.command.promo_codes,
            customer: external_id.and_then(|id| self.customers.get(id)).copied(),
            occurred_at: event.occurred_at,
        }
    }

    /// Decides one event. What can fail comes first: from [`Self::keep`] on, it is recorded.
    pub fn decide(&mut self, event: &Checked) -> Result<Outcome<ConversionId>> {
        if let Some(id) = self.claims.earlier(&event.wanted)? {
            return Ok(Outcome {
                value: ConversionId(id),
                replayed: true,
            });
        }
        if event.order_id().is_some_and(|id| self.orders.contains(id)) {
            return Err(Failure::refused_field(
                Code::OrderAlreadyRecorded,
                "orderId",
                "this order was recorded before, under another idempotency key",
            ));
        }
        let touches = self.touchpoints.find(self.app, &self.programs, &self.evidence(event));
        let program = self.resolve_program(event, &touches)?.cloned();
        let attribution = attribute(program.as_ref(), touches, event.occurred_at);
        let winner = attribution
            .winner()
            .and_then(|id| self.touchpoints.find_partnership(id));
        let credit = match (&program, winner) {
            (Some(program), Some(winner)) => Some(self.credit(event, program, winner)?),
            _ => None,
        };
        self.keep(event, program.as_ref(), attribution, credit);
        Ok(Outcome {
            value: event.id,
            replayed: false,
        })
    }

    /// Which program an event belongs to: the one it names; else the one its touches speak for, in the order click, codes,
    /// binding, an active one first; else the brand's only active one; else none.
    fn resolve_program(&self, event: &Checked, touches: &[Found]) -> Result<Option<&program::Model>> {
        if let Some(id) = event.command.program {
            return self.programs.get(&id).map(Some).ok_or_else(|| {
                Failure::refused_field(Code::ProgramNotFound, "programId", "the brand has no such program")
            });
        }
        let valid = touches
            .iter()
            .find(|touch| touch.candidate.rejection.is_none())
            .and_then(|touch| touch.program);
        if let Some(id) = valid.or_else(|| touches.iter().find_map(|touch| touch.program)) {
            return Ok(self.programs.get(&id));
        }
        let mut active = self
            .programs
            .values()
            .filter(|program| program.state == ProgramState::Active);
        Ok(active.next().filter(|_| active.next().is_none()))
    }

    fn credit(
        &self,
        event: &Checked,
        program: &program::Model,
        winner: &partnership::Model,
    ) -> std::result::Result<Credit, Fault> {
        let lines: Vec<Line> = event.lines.iter().map(CheckedLine::for_rules).collect();
        let assessed = self.tariff.assess(&Credited {
            program,
            partnership: winner,
            event: event.command.event,
            base: event.amount,
            lines: &lines,
            occurred_at: event.occurred_at,
        })?;
        Ok(Credit {
            program: program.clone(),
            winner: winner.clone(),
            assessed,
        })
    }

    /// Adds a decided event, with what it means for those behind it.
    fn keep(
        &mut self,
        event: &Checked,
        program: Option<&program::Model>,
        attribution: Attribution,
        credit: Option<Credit>,
    ) {
        let customer = event.command.customer_id.as_deref().map(|id| self.take_customer(id));
        let order = self.take_order(event, customer);
        let winner = credit.as_ref().map(|credit| &credit.winner);
        let row = conversion::Model {
            id: event.id,
            brand_id: self.book.brand,
            mode: self.book.mode,
            program_id: program.map(|program| program.id),
            partnership_id: winner.map(|winner| winner.id),
            partner_id: winner.map(|winner| winner.partner_id),
            customer_id: customer,
            order_id: order,
            event: event.command.event,
            state: ConversionState::Pending,
            currency: event.amount.map(|amount| amount.currency.code().to_owned()),
            amount_minor: event.amount.map_or(0, |amount| amount.amount_minor),
            refunded_minor: 0,
            attribution_method: attribution.method(),
            attribution_explanation: attribution.explanation.clone(),
            earning_explanation: credit.as_ref().map_or_else(
                || "nobody is credited".to_owned(),
                |credit| credit.assessed.earnings.explanation.clone(),
            ),
            rejection_reason: None,
            occurred_at: event.occurred_at,
            created_at: self.app.clock.now(),
            hold_until: match &credit {
                Some(credit) => Some(credit.assessed.hold_until),
                None => program.map(|program| commissions::hold_until(program.hold_days, event.occurred_at)),
            },
            approved_at: None,
        };
        if let Some(credit) = &credit {
            self.take_credit(&row, &attribution, credit);
        }
        self.claims.use_up(&event.wanted);
        self.recorded.push(Recorded {
            row,
            attribution,
            credit,
        });
    }

    /// Takes back what the batch added; what was recorded before it stays.
    pub fn forget(&mut self) -> Vec<Recorded> {
        self.claims.forget();
        self.touchpoints = Touchpoints::default();
        self.new_customers.clear();
        self.new_orders.clear();
        self.new_lines.clear();
        std::mem::take(&mut self.recorded)
    }

    fn take_customer(&mut self, external_id: &str) -> CustomerId {
        if let Some(known) = self.customers.get(external_id) {
            return *known;
        }
        let now = self.app.clock.now();
        let row = customer::Model {
            id: self.app.ids.new_id(now),
            brand_id: self.book.brand,
            mode: self.book.mode,
            external_id: external_id.to_owned(),
            created_at: now,
        };
        let id = row.id;
        self.customers.insert(external_id.to_owned(), id);
        self.new_customers.insert(external_id.to_owned(), row);
        id
    }

    fn take_order(&mut self, event: &Checked, customer: Option<CustomerId>) -> Option<OrderId> {
        let (external_id, amount) = (event.order_id()?, event.amount?);
        let now = self.app.clock.now();
        let row = order::Model {
            id: self.app.ids.new_id(now),
            brand_id: self.book.brand,
            mode: self.book.mode,
            customer_id: customer,
            external_id: external_id.to_owned(),
            currency: amount.currency.code().to_owned(),
            amount_minor: amount.amount_minor,
            refunded_minor: 0,
            charged_back_minor: 0,
            released_minor: 0,
            capture_state: event.command.capture,
            captured_minor: 0,
            occurred_at: event.occurred_at,
            created_at: now,
        };
        let id = row.id;
        let lines = event.lines.iter().zip(1..);
        self.new_lines
            .extend(lines.map(|(line, position)| line.row(self.book.brand, id, position)));
        self.orders.insert(external_id.to_owned());
        self.new_orders.insert(external_id.to_owned(), row);
        Some(id)
    }

    /// What a credit brings about beside commissions: the code's use, the customer's binding.
    fn take_credit(&mut self, row: &conversion::Model, attribution: &Attribution, credit: &Credit) {
        if let Some(code) = attribution.winning_code()
            && self.book.mode == ApiKeyMode::Live
        {
            self.touchpoints.use_code(code);
        }
        let binds = matches!(row.event, ConversionEvent::Signup | ConversionEvent::Sale);
        if let (Some(customer), true) = (row.customer_id, binds)
            && let Some(expires_at) = binding_end(&credit.program, row.occurred_at)
        {
            self.touchpoints
                .bind_customer(self.app, customer, &credit.winner, row.occurred_at, expires_at);
        }
    }
}

impl Checked {
    /// The order of a sale.
    fn order_id(&self) -> Option<&str> {
        self.command
            .order_id
            .as_deref()
            .filter(|_| self.command.event == ConversionEvent::Sale)
    }
}

/// Until when a program binds: `None` is not at all, `Some(None)` for ever.
fn binding_end(program: &program::Model, from: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
    match program.customer_binding {
        CustomerBinding::Never => None,
        CustomerBinding::Forever => Some(None),
        CustomerBinding::Months => {
            let months = program
                .customer_binding_months
                .and_then(|months| u32::try_from(months).ok())
                .unwrap_or(0);
            Some(from.checked_add_months(Months::new(months)))
        }
    }
}
