mod feed;
mod threads;
