mod api_keys;
mod audit_log;
mod create;
mod members;
