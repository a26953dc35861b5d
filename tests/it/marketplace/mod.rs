mod search;
mod shortlists;
mod trust;
