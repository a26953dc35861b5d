//! Search: what every engine must answer, that the index follows the rows, and how well real names are found.

mod contract;
mod engines;
mod index;
mod real_names;
