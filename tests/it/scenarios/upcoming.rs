//! `upcoming POLICY`: when a priming policy runs next, on the clocks of its schedule.

use tminus::core::priming::{NextPoll, Upcoming};
use tminus::core::words::{Name, format_duration, local};

use super::stage::Stage;

/// One line; the schedule first.
pub(super) fn lines(stage: &Stage, policy: &Name) -> Result<Vec<String>, String> {
    let decision = stage.last.as_ref().ok_or("nothing was decided yet")?;
    let Upcoming { running, scheduled_at, poll, .. } =
        decision.primings.get(policy).ok_or(format!("there is no priming policy {policy}"))?;
    let schedule = stage.config.primings.get(policy).and_then(|policy| policy.schedule.as_ref());
    let fires = schedule.zip(*scheduled_at).map(|(schedule, at)| local(at, Some(schedule.zone_name())));
    let polls = poll.map(|NextPoll { every, tightened_from, .. }| {
        let since = tightened_from.map_or(String::new(), |from| format!(" since {from}"));
        format!("polls every {}{since}", format_duration(every))
    });
    let runs = running.then(|| "a run goes on".to_owned());
    let said: Vec<_> = [fires.map(|fires| format!("next {fires}")), polls, runs].into_iter().flatten().collect();
    Ok(vec![format!("{policy}: {}", if said.is_empty() { "nothing is due".into() } else { said.join("; ") })])
}
