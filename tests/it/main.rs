//! The one integration binary: behaviour from the outside, by room.
#![allow(missing_docs)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "the exemption for tests does not reach the functions that tests share")]

mod agilemd;
mod aws;
mod calendar;
mod control;
mod crash;
mod daemon;
mod decide;
mod decision;
mod deploy;
mod docs;
mod documents;
mod forecast;
mod gate;
mod groups;
mod guardrails;
mod lab;
mod notify;
mod observe;
mod pages;
mod primer;
mod recovery;
mod release_states;
mod scenarios;
mod simulator;
mod store;
mod throttle;
mod tidy;
