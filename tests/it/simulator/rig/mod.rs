//! Seeded worlds around the core: everything goes wrong for a day and a half, and no invariant may break; then everything is
//! mended, and all must come to its end.
//!
//! [`options`] draws a world and [`script`] what happens in it; [`run`] turns the clock, [`daemon`] decides through the core
//! and [`journal`] keeps it, [`world`] answers; [`watch`], [`exposure`], [`oracle`] and [`healed`] look for what is wrong;
//! [`seeds`] and [`shrink`] say so.

mod counts;
mod daemon;
mod documents;
mod draw;
mod edits;
mod exposure;
mod group;
mod healed;
mod journal;
pub mod options;
mod oracle;
mod people;
pub mod run;
pub mod script;
pub mod seeds;
mod show;
mod shrink;
mod tally;
mod trace;
mod watch;
mod world;
