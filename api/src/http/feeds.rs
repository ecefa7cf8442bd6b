//! Feeds: what is said in many channels, in one ranking that stays the same from page to page.

mod discover;
mod home;
mod of_space;
mod posts;

pub(crate) use discover::discover;
pub(crate) use home::home;
pub(crate) use of_space::of_space;
pub(crate) use posts::posts;
