//! The audit trail, for auditors: who used which privilege on whom, and why.

mod events;

pub(crate) use events::events;
