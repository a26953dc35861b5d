mod creators;
mod featured;
mod matching;
mod quality;
mod saved_searches;
mod search;
mod shortlists;
mod trust;
