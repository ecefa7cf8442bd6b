//! People, as others see them and as they see themselves. Accounts, passwords and sessions are in `accounts`.

mod block;
mod blocks;
mod change_me;
mod lookup;
mod prove_identity;
mod read;
mod read_me;
mod remove_identity;
mod unblock;

pub(crate) use block::block;
pub(crate) use blocks::blocks;
pub(crate) use change_me::change_me;
pub(crate) use lookup::lookup;
pub(crate) use prove_identity::prove_identity;
pub(crate) use read::read;
pub(crate) use read_me::read_me;
pub(crate) use remove_identity::remove_identity;
pub(crate) use unblock::unblock;
