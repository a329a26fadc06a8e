//! The one integration binary: behaviour from the outside, by room.
#![allow(missing_docs)]
#![expect(clippy::unwrap_used, reason = "the exemption for tests does not reach the functions that tests share")]

mod decision;
mod documents;
mod groups;
mod notify;
mod primer;
mod release_states;
mod store;
mod tidy;
