//! Tenant scoping: the ordinary way to a row is through the brands and partners the caller may reach.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Select, sea_query::Expr};

use crate::api_key::ApiKeyMode;
use crate::ids::{BrandId, PartnerId};

/// The tenants whose rows a caller can see at all. What they may do there is the API's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The platform itself: every row.
    pub everything: bool,
    pub brands: Vec<BrandId>,
    pub partners: Vec<PartnerId>,
    /// Brands of whose rows only those for trying things out are seen.
    pub tests_of: Vec<BrandId>,
}

impl Reach {
    #[must_use]
    pub fn of_brand(brand: BrandId) -> Self {
        Self {
            brands: vec![brand],
            ..Self::default()
        }
    }

    #[must_use]
    pub fn of_partner(partner: PartnerId) -> Self {
        Self {
            partners: vec![partner],
            ..Self::default()
        }
    }
}

/// A table whose rows belong to a brand, and some of them to a partner too. Where some only try things out, they are found
/// by nobody who does not ask for them.
pub trait TenantScoped: EntityTrait {
    fn brand_column() -> Self::Column;

    /// The column naming the partner who shares the row with its brand, where there is one.
    fn partner_column() -> Option<Self::Column> {
        None
    }

    /// The column that tells what counts from what only tries things out, where there is one.
    fn mode_column() -> Option<Self::Column> {
        None
    }

    /// Rows within reach that count; a row outside is as if it did not exist.
    fn find_within(reach: &Reach) -> Select<Self> {
        Self::of_mode(Self::find_within_any_mode(reach), ApiKeyMode::Live)
    }

    /// Rows that count, whosever they are.
    fn find_live() -> Select<Self> {
        Self::of_mode(Self::find(), ApiKeyMode::Live)
    }

    /// Of rows, those of one mode.
    fn of_mode(rows: Select<Self>, mode: ApiKeyMode) -> Select<Self> {
        match Self::mode_column() {
            Some(column) => rows.filter(column.eq(mode)),
            None => rows,
        }
    }

    /// Rows within reach whether they count or not, for whoever names the row. What a brand tries is not its partners' to
    /// see.
    fn find_within_any_mode(reach: &Reach) -> Select<Self> {
        if reach.everything {
            return Self::find();
        }
        let mut mine = Condition::any();
        if let Some(mode) = Self::mode_column()
            && !reach.tests_of.is_empty()
        {
            let tests = Condition::all()
                .add(mode.eq(ApiKeyMode::Test))
                .add(Self::brand_column().is_in(reach.tests_of.iter().copied()));
            mine = mine.add(tests);
        }
        if !reach.brands.is_empty() {
            mine = mine.add(Self::brand_column().is_in(reach.brands.iter().copied()));
        }
        if let Some(partner) = Self::partner_column()
            && !reach.partners.is_empty()
        {
            let partner = Condition::all().add(partner.is_in(reach.partners.iter().copied()));
            mine = mine.add(match Self::mode_column() {
                Some(mode) => partner.add(mode.eq(ApiKeyMode::Live)),
                None => partner,
            });
        }
        if mine.is_empty() {
            mine = mine.add(Expr::cust("1 = 0"));
        }
        Self::find().filter(mine)
    }
}

macro_rules! tenant_scoped {
    (brand) => {
        impl crate::TenantScoped for Entity {
            fn brand_column() -> Column {
                Column::BrandId
            }
        }
    };
    (brand, mode) => {
        impl crate::TenantScoped for Entity {
            fn brand_column() -> Column {
                Column::BrandId
            }
            fn mode_column() -> Option<Column> {
                Some(Column::Mode)
            }
        }
    };
    (brand, partner, mode) => {
        impl crate::TenantScoped for Entity {
            fn brand_column() -> Column {
                Column::BrandId
            }
            fn partner_column() -> Option<Column> {
                Some(Column::PartnerId)
            }
            fn mode_column() -> Option<Column> {
                Some(Column::Mode)
            }
        }
    };
    (brand, partner) => {
        impl crate::TenantScoped for Entity {
            fn brand_column() -> Column {
                Column::BrandId
            }
            fn partner_column() -> Option<Column> {
                Some(Column::PartnerId)
            }
        }
    };
}

pub(crate) use tenant_scoped;
