//! What scaling activities teach of a group: how long its instances take into service, and whether launches fail.
//!
//! Not here: reading them. Invariant: memory is bounded, whatever an account does.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode};
use jiff::Timestamp;

use super::schedule::instant;
use crate::core::load::GroupFinding;
use crate::core::words::since;

/// Launches kept of a group: 40 make the 95th percentile the third slowest.
const MOST: usize = 40;
/// A failure older than this is no news.
const RECENT_SECS: u64 = 3_600;
/// So many failed launches in a row are no accident; AWS tries again by itself.
const IN_A_ROW: u32 = 2;
/// Longest reason that is passed on.
const LONGEST_WHY: usize = 200;
/// How AWS begins what it says of a launch.
const LAUNCHING: &str = "Launching a new EC2 instance";

/// The newest launches of one group, by when they began.
#[derive(Clone, Debug, Default)]
pub(super) struct Launches(BTreeMap<(Timestamp, String), Launch>);

#[derive(Clone, Debug)]
struct Launch {
    ended_at: Timestamp,
    /// Why it failed, if it did.
    failed: Option<String>,
}

impl Launches {
    /// Learns from an activity that is over; the same one again teaches nothing new.
    pub(super) fn learn(&mut self, activity: &Activity) {
        let launching = activity.description.as_deref().is_some_and(|said| said.starts_with(LAUNCHING));
        let failed = match activity.status_code.as_ref().filter(|_| launching) {
            Some(ScalingActivityStatusCode::Successful) => None,
            Some(ScalingActivityStatusCode::Failed | ScalingActivityStatusCode::Cancelled) => {
                Some(activity.status_message.iter().flat_map(|message| message.chars()).take(LONGEST_WHY).collect())
            }
            _ => return,
        };
        let times = (activity.start_time.as_ref().and_then(instant), activity.end_time.as_ref().and_then(instant));
        let (Some(began_at), Some(ended_at)) = times else { return };
        self.0.insert((began_at, activity.activity_id.clone().unwrap_or_default()), Launch { ended_at, failed });
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// The 95th percentile of boots that succeeded, in milliseconds.
    pub(super) fn boot_p95_ms(&self) -> Option<u64> {
        let good = self.0.iter().filter(|(_, launch)| launch.failed.is_none());
        let mut boots: Vec<u64> =
            good.map(|((began_at, _), launch)| since(launch.ended_at, *began_at).as_millis() as u64).collect();
        boots.sort_unstable();
        let place = (boots.len() * 95).div_ceil(100).checked_sub(1)?;
        boots.get(place).copied()
    }

    /// Whether its newest launches failed.
    pub(super) fn failing(&self, now: Timestamp) -> Option<GroupFinding> {
        let newest = self.0.values().rev().take_while(|launch| launch.failed.is_some());
        let recent = newest.filter(|launch| since(now, launch.ended_at).as_secs() <= RECENT_SECS);
        let failed: Vec<&Launch> = recent.collect();
        let last = failed.first().filter(|_| failed.len() as u32 >= IN_A_ROW)?;
        let why = last.failed.clone().unwrap_or_default();
        Some(GroupFinding::LaunchesFail { times: failed.len() as u32, at: last.ended_at, why })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::primitives::DateTime;

    use super::*;

    fn activity(began: i64, took: i64, status: ScalingActivityStatusCode) -> Activity {
        let activity = Activity::builder().activity_id(began.to_string()).description(format!("{LAUNCHING}: i-1"));
        let times = activity.start_time(DateTime::from_secs(began)).end_time(DateTime::from_secs(began + took));
        times.status_code(status).status_message("no capacity").build()
    }

    #[test]
    fn boots_are_learned_once_and_the_newest_forty_count() {
        let mut launches = Launches::default();
        assert_eq!(launches.boot_p95_ms(), None);
        for _ in 0..2 {
            (0..100).for_each(|i| launches.learn(&activity(i * 1_000, 100 + i, ScalingActivityStatusCode::Successful)));
        }
        launches.learn(&activity(200_000, 9_999, ScalingActivityStatusCode::InProgress));
        assert_eq!(launches.0.len(), MOST);
        assert_eq!(launches.boot_p95_ms(), Some(197_000), "the 38th of 160 to 199 s");
    }

    #[test]
    fn two_failures_in_a_row_are_said_and_a_success_ends_them() {
        let mut launches = Launches::default();
        let now = Timestamp::from_second(10_000).unwrap();
        launches.learn(&activity(9_000, 10, ScalingActivityStatusCode::Failed));
        assert_eq!(launches.failing(now), None);
        launches.learn(&activity(9_100, 10, ScalingActivityStatusCode::Failed));
        assert!(matches!(launches.failing(now), Some(GroupFinding::LaunchesFail { times: 2, .. })));
        assert_eq!(launches.failing(Timestamp::from_second(20_000).unwrap()), None, "long ago");
        launches.learn(&activity(9_200, 10, ScalingActivityStatusCode::Successful));
        assert_eq!(launches.failing(now), None);
    }
}
