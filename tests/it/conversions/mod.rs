mod attribution;
mod bad_input;
mod feed;
mod idempotency;
mod order_changes;
