//! Search: what every engine must answer, that the index follows the rows, whoever keeps it, and how well real
//! names are found.

mod contract;
mod engines;
mod index;
mod meilisearch;
mod real_names;
mod shared;
