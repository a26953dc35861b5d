//! What the sequences of one database share, what each has of its own, and how a command reaches the product.

use std::sync::Arc;

use entity::{
    brand,
    ids::{
        BrandId, ConversionId, CustomerId, OrderId, PartnerId, PartnershipId, PayoutBatchId, PayoutId, PayoutMethodId,
        ProgramId, PromoCodeId, StoreCreditTransferId,
    },
    partner, partnership, partnership_ancestor, payout_method, promo_code,
};
use sea_orm::{EntityTrait, IntoActiveModel, Set};
use serde_json::json;
use tributary::{infra::sealing, payouts::methods::rules::Details};

use super::{
    deliver::Made,
    model::{FIXED, FIXED_ABOVE_PPM, MINIMUM, RESERVE_DAYS, RESERVE_PPM, SHARE_ABOVE_PPM, SHARE_PPM},
    operations::{Coin, Command},
};
use crate::support::{
    app::TestApp,
    marketplace::{Market, Promoter},
};

/// A brand with a program that pays a share and one that pays a fixed amount, each with a referral level; and somebody in each.
pub struct Stage {
    pub brand: BrandId,
    /// The one that pays a share first.
    programs: [ProgramId; 2],
    like: [partnership::Model; 2],
}

fn percent(ppm: i64) -> String {
    format!("{}.{:04}", ppm / 10_000, ppm % 10_000)
}

impl Stage {
    pub async fn build(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let fixed = json!({ "fixed": { "amount": format!("{}.{:02}", FIXED / 100, FIXED % 100), "currency": "EUR" } });
        let share = json!({ "percent": percent(SHARE_PPM) });
        let above = json!({ "percentOfCommission": percent(SHARE_ABOVE_PPM) });
        let above_fixed = json!({ "percentOfSale": percent(FIXED_ABOVE_PPM) });
        let share = Self::program(app, &market, "share", share, above).await;
        let fixed = Self::program(app, &market, "fixed", fixed, above_fixed).await;
        let brand = market.brand.id.parse().unwrap();
        brand::Entity::update(brand::ActiveModel {
            id: Set(brand),
            reserve_ppm: Set(RESERVE_PPM),
            reserve_days: Set(i32::try_from(RESERVE_DAYS).unwrap()),
            payout_minimum_minor: Set(MINIMUM),
            payouts_need_two: Set(false),
            ..Default::default()
        })
        .exec(app.db_writer())
        .await
        .unwrap();
        Self {
            brand,
            programs: [share.program_id, fixed.program_id],
            like: [share, fixed],
        }
    }

    async fn program(
        app: &TestApp,
        market: &Market,
        name: &str,
        earning: serde_json::Value,
        above: serde_json::Value,
    ) -> partnership::Model {
        let owner = &market.owner;
        let currencies = json!({ "currencies": ["EUR", "USD"] });
        let id = app.draft_program(owner, &market.brand.id, name, currencies).await;
        app.rule(owner, &id, "SALE", earning).await;
        let levels = json!({ "programId": id, "levels": [{ "level": 1, "earning": above }] });
        app.done(owner, "setReferralLevels", levels, "program { id }").await;
        app.done(owner, "activateProgram", json!({ "id": id }), "program { id }")
            .await;
        let user = app.sign_up(name).await;
        let partner = app.partner(&user, name).await;
        let listing = app.draft_listing(owner, &id, json!({ "title": name })).await;
        app.done(owner, "publishListing", json!({ "id": listing }), "listing { id }")
            .await;
        let program = crate::support::marketplace::ProgramFixture { id, listing };
        let Promoter { partnership, .. } = app.join(market, &program, &user, &partner, None).await;
        let partnership: PartnershipId = partnership.parse().unwrap();
        let row = partnership::Entity::find_by_id(partnership).one(app.db()).await;
        row.unwrap().unwrap()
    }
}

/// A seller with who recruited it, a customer, and what came of the commands, in the order of the model's lists.
#[derive(Clone)]
pub struct World {
    pub app: TestApp,
    pub stage: Arc<Stage>,
    /// Names everything of this sequence.
    pub number: usize,
    pub program: ProgramId,
    /// The seller, and who recruited it.
    pub parties: [PartnershipId; 2],
    pub customer: Option<CustomerId>,
    pub orders: Vec<(ConversionId, OrderId)>,
    /// The shop's ids of the orders, and what each was paid in.
    pub order_ids: Vec<String>,
    pub coins: Vec<Coin>,
    pub payouts: Vec<PayoutId>,
    pub batches: Vec<PayoutBatchId>,
    pub transfers: Vec<StoreCreditTransferId>,
}

