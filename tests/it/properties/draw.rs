//! How sequences are drawn, and what is drawn how often.

use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any},
    prop_oneof,
};

use super::operations::{Coin, Fee, News, Op, Part, Pick, Rail, Spot};

/// Steps of a sequence, at the most.
const LENGTH: usize = 20;
/// A future is dropped after it has waited this often, at the most; most operations are over before.
const PATIENCE: u8 = 14;

/// How something is delivered.
#[derive(Clone, Copy, Debug)]
pub enum Delivery {
    Once,
    Twice,
    /// Twice at once.
    Doubled,
    /// With something else at once.
    With(Op),
    /// Whoever does it dies when it has waited so often; then it is delivered again.
    Crash(u8),
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub op: Op,
    pub delivery: Delivery,
}

impl Step {
    fn once(op: Op) -> Self {
        Self {
            op,
            delivery: Delivery::Once,
        }
    }
}

/// A seller's life.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// In the program that pays a fixed amount for a sale.
    pub is_fixed: bool,
    pub steps: Vec<Step>,
}

fn strays() -> impl Strategy<Value = bool> {
    prop_oneof![9 => Just(false), 1 => Just(true)]
}

fn pick() -> impl Strategy<Value = Pick> {
    (0..8_u8, strays()).prop_map(|(place, strays)| Pick { place, strays })
}

fn spot() -> impl Strategy<Value = Spot> {
    let party = prop_oneof![3 => Just(0_usize), 1 => Just(1)];
    (party, coin(), strays()).prop_map(|(party, coin, strays)| Spot { party, coin, strays })
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => Just(Part::All),
        6 => (1..1_000_i64).prop_map(Part::PerMille),
        1 => Just(Part::TooMuch),
    ]
}

fn coin() -> impl Strategy<Value = Coin> {
    prop_oneof![6 => Just(Coin::Eur), 2 => Just(Coin::Usd)]
}

fn rail() -> impl Strategy<Value = Rail> {
    prop_oneof![1 => Just(Rail::Person), 2 => Just(Rail::Provider)]
}

/// Mostly in one currency: only then is a part of it given back.
fn fee_coin() -> impl Strategy<Value = Coin> {
    prop_oneof![9 => Just(Coin::Eur), 1 => Just(Coin::Usd)]
}

fn fee() -> impl Strategy<Value = Fee> {
    (fee_coin(), 1..60_i64).prop_map(|(coin, minor)| Fee { coin, minor })
}

/// A fee that is known may be kept whole, in part, or not at all.
fn kept() -> impl Strategy<Value = Fee> {
    (fee_coin(), prop_oneof![Just(0), 1..60_i64]).prop_map(|(coin, minor)| Fee { coin, minor })
}

fn news() -> impl Strategy<Value = News> {
    prop_oneof![
        1 => Just(News::Waiting),
        5 => option::weighted(0.8, fee()).prop_map(|fee| News::Paid { fee }),
        1 => Just(News::Failed),
        3 => option::weighted(0.8, kept()).prop_map(|kept| News::Returned { kept }),
    ]
}

/// Small ones, which leave much to rounding, and such as payouts are made of.
fn sale() -> impl Strategy<Value = Op> {
    let minor = prop_oneof![1 => 1..200_i64, 3 => 4_000..40_000_i64];
    let coin = prop_oneof![12 => Just(Coin::Eur), 4 => Just(Coin::Usd), 1 => Just(Coin::Gbp)];
    (coin, minor).prop_map(|(coin, minor)| Op::Sell { coin, minor })
}

fn op() -> impl Strategy<Value = Op> {
    let sales = prop_oneof![
        6 => sale(),
        4 => pick().prop_map(Op::Approve),
        2 => pick().prop_map(Op::Reject),
        5 => (pick(), part()).prop_map(|(pick, part)| Op::Refund(pick, part)),
        4 => (pick(), 0..3_u8, part()).prop_map(|(pick, reference, part)| Op::ChargeBack(pick, reference, part)),
        4 => (pick(), 0..3_u8, any::<bool>()).prop_map(|(pick, reference, won)| Op::Resolve(pick, reference, won)),
        2 => (pick(), part()).prop_map(|(pick, part)| Op::Penalise(pick, part)),
    ];
    let balances = prop_oneof![
        2 => (1..=3_i64).prop_map(Op::Wait),
        3 => Just(Op::ReleaseDue),
        3 => spot().prop_map(Op::ReleaseNow),
        3 => (spot(), 1..3_000_i64).prop_map(|(spot, minor)| Op::Adjust(spot, minor)),
        3 => (spot(), 1..3_000_i64).prop_map(|(spot, minor)| Op::Adjust(spot, -minor)),
        3 => (spot(), part()).prop_map(|(spot, part)| Op::WriteOff(spot, part)),
        4 => (spot(), part()).prop_map(|(spot, part)| Op::Request(spot, part)),
        6 => pick().prop_map(Op::Give),
        1 => pick().prop_map(Op::Refuse),
        6 => (spot(), part()).prop_map(|(spot, part)| Op::Redeem(spot, part)),
        1 => (rail(), coin(), 1..9_000_i64).prop_map(|(rail, coin, minor)| Op::Fund(rail, coin, minor)),
    ];
    let payouts = prop_oneof![
        4 => (spot(), rail()).prop_map(|(spot, rail)| Op::Draft(spot, rail)),
        3 => spot().prop_map(Op::DraftBoth),
        12 => (pick(), news()).prop_map(|(pick, news)| Op::Proceed(pick, news)),
        8 => (pick(), news()).prop_map(|(pick, news)| Op::Hear(pick, news)),
        1 => pick().prop_map(Op::ApprovePayout),
        1 => pick().prop_map(Op::ApproveBatch),
        1 => pick().prop_map(Op::SubmitBatch),
        1 => pick().prop_map(Op::CancelBatch),
        2 => pick().prop_map(Op::Cancel),
        1 => pick().prop_map(Op::MarkPaid),
        1 => pick().prop_map(Op::MarkUnpaid),
    ];
    prop_oneof![
        8 => sales,
        6 => balances,
        12 => payouts,
        2 => any::<u8>().prop_map(Op::Again),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let delivery = prop_oneof![
        8 => Just(Delivery::Once),
        1 => Just(Delivery::Twice),
        1 => Just(Delivery::Doubled),
        3 => op().prop_map(Delivery::With),
        3 => (0..PATIENCE).prop_map(Delivery::Crash),
    ];
    (op(), delivery).prop_map(|(op, delivery)| Step { op, delivery })
}

pub fn sequence() -> impl Strategy<Value = Sequence> {
    let is_fixed = prop_oneof![3 => Just(false), 1 => Just(true)];
    // Most of what may happen needs something that was earned.
    let beginning = vec(sale(), 0..=2).prop_map(|sales| {
        let earned = |op| [op, Op::Approve(Pick::FIRST)].map(Step::once);
        sales.into_iter().flat_map(earned).collect::<Vec<Step>>()
    });
    let steps = (beginning, vec(step(), 1..=LENGTH)).prop_map(|(beginning, steps)| [beginning, steps].concat());
    (is_fixed, steps).prop_map(|(is_fixed, steps)| Sequence { is_fixed, steps })
}
