//! SeaORM entities of Tributary: one file a table, typed ids and tenant-scoped finders.
//!
//! Knows no other crate of ours. Amounts are integers in minor units, rates integer parts per million,
//! timestamps UTC at microseconds.

pub mod ids;
pub mod scope;

pub mod account_link;
pub mod admission_policy;
pub mod api_key;
pub mod application;
pub mod audit_entry;
pub mod brand;
pub mod brand_member;
pub mod capture;
pub mod chargeback;
pub mod click;
pub mod commission;
pub mod commission_rule;
pub mod conversion;
pub mod conversion_touch;
pub mod creator_mark;
pub mod customer;
pub mod customer_binding;
pub mod idempotency_key;
pub mod installation_secret;
pub mod job;
pub mod lease;
pub mod ledger_account;
pub mod ledger_entry;
pub mod ledger_transfer;
pub mod listing;
pub mod listing_mark;
pub mod mail;
pub mod member_invitation;
pub mod message;
pub mod message_thread;
pub mod order;
pub mod order_amendment;
pub mod order_line;
pub mod outbox_event;
pub mod partner;
pub mod partner_group;
pub mod partner_member;
pub mod partner_trust;
pub mod partnership;
pub mod partnership_ancestor;
pub mod payout;
pub mod payout_item;
pub mod periodic_run;
pub mod program;
pub mod program_invitation;
pub mod program_terms;
pub mod program_trust;
pub mod promo_code;
pub mod questionnaire;
pub mod referral_level;
pub mod refund;
pub mod refund_line;
pub mod refused_event;
pub mod saved_search;
pub mod saved_search_hit;
pub mod search_place;
pub mod session;
pub mod terms_acceptance;
pub mod terms_offer;
pub mod thread_read;
pub mod tracking_link;
pub mod trust_day;
pub mod trust_earning;
pub mod trust_progress;
pub mod trust_stale_day;
pub mod trust_wait;
pub mod used_refresh_token;
pub mod user;

pub use scope::{Reach, TenantScoped};
