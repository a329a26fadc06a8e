//! Simulated days through the pure core, with golden transcripts: the stories that tminus was made for.
//!
//! A scenario is a text file in `tests/scenarios/`. [`script`] is its form, [`words`] reads a command, [`stage`] carries
//! commands out on a virtual clock, [`world`] is what the core sees and acts on ([`group`], [`cache`], [`traffic`] are
//! its parts), [`show`] writes what people would see, [`difference`] compares it with the file, [`play`] runs all of
//! them. Every decision passes the checker, is made twice, and has to come to rest.
//! Not here: the shell; a scenario has no sockets, no sleeping, and no time but the script's.

mod ask;
mod cache;
mod difference;
mod group;
mod order;
mod play;
mod script;
mod show;
mod stage;
mod status;
mod traffic;
mod words;
mod world;
