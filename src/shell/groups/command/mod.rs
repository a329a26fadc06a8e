//! Groups by the user's own executables: any provider that ten lines of a script can describe and set.
//!
//! `answer` reads what `describe` prints, `slot` runs the programs of one group, `groups` has them all. Not here: what a
//! floor means at that provider; that is the script's.

mod answer;
mod groups;
mod slot;

pub use groups::CommandGroups;
