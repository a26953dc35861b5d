mod featured;
mod quality;
mod search;
mod shortlists;
mod trust;
