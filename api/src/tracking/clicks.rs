//! Clicks wait here.
#[derive(Default)]
pub struct ClickQueue;
