//! All scheduled actions of an account, read page by page, over several looks where one is too short for them.
//!
//! Not here: how long what was read counts. Invariant: what is not read to the end is not known, and not begun again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::calls::{Calls, MOST_PAGES};
use crate::shell::aws::AwsError;

pub(super) type Action = aws_sdk_autoscaling::types::ScheduledUpdateGroupAction;

/// By group there.
pub(super) type Actions = BTreeMap<String, Vec<Action>>;

/// See the module.
#[derive(Default)]
pub(super) struct Reading {
    /// How many writes there had been when it began.
    pub(super) writes: u64,
    /// Pages so far.
    pub(super) pages: usize,
    actions: Actions,
    /// Where the next page begins.
    token: Option<String>,
}

impl Reading {
    pub(super) fn new(writes: u64) -> Self {
        Self { writes, ..Self::default() }
    }

    /// Reads on for so long at most; all of them, or this reading so far.
    pub(super) async fn go_on(mut self, calls: &Calls, (began, within): (Instant, Duration)) -> Result<Read, AwsError> {
        while self.pages < MOST_PAGES {
            let left = within.saturating_sub(began.elapsed());
            let page = calls.actions_page(None, self.token.as_ref());
            let Ok(page) = tokio::time::timeout(left, page).await else { return Ok(Read::Partly(self)) };
            let (actions, token) = page?;
            self.pages += 1;
            for action in actions {
                self.actions.entry(action.auto_scaling_group_name.clone().unwrap_or_default()).or_default().push(action);
            }
            match token {
                None => return Ok(Read::Whole(self.actions, self.pages)),
                token => self.token = token,
            }
        }
        let cause = format!("there are more than {MOST_PAGES} pages of scheduled actions in this account");
        Err(AwsError::Unreachable { operation: "DescribeScheduledActions", cause })
    }
}

/// What a reading came to.
pub(super) enum Read {
    Whole(Actions, usize),
    Partly(Reading),
}
