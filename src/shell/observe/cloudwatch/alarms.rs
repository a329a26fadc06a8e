//! What states of alarms say of a checklist's item.
//!
//! Green: all are OK. Red: one is in ALARM. Unknown: one has not enough data, does not exist, or could not be read.
//! Invariant: an item is green only if every alarm was read and is OK.

use std::fmt;

use aws_sdk_cloudwatch::types::StateValue;
use jiff::Timestamp;

use super::account::Alarms;
use super::calls::Alarm;
use crate::core::checklist::Outcome;
use crate::shell::aws::AwsError;

/// Most alarms that are named in a detail.
const MOST_NAMED: usize = 3;
/// Longest reason of AWS that is passed on.
const LONGEST: usize = 160;

/// Why one alarm is not OK.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NotOk {
    /// It is in ALARM.
    InAlarm(Alarm),
    /// It has INSUFFICIENT_DATA, or a state that this version does not know.
    Undecided(Alarm),
    /// There is none of this name.
    Missing { region: String },
    /// It could not be asked for.
    Unread(AwsError),
}

impl fmt::Display for NotOk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InAlarm(alarm) | Self::Undecided(alarm) => {
                write!(f, "is {}{}", alarm.state.as_str(), since(alarm.since))?;
                let reason: String = alarm.reason.chars().take(LONGEST).collect();
                if reason.is_empty() { Ok(()) } else { write!(f, " ({reason})") }
            }
            Self::Missing { region } => write!(f, "does not exist in {region}; look at its name, the region and the account"),
            Self::Unread(error) => write!(f, "could not be read: {error}"),
        }
    }
}

fn since(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!(" since {at}"))
}

/// What the alarms say together; `names` in the order of the document.
pub(in crate::shell::observe) fn verdict(names: &[String], (alarms, region): (&Alarms, &str)) -> (Outcome, String) {
    let (mut bad, mut newest) = (Vec::new(), None);
    for name in names {
        match judged(alarms.get(name), region) {
            Ok(since) => newest = newest.max(since),
            Err(why) => bad.push((name, why)),
        }
    }
    if bad.is_empty() {
        let which = if names.len() == 1 { "1 alarm is OK".into() } else { format!("{} alarms are OK", names.len()) };
        let changed = newest.map_or_else(String::new, |at| format!(", the last change was at {at}"));
        return (Outcome::Green, format!("{which}{changed}"));
    }
    // What is red comes first: it is what stops the launch.
    bad.sort_by_key(|(_, why)| !matches!(why, NotOk::InAlarm(_)));
    let is_red = bad.iter().any(|(_, why)| matches!(why, NotOk::InAlarm(_)));
    let named: Vec<String> = bad.iter().take(MOST_NAMED).map(|(name, why)| format!("{name} {why}")).collect();
    let more = bad.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} more are not OK") };
    (if is_red { Outcome::Red } else { Outcome::Unknown }, format!("{}{more}", named.join("; ")))
}

/// Since when an alarm is OK, or why it is not.
fn judged(alarm: Option<&Result<Option<Alarm>, AwsError>>, region: &str) -> Result<Option<Timestamp>, NotOk> {
    match alarm {
        Some(Ok(Some(alarm))) => match alarm.state {
            StateValue::Ok => Ok(alarm.since),
            StateValue::Alarm => Err(NotOk::InAlarm(alarm.clone())),
            _ => Err(NotOk::Undecided(alarm.clone())),
        },
        Some(Ok(None)) => Err(NotOk::Missing { region: region.to_owned() }),
        Some(Err(error)) => Err(NotOk::Unread(error.clone())),
        None => Err(NotOk::Unread(AwsError::Unreachable { operation: "DescribeAlarms", cause: "it was not asked".into() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(state: &str) -> Option<Alarm> {
        let since = Some("2026-01-01T00:00:00Z".parse().ok()?);
        Some(Alarm { state: StateValue::from(state), reason: "because".into(), since })
    }

    #[test]
    fn only_alarms_that_are_all_ok_are_green() {
        let denied = AwsError::Expired { operation: "DescribeAlarms", code: "ExpiredToken".into() };
        let alarms = Alarms::from([
            ("a".to_owned(), Ok(alarm("OK"))),
            ("b".to_owned(), Ok(alarm("OK"))),
            ("in".to_owned(), Ok(alarm("ALARM"))),
            ("few".to_owned(), Ok(alarm("INSUFFICIENT_DATA"))),
            ("new".to_owned(), Ok(alarm("NEW_STATE"))),
            ("gone".to_owned(), Ok(None)),
            ("unread".to_owned(), Err(denied)),
        ]);
        let check = |names: &[&str], outcome: Outcome, says: &str| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let (found, detail) = verdict(&names, (&alarms, "us-west-2"));
            assert!(found == outcome && detail.contains(says), "{names:?}: {found:?} {detail}");
        };
        check(&["a", "b"], Outcome::Green, "2 alarms are OK, the last change was at 2026-01-01T00:00:00Z");
        check(&["a"], Outcome::Green, "1 alarm is OK");
        check(&["a", "few", "in"], Outcome::Red, "in is ALARM since 2026-01-01T00:00:00Z (because); few is INSUFFICIENT_DATA");
        check(&["a", "few"], Outcome::Unknown, "few is INSUFFICIENT_DATA since");
        check(&["new"], Outcome::Unknown, "new is NEW_STATE");
        check(&["gone"], Outcome::Unknown, "gone does not exist in us-west-2");
        check(&["unread"], Outcome::Unknown, "credentials have expired");
        check(&["never asked"], Outcome::Unknown, "could not be read");
        check(&["gone", "few", "new", "unread", "in"], Outcome::Red, "; and 2 more are not OK");
    }
}
