//! Amazon CloudWatch: numbers by the five hundred series, and states of alarms by the hundred.
//!
//! [`clouds`] has every account, [`account`] gathers what is asked of one within a moment and asks once for it, [`calls`] is
//! every operation that is used, [`grid`] which periods CloudWatch has, [`kept`] what was read of one series and what is to
//! be read next, [`wanted`] what a query wants of it, [`trouble`] why something was not read, [`alarms`] what states of
//! alarms say. Invariants: a period counts as read only where CloudWatch said that it told all of it; calls grow with the
//! number of series by a five-hundredth.

mod account;
mod alarms;
mod calls;
mod clouds;
mod grid;
mod kept;
mod trouble;
mod wanted;

pub(super) use alarms::verdict;
pub use clouds::Clouds;
pub(super) use wanted::{Wanted, filled};
