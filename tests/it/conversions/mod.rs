mod attribution;
mod bad_input;
mod batch;
mod feed;
mod idempotency;
