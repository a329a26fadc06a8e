//! The daemon under a service manager: sockets that are handed over, what it tells, and restarts that nobody notices.
//!
//! [`manager`] plays the manager with a shell and a datagram socket, so that none has to run.

mod board;
mod handover;
mod manager;
mod restart;
mod rig;
mod service;
