//! What `tminus demo` needs beside the real daemon: a content origin, a caching edge and a client swarm.
//!
//! Everything here is a real process or socket on loopback; nothing of it is used in production.
//! Reading order: [`scene`] has every constant of the story, then [`origin`], [`edge`], [`swarm`]; [`leash`] ends them.

pub mod demo;
mod dice;
pub mod edge;
mod http;
pub mod leash;
mod objects;
pub mod origin;
pub mod scene;
mod server;
pub mod swarm;
