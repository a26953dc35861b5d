//! The touches of a batch of events. What they speak of is read at once, with a statement a table whatever the size of the
//! batch; each event then sees what those before it did.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    conversion_touch::{TouchKind, TouchRejection},
    customer_binding,
    ids::{BrandId, CustomerId, PartnershipId, ProgramId, PromoCodeId, TrackingLinkId},
    partnership::{self, PartnershipState},
    program::{self, ProgramState},
    promo_code, tracking_link,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict},
};

use crate::{
    app::App,
    infra::db::INSERT_CHUNK,
    tracking::{
        click_id::{self, ClickToken},
        rules::{self, Candidate},
    },
};

/// What an event says about how it came about.
pub struct Evidence<'a> {
    pub click_id: Option<&'a str>,
    pub promo_codes: &'a [String],
    pub customer: Option<CustomerId>,
    pub occurred_at: DateTime<Utc>,
}

/// A candidate and the program and code behind it.
#[derive(Clone, Debug)]
pub struct Found {
    pub candidate: Candidate,
    pub program: Option<ProgramId>,
    pub code: Option<PromoCodeId>,
}

/// Everything the events of a batch speak of, as it stands, with what the batch adds.
#[derive(Default)]
pub struct Touchpoints {
    links: HashMap<TrackingLinkId, tracking_link::Model>,
    /// By their folded text.
    codes: HashMap<String, promo_code::Model>,
    bindings: HashMap<CustomerId, Vec<customer_binding::Model>>,
    partnerships: HashMap<PartnershipId, partnership::Model>,
    uses: BTreeMap<PromoCodeId, i64>,
    /// Bindings that the batch made or replaced.
    bound: BTreeMap<(CustomerId, ProgramId), customer_binding::Model>,
}

