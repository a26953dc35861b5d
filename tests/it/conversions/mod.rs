mod attribution;
mod bad_input;
mod batch;
mod bulk;
mod feed;
mod idempotency;
mod inbox;
mod order_changes;
