//! Requests and errors per period and client version, for the gate.
//!
//! A request counts in the period in which it ended. Invariant: a closed period never changes, so pushing it twice
//! says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::core::words::{Name, Version};
use crate::shell::data::PushedCounts;

/// Versions counted apart; they come from clients, and a launch has a handful. Further ones count as `other`.
const MOST_VERSIONS: usize = 16;

/// Periods closed at once after a long pause: longer gaps stay gaps.
const MOST_PERIODS: i64 = 600;

pub(super) struct Ledger {
    from: Name,
    period_ms: i64,
    open: Mutex<Open>,
}

struct Open {
    /// Number of the open period since 1970.
    period: i64,
    /// Requests and errors by version.
    counts: BTreeMap<String, (u64, u64)>,
    /// Versions seen ever: they are reported with zeros, since silence is not the same.
    versions: BTreeSet<String>,
}

impl Ledger {
    pub(super) fn new(from: Name, period: Duration, now: Timestamp) -> Self {
        let period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        // The first period is cut: its beginning was not counted, so it begins with the next.
        let open = Open { period: now.as_millisecond() / period_ms, counts: BTreeMap::new(), versions: BTreeSet::new() };
        Self { from, period_ms, open: Mutex::new(open) }
    }

    /// Counts one request that ended.
    pub(super) fn record(&self, version: &Version, failed: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.versions.contains(version.as_str()) || open.versions.len() < MOST_VERSIONS;
        let name = if known { version.as_str() } else { "other" };
        open.versions.insert(name.into());
        let (requests, errors) = open.counts.entry(name.into()).or_default();
        *requests += 1;
        *errors += u64::from(failed);
    }

    /// The periods that ended until now, oldest first.
    pub(super) fn close(&self, now: Timestamp) -> Vec<PushedCounts> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let current = now.as_millisecond() / self.period_ms;
        let mut closed = Vec::new();
        let first = open.period.max(current.saturating_sub(MOST_PERIODS));
        for period in first..current {
            closed.extend(self.closed(&mut open, period));
        }
        // A clock that was set back leaves the open period open until time has caught up.
        open.period = open.period.max(current);
        closed
    }

    fn closed(&self, open: &mut Open, period: i64) -> Option<PushedCounts> {
        let counts = std::mem::take(&mut open.counts);
        let at = Timestamp::from_millisecond(period.checked_mul(self.period_ms)?).ok()?;
        let mut pushed = PushedCounts { from: self.from.clone(), at, counts: BTreeMap::new() };
        for version in &open.versions {
            let (requests, errors) = counts.get(version).copied().unwrap_or_default();
            pushed.counts.insert(format!("requests.{version}"), requests);
            pushed.counts.insert(format!("errors.{version}"), errors);
        }
        Some(pushed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000_000_000 + millis).unwrap()
    }

    fn shown(pushed: &[PushedCounts]) -> Vec<String> {
        let series = |pushed: &PushedCounts| {
            let counts: Vec<_> = pushed.counts.iter().map(|(name, count)| format!("{name}={count}")).collect();
            format!("{} {}", pushed.at.as_millisecond() - 1_000_000_000_000, counts.join(" "))
        };
        pushed.iter().map(series).collect()
    }

    #[test]
    fn closed_periods_have_every_known_version() {
        let ledger = Ledger::new(Name::new("edge1").unwrap(), Duration::from_secs(1), at(500));
        let version = |text| Version::new(text).unwrap();
        ledger.record(&version("2.2.0"), false);
        ledger.record(&version("2.2.0"), true);
        assert_eq!(ledger.close(at(999)), []);
        assert_eq!(shown(&ledger.close(at(1_000))), ["0 errors.2.2.0=1 requests.2.2.0=2"]);
        ledger.record(&version("2.3.0"), false);
        let zeros = "2000 errors.2.2.0=0 errors.2.3.0=0 requests.2.2.0=0 requests.2.3.0=0";
        let first = "1000 errors.2.2.0=0 errors.2.3.0=0 requests.2.2.0=0 requests.2.3.0=1";
        assert_eq!(shown(&ledger.close(at(3_100))), [first, zeros]);
        assert_eq!(ledger.close(at(200)), [], "the clock was set back");
        assert_eq!(ledger.close(at(3_900)), []);
    }

    #[test]
    fn versions_and_periods_are_bounded() {
        let ledger = Ledger::new(Name::new("edge1").unwrap(), Duration::from_secs(1), at(0));
        (0..1_000).for_each(|n| ledger.record(&Version::new(&format!("1.{n}")).unwrap(), false));
        let closed = ledger.close(at(1_000));
        assert_eq!(closed[0].counts.len(), 2 * (MOST_VERSIONS + 1));
        assert_eq!(closed[0].counts["requests.other"], 1_000 - MOST_VERSIONS as u64);
        assert_eq!(ledger.close(at(86_400_000)).len(), 600);
    }
}
