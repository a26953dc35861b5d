//! Links, clicks and promo codes.
pub mod clicks;
