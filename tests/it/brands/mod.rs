mod api_keys;
mod create;
mod members;
