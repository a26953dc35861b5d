//! `node` and `nodes`: any object by its global id.