impl World {
    /// What people would do who sign up, apply and are approved, without their passwords.
    pub async fn build(app: &TestApp, stage: &Arc<Stage>, number: usize, is_fixed: bool) -> Self {
        let like = &stage.like[usize::from(is_fixed)];
        let now = app.now();
        let ids = &app.app.ids;
        let partners: [PartnerId; 2] = [ids.new_id(now), ids.new_id(now)];
        let parties: [PartnershipId; 2] = [ids.new_id(now), ids.new_id(now)];
        let partner = |party: usize| partner::Model {
            id: partners[party],
            handle: format!("party{party}of{number}"),
            display_name: format!("Party {party} of {number}"),
            bio: None,
            country: None,
            created_at: now,
        };
        let partnership = |party: usize| partnership::Model {
            id: parties[party],
            partner_id: partners[party],
            referral_code: format!("PARTY{party}OF{number}"),
            referrer_id: (party == 0).then_some(parties[1]),
            application_id: None,
            ..like.clone()
        };
        let method = |party: usize| {
            let id: PayoutMethodId = ids.new_id(now);
            let email = format!("party{party}of{number}@example.com");
            let details = Details::Paypal { email };
            let place = sealing::Place {
                table: "payout_methods",
                column: "details",
                row: id.0,
            };
            let text = serde_json::to_string(&details).unwrap();
            payout_method::Model {
                id,
                partner_id: partners[party],
                kind: details.kind(),
                currency: None,
                masked: details.masked(),
                details: app.app.key_ring.seal(ids, place, &text).unwrap(),
                fingerprint: format!("party{party}of{number}"),
                cooling_off_until: now,
                created_at: now,
                removed_at: None,
            }
        };
        let code_id: PromoCodeId = ids.new_id(now);
        let code = promo_code::Model {
            id: code_id,
            partnership_id: parties[0],
            program_id: like.program_id,
            brand_id: like.brand_id,
            partner_id: partners[0],
            code: Self::code(number),
            code_key: Self::code(number),
            expires_at: None,
            usage_limit: None,
            used_count: 0,
            created_at: now,
        };
        let above = partnership_ancestor::Model {
            descendant_id: parties[0],
            level: 1,
            ancestor_id: parties[1],
        };
        let tx = app.app.db.begin().await.unwrap();
        partner::Entity::insert_many([partner(0), partner(1)].map(IntoActiveModel::into_active_model))
            .exec_without_returning(&tx)
            .await
            .unwrap();
        partnership::Entity::insert_many([partnership(1), partnership(0)].map(IntoActiveModel::into_active_model))
            .exec_without_returning(&tx)
            .await
            .unwrap();
        partnership_ancestor::Entity::insert(above.into_active_model())
            .exec_without_returning(&tx)
            .await
            .unwrap();
        payout_method::Entity::insert_many([method(0), method(1)].map(IntoActiveModel::into_active_model))
            .exec_without_returning(&tx)
            .await
            .unwrap();
        promo_code::Entity::insert(code.into_active_model())
            .exec_without_returning(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Self {
            app: app.clone(),
            stage: Arc::clone(stage),
            number,
            program: stage.programs[usize::from(is_fixed)],
            parties,
            customer: None,
            orders: Vec::new(),
            order_ids: Vec::new(),
            coins: Vec::new(),
            payouts: Vec::new(),
            batches: Vec::new(),
            transfers: Vec::new(),
        }
    }

    /// Remembers what a command made that was done for the first time.
    pub fn keep(&mut self, number: usize, command: &Command, made: Made) {
        match made {
            Made::Nothing => {}
            Made::Order(conversion, order, customer) => {
                self.customer = Some(customer);
                self.orders.push((conversion, order));
                self.order_ids.push(self.order_id(number));
                if let Command::Sell { coin, .. } = command {
                    self.coins.push(*coin);
                }
            }
            Made::Payout(payout) => self.payouts.push(payout),
            Made::Batch(batch, payouts) => {
                self.batches.push(batch);
                self.payouts.extend(payouts.into_iter().flatten());
            }
            Made::Transfer(transfer) => self.transfers.push(transfer),
        }
    }

    pub fn code(number: usize) -> String {
        format!("CODE{number}")
    }

    pub fn customer_id(&self) -> String {
        format!("customer-{}", self.number)
    }

    pub fn order_id(&self, command: usize) -> String {
        format!("order-{}-{command}", self.number)
    }

    /// An order's id, and some of its money.
    pub fn of_order(&self, order: usize, minor: Option<i64>) -> (String, Option<(rust_decimal::Decimal, String)>) {
        let amount = minor.map(|minor| Self::amount(self.coins[order], minor));
        (self.order_ids[order].clone(), amount)
    }

    pub fn amount(coin: Coin, minor: i64) -> (rust_decimal::Decimal, String) {
        (rust_decimal::Decimal::new(minor, 2), coin.code().to_owned())
    }
}
