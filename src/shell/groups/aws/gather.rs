//! Looks at single groups that come together, asked for by the hundred: a launch of many groups looks at each of them just
//! before it is changed.
//!
//! Whoever comes first waits a moment for the others and asks for all. Invariant: everybody is answered, by that one call.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_autoscaling::types::AutoScalingGroup;
use tokio::sync::oneshot;

use super::calls::{Calls, GROUPS_A_CALL};
use crate::shell::aws::AwsError;

/// How long the first one waits for the others.
const MOMENT: Duration = Duration::from_millis(20);

/// A group, if it exists.
type Answer = Result<Option<AutoScalingGroup>, AwsError>;

/// See the module.
#[derive(Default)]
pub(super) struct Gather {
    waiting: Mutex<Vec<(String, oneshot::Sender<Answer>)>>,
}

impl Gather {
    /// One group as it is now.
    pub(super) async fn group(&self, calls: &Calls, there: &str) -> Answer {
        let (sender, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((there.to_owned(), sender));
            waiting.len() == 1
        };
        if is_first {
            tokio::time::sleep(MOMENT).await;
            self.ask(calls).await;
        }
        // The daemon stops, and with it whoever was to ask.
        let stopped = |_| AwsError::Unreachable { operation: "DescribeAutoScalingGroups", cause: "it was not asked".into() };
        answer.await.map_err(stopped)?
    }

    async fn ask(&self, calls: &Calls) {
        let mut waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(GROUPS_A_CALL));
            let names: Vec<String> = waiting.iter().map(|(there, _)| there.clone()).collect();
            let answer = calls.groups(&names).await;
            for (there, sender) in std::mem::replace(&mut waiting, rest) {
                let is_it = |group: &&AutoScalingGroup| group.auto_scaling_group_name.as_ref() == Some(&there);
                // Whoever does not wait any more needs no answer.
                let _ = sender.send(answer.as_ref().map(|groups| groups.iter().find(is_it).cloned()).map_err(Clone::clone));
            }
        }
    }
}
