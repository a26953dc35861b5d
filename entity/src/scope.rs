//! Tenant scoping: the ordinary way to a row is through the brands and partners the caller may reach.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Select, sea_query::Expr};

use crate::ids::{BrandId, PartnerId};

/// The tenants whose rows a caller can see at all. What they may do there is the API's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The platform itself: every row.
    pub everything: bool,
    pub brands: Vec<BrandId>,
    pub partners: Vec<PartnerId>,
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

/// A table whose rows belong to a brand, and some of them to a partner too.
pub trait TenantScoped: EntityTrait {
    fn brand_column() -> Self::Column;

    /// The column naming the partner who shares the row with its brand, where there is one.
    fn partner_column() -> Option<Self::Column> {
        None
    }

    /// Rows within reach; a row outside is as if it did not exist.
    fn find_within(reach: &Reach) -> Select<Self> {
        if reach.everything {
            return Self::find();
        }
        let mut mine = Condition::any();
        if !reach.brands.is_empty() {
            mine = mine.add(Self::brand_column().is_in(reach.brands.iter().copied()));
        }
        if let Some(partner) = Self::partner_column()
            && !reach.partners.is_empty()
        {
            mine = mine.add(partner.is_in(reach.partners.iter().copied()));
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
