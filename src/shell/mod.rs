//! Effects, thin: files, sockets, processes, the store. Two rooms here do not call each other except through the daemon.

pub mod aws;
pub mod child;
pub mod clock;
pub mod control;
pub mod daemon;
pub mod data;
pub mod decision;
pub mod groups;
pub mod lock;
pub mod notify;
pub mod observe;
pub mod primer;
pub mod report;
pub mod settings;
pub mod spec;
pub mod store;
pub mod telemetry;
