//! Seeded worlds around the core: everything goes wrong for a day and a half, and no invariant may break; then everything is
//! mended, and all must come to its end.
//!
//! [`options`] draws a world and [`script`] what happens in it; [`run`] turns the clock, [`daemon`] decides through the core
//! and [`journal`] keeps it, [`world`] answers; [`watch`], [`exposure`], [`oracle`] and [`healed`] look for what is wrong;
//! [`seeds`] and [`shrink`] say so.

#![expect(clippy::cast_possible_wrap, reason = "counts and seconds of a world stay far below the half of their range")]
#![expect(clippy::struct_excessive_bools, reason = "each is a trouble that a world has or has not")]
#![expect(clippy::match_same_arms, reason = "what a world does not know it keeps")]

mod counts;
mod daemon;
mod documents;
pub mod draw;
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
