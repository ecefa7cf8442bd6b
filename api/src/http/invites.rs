//! Invites of spaces: handing them out, taking them back, coming in by them.

mod create;
mod list;
mod pause;
mod redeem;
mod redeem_by_path;
mod revoke;

pub(crate) use create::create;
pub(crate) use list::list;
pub(crate) use pause::pause;
pub(crate) use redeem::redeem;
pub(crate) use redeem_by_path::redeem_by_path;
pub(crate) use revoke::revoke;
