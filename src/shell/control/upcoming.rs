//! When a priming policy runs next, as status shows it.
//!
//! Nothing is decided here: the decision says when, this puts it on people's clocks.

use jiff::Timestamp;

use super::reading::Reading;
use super::status::{CoverageStatus, PollStatus, ScheduleStatus};
use crate::core::calendar::Schedule;
use crate::core::priming::Upcoming;
use crate::core::words::{Name, since};

impl Reading<'_> {
    /// Puts schedule and polls of a policy into its status.
    pub(super) fn with_upcoming(self, policy: &Name, status: CoverageStatus) -> CoverageStatus {
        let upcoming = self.view.decision.primings.get(policy).copied().unwrap_or_default();
        let document = self.view.snapshot.config.primings.get(policy);
        let schedule = document.and_then(|document| document.schedule.as_ref());
        let polled_at = upcoming.poll.and_then(|poll| poll.at);
        CoverageStatus {
            schedule: schedule.map(|schedule| self.schedule(schedule, upcoming)),
            poll: upcoming.poll.map(|poll| PollStatus {
                every_secs: poll.every.as_secs(),
                tightened_from: poll.tightened_from.map(|from| from.to_string()),
                next_at: poll.at,
            }),
            began_at: upcoming.began_at,
            next_run_at: upcoming.scheduled_at.into_iter().chain(polled_at).min(),
            ..status
        }
    }

    fn schedule(self, schedule: &Schedule, upcoming: Upcoming) -> ScheduleStatus {
        let next = upcoming.scheduled_at;
        ScheduleStatus {
            cron: schedule.line().text().into(),
            time_zone: schedule.zone_name().into(),
            description: schedule.line().description(),
            next_at: next,
            next_local: next.map(|next| on_clocks(schedule, (next, self.now))),
            next_in_secs: next.map(|next| since(next, self.now).as_secs()),
        }
    }

    /// Policies with a schedule.
    pub(super) fn scheduled(self) -> Vec<CoverageStatus> {
        let policies = self.view.snapshot.config.primings.values().filter(|policy| policy.schedule.is_some());
        policies.map(|policy| self.coverage(&policy.name)).collect()
    }
}

/// `03:30 PST`; with the day when that is another one than today's in the zone.
fn on_clocks(schedule: &Schedule, (next, now): (Timestamp, Timestamp)) -> String {
    let (next, now) = (next.to_zoned(schedule.zone().clone()), now.to_zoned(schedule.zone().clone()));
    let form = if next.date() == now.date() { "%H:%M %Z" } else { "%a %Y-%m-%d %H:%M %Z" };
    next.strftime(form).to_string()
}