impl Touchpoints {
    /// Codes are locked until the transaction ends, in the order of their ids, so that a usage limit holds under
    /// concurrency.
    pub async fn load_in_tx(
        tx: &DatabaseTransaction,
        app: &App,
        brand: BrandId,
        evidence: &[Evidence<'_>],
    ) -> Result<Self, DbErr> {
        let tokens = evidence.iter().filter_map(|event| read_click(app, event.click_id?));
        let links: Vec<TrackingLinkId> = tokens.map(|token| token.link).collect();
        let codes = evidence.iter().flat_map(|event| event.promo_codes);
        let codes: Vec<String> = codes.filter_map(|code| rules::code_key(code)).collect();
        let customers: Vec<CustomerId> = evidence.iter().filter_map(|event| event.customer).collect();
        let mut known = Self::default();
        known.load_links(tx, brand, links).await?;
        known.load_codes_in_tx(tx, brand, codes).await?;
        known.load_bindings(tx, customers).await?;
        known.load_partnerships(tx).await?;
        Ok(known)
    }

    async fn load_links(
        &mut self,
        tx: &DatabaseTransaction,
        brand: BrandId,
        ids: Vec<TrackingLinkId>,
    ) -> Result<(), DbErr> {
        if ids.is_empty() {
            return Ok(());
        }
        let rows = tracking_link::Entity::find()
            .filter(tracking_link::Column::BrandId.eq(brand))
            .filter(tracking_link::Column::Id.is_in(ids))
            .all(tx)
            .await?;
        self.links = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(())
    }

    async fn load_codes_in_tx(
        &mut self,
        tx: &DatabaseTransaction,
        brand: BrandId,
        keys: Vec<String>,
    ) -> Result<(), DbErr> {
        if keys.is_empty() {
            return Ok(());
        }
        let rows = promo_code::Entity::find()
            .filter(promo_code::Column::BrandId.eq(brand))
            .filter(promo_code::Column::CodeKey.is_in(keys))
            .order_by_asc(promo_code::Column::Id)
            .lock_exclusive()
            .all(tx)
            .await?;
        self.codes = rows.into_iter().map(|row| (row.code_key.clone(), row)).collect();
        Ok(())
    }

    async fn load_bindings(&mut self, tx: &DatabaseTransaction, customers: Vec<CustomerId>) -> Result<(), DbErr> {
        if customers.is_empty() {
            return Ok(());
        }
        let rows = customer_binding::Entity::find()
            .filter(customer_binding::Column::CustomerId.is_in(customers))
            .order_by_asc(customer_binding::Column::Id)
            .all(tx)
            .await?;
        for row in rows {
            self.bindings.entry(row.customer_id).or_default().push(row);
        }
        Ok(())
    }

    async fn load_partnerships(&mut self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        let links = self.links.values().map(|link| link.partnership_id);
        let codes = self.codes.values().map(|code| code.partnership_id);
        let bindings = self.bindings.values().flatten().map(|binding| binding.partnership_id);
        let ids: Vec<PartnershipId> = links.chain(codes).chain(bindings).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let rows = partnership::Entity::find()
            .filter(partnership::Column::Id.is_in(ids))
            .all(tx)
            .await?;
        self.partnerships = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(())
    }

    /// Whom the batch may credit.
    pub fn partnerships(&self) -> impl Iterator<Item = &partnership::Model> {
        self.partnerships.values()
    }

    #[must_use]
    pub fn find_partnership(&self, id: PartnershipId) -> Option<&partnership::Model> {
        self.partnerships.get(&id)
    }

    /// Every touch of an event, in the order click, codes, binding. `programs` are those of [`Self::partnerships`].
    #[must_use]
    pub fn find(
        &self,
        app: &App,
        programs: &HashMap<ProgramId, program::Model>,
        evidence: &Evidence<'_>,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        found.extend(evidence.click_id.map(|text| self.find_click(app, text)));
        found.extend(evidence.promo_codes.iter().map(|text| self.find_code(text, evidence)));
        let bindings = evidence.customer.and_then(|customer| self.bindings.get(&customer));
        found.extend(bindings.into_iter().flatten().map(|row| find_binding(row, evidence)));
        for touch in &mut found {
            self.reject_inactive(programs, touch);
        }
        found
    }

    fn find_click(&self, app: &App, text: &str) -> Found {
        let mut candidate = Candidate {
            kind: TouchKind::Click,
            evidence: rules::storable(text).chars().take(click_id::MAX_LEN).collect(),
            partnership: None,
            touched_at: None,
            rejection: Some(TouchRejection::ClickForged),
        };
        let mut program = None;
        if let Some(token) = read_click(app, text) {
            let link = self.links.get(&token.link);
            candidate.touched_at = Some(token.clicked_at);
            candidate.rejection = link.is_none().then_some(TouchRejection::ClickUnknownLink);
            candidate.partnership = link.map(|link| link.partnership_id);
            program = link.map(|link| link.program_id);
        }
        Found {
            candidate,
            program,
            code: None,
        }
    }

    fn find_code(&self, text: &str, evidence: &Evidence<'_>) -> Found {
        let row = rules::code_key(text).and_then(|key| self.codes.get(&key));
        let expired = |row: &promo_code::Model| row.expires_at.is_some_and(|end| end <= evidence.occurred_at);
        let exhausted = |row: &promo_code::Model| row.usage_limit.is_some_and(|limit| self.used_count(row) >= limit);
        let rejection = match row {
            None => Some(TouchRejection::CodeUnknown),
            Some(row) if expired(row) => Some(TouchRejection::CodeExpired),
            Some(row) if exhausted(row) => Some(TouchRejection::CodeExhausted),
            Some(_) => None,
        };
        Found {
            candidate: Candidate {
                kind: TouchKind::PromoCode,
                evidence: rules::storable(text),
                partnership: row.map(|row| row.partnership_id),
                touched_at: None,
                rejection,
            },
            program: row.map(|row| row.program_id),
            code: row.map(|row| row.id),
        }
    }

    fn used_count(&self, code: &promo_code::Model) -> i64 {
        code.used_count + self.uses.get(&code.id).copied().unwrap_or(0)
    }

    /// Partnerships and programs that are not active cannot win.
    fn reject_inactive(&self, programs: &HashMap<ProgramId, program::Model>, touch: &mut Found) {
        let candidate = &mut touch.candidate;
        if candidate.rejection.is_some() {
            return;
        }
        let runs = |id: ProgramId| {
            programs
                .get(&id)
                .is_some_and(|program| program.state == ProgramState::Active)
        };
        let promotes = |id: PartnershipId| {
            self.find_partnership(id)
                .is_some_and(|row| row.state == PartnershipState::Active)
        };
        if touch.program.is_some_and(|id| !runs(id)) {
            candidate.rejection = Some(TouchRejection::ProgramNotActive);
        } else if candidate.partnership.is_some_and(|id| !promotes(id)) {
            candidate.rejection = Some(TouchRejection::PartnershipNotActive);
        }
    }

    /// Counts one use of a code that won.
    pub fn use_code(&mut self, code: PromoCodeId) {
        *self.uses.entry(code).or_insert(0) += 1;
    }

    /// Binds a customer to the first credited partnership of a program. While that binding lasts, a later one changes
    /// nothing.
    pub fn bind_customer(
        &mut self,
        app: &App,
        customer: CustomerId,
        partnership: &partnership::Model,
        bound_at: DateTime<Utc>,
        expires_at: Option<DateTime<Utc>>,
    ) {
        let rows = self.bindings.entry(customer).or_default();
        let known = rows.iter_mut().find(|row| row.program_id == partnership.program_id);
        let row = match known {
            Some(row) if row.expires_at.is_none_or(|end| end > bound_at) => return,
            Some(row) => {
                row.partnership_id = partnership.id;
                row.bound_at = bound_at;
                row.expires_at = expires_at;
                row.clone()
            }
            None => {
                let row = customer_binding::Model {
                    id: app.ids.new_id(app.clock.now()),
                    brand_id: partnership.brand_id,
                    customer_id: customer,
                    program_id: partnership.program_id,
                    partnership_id: partnership.id,
                    bound_at,
                    expires_at,
                };
                rows.push(row.clone());
                row
            }
        };
        self.bound.insert((customer, partnership.program_id), row);
    }

    /// Writes what the batch added. A binding that another transaction made meanwhile stands while it lasts.
    pub async fn store_in_tx(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        self.store_uses_in_tx(tx).await?;
        let rows: Vec<customer_binding::ActiveModel> = self
            .bound
            .values()
            .cloned()
            .map(customer_binding::ActiveModel::from)
            .collect();
        for chunk in rows.chunks(INSERT_CHUNK) {
            store_bindings_in_tx(tx, chunk).await?;
        }
        Ok(())
    }

    async fn store_uses_in_tx(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        use promo_code::{Column, Entity};
        let uses: Vec<(PromoCodeId, i64)> = self.uses.iter().map(|(id, count)| (*id, *count)).collect();
        for chunk in uses.chunks(INSERT_CHUNK) {
            let more = chunk.iter().fold(CaseStatement::new(), |case, (id, count)| {
                case.case(Expr::col(Column::Id).eq(*id), Expr::value(*count))
            });
            Entity::update_many()
                .col_expr(Column::UsedCount, Expr::col(Column::UsedCount).add(Expr::expr(more)))
                .filter(Column::Id.is_in(chunk.iter().map(|(id, _)| *id)))
                .exec(tx)
                .await?;
        }
        Ok(())
    }
}

fn read_click(app: &App, text: &str) -> Option<ClickToken> {
    click_id::verify(&app.keys.click_id, text)
}

fn find_binding(row: &customer_binding::Model, evidence: &Evidence<'_>) -> Found {
    let expired = row.expires_at.is_some_and(|end| end <= evidence.occurred_at);
    Found {
        candidate: Candidate {
            kind: TouchKind::CustomerBinding,
            evidence: row.id.to_string(),
            partnership: Some(row.partnership_id),
            touched_at: Some(row.bound_at),
            rejection: expired.then_some(TouchRejection::BindingExpired),
        },
        program: Some(row.program_id),
        code: None,
    }
}

async fn store_bindings_in_tx(tx: &DatabaseTransaction, rows: &[customer_binding::ActiveModel]) -> Result<(), DbErr> {
    use customer_binding::{Column, Entity};
    let ended = Expr::col((Entity, Column::ExpiresAt)).lte(Expr::col(("excluded", Column::BoundAt)));
    Entity::insert_many(rows.to_vec())
        .on_conflict(
            OnConflict::columns([Column::CustomerId, Column::ProgramId])
                .update_columns([Column::PartnershipId, Column::BoundAt, Column::ExpiresAt])
                .action_and_where(ended)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await
        .map(drop)
}
