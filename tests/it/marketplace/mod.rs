mod search;
mod shortlists;
