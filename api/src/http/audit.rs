//! For auditors: who used which privilege on whom and why, and what a channel was like at any moment.

mod channel_at;
mod events;

pub(crate) use channel_at::channel_at;
pub(crate) use events::events;
