//! Who may give and take which role.

use entity::brand_member::BrandRole;

/// Whether somebody with a role may make, change and remove people with another. Admins keep their hands off owners, so
/// nobody raises themselves.
#[must_use]
pub fn may_manage(acting: BrandRole, role: BrandRole) -> bool {
    match acting {
        BrandRole::Owner => true,
        BrandRole::Admin => role != BrandRole::Owner,
        BrandRole::Manager | BrandRole::Finance | BrandRole::Analyst | BrandRole::Developer => false,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn only_owners_touch_owners_and_only_admins_anybody_else() {
        for acting in BrandRole::iter() {
            for role in BrandRole::iter() {
                let wanted = acting == BrandRole::Owner || (acting == BrandRole::Admin && role != BrandRole::Owner);
                assert_eq!(may_manage(acting, role), wanted, "{acting:?} {role:?}");
            }
        }
    }
}
