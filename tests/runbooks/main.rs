//! The incident runbooks, carried out: each test makes the incident, lets an operator do what the page says, command by command, and looks
//! at what became of it. A page that no longer works is a failing test.

mod drift;
mod lag;
mod operator;
mod page;
mod poison;
mod rebuild;
mod restore;
mod sqlite;
