//! Schedules: what crontab and Debian's cron say, what every zone does to them, and a second opinion on all of it.
//!
//! [`vectors`] are lines with the answers of crontab(5) and Debian's cron, [`croner`] compares us with another library
//! over every zone and every change of clocks from 2000 to 2037, [`properties`] holds for any line, [`zones`] is what
//! they share, [`explain`] is the verb, [`fires`] the daemon.

mod croner;
mod explain;
mod fires;
mod properties;
mod vectors;
mod zones;
