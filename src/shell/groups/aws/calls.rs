//! Every operation of AWS that is used, by page and in batches. `deploy/aws/policy.json` allows these and no others, which
//! a test compares.
//!
//! Not here: when to call. Invariants: nothing but `MinSize` is ever set; pages are bounded, whatever AWS says.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{
    Activity, AutoScalingGroup, FailedScheduledUpdateGroupActionRequest, InstanceRefresh, LifecycleState,
    ScheduledUpdateGroupAction, ScheduledUpdateGroupActionRequest,
};

use crate::shell::aws::{AwsError, Credentials, Patience, reach};
use crate::shell::spec::AwsAccount;

/// Most groups that one call describes.
pub(super) const GROUPS_A_CALL: usize = 100;
/// Most scheduled actions that one call writes.
pub(super) const ACTIONS_A_CALL: usize = 50;
/// What a page holds at most.
const PAGE: i32 = 100;
/// Pages that are read: as many scheduled actions as AWS keeps for 500 groups, 125 each.
pub(super) const MOST_PAGES: usize = 625;

/// A client, and its patience.
pub(super) struct Calls {
    pub(super) client: Client,
    pub(super) patience: Patience,
}

/// A client for one account. Only Auto Scaling lives at an endpoint of its own.
pub(super) async fn connect(account: &AwsAccount, credentials: Credentials) -> Client {
    let config = aws_sdk_autoscaling::config::Builder::from(&reach(account, credentials).await);
    let config = match &account.endpoint {
        Some(endpoint) => config.endpoint_url(endpoint),
        None => config,
    };
    Client::from_conf(config.build())
}

impl Calls {
    /// Groups by their names, at most [`GROUPS_A_CALL`]; those that do not exist are not among them.
    pub(super) async fn groups(&self, names: &[String]) -> Result<Vec<AutoScalingGroup>, AwsError> {
        let (mut groups, mut token) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let ask = || {
                let call = self.client.describe_auto_scaling_groups().set_auto_scaling_group_names(Some(names.to_vec()));
                call.max_records(PAGE).set_next_token(token.clone()).send()
            };
            let page = self.patience.call("DescribeAutoScalingGroups", ask).await?;
            groups.extend(page.auto_scaling_groups.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(groups)
    }

    /// All scheduled actions of a group.
    pub(super) async fn actions(&self, group: &str) -> Result<Vec<ScheduledUpdateGroupAction>, AwsError> {
        let (mut actions, mut token) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let (page, next) = self.actions_page(Some(group), token.as_ref()).await?;
            actions.extend(page);
            token = next;
            if token.is_none() {
                break;
            }
        }
        Ok(actions)
    }

    /// A page of scheduled actions of a group, or of all of them, and where the next one begins, if there is one.
    pub(super) async fn actions_page(
        &self,
        group: Option<&str>,
        token: Option<&String>,
    ) -> Result<(Vec<ScheduledUpdateGroupAction>, Option<String>), AwsError> {
        let ask = || {
            let call = self.client.describe_scheduled_actions().set_auto_scaling_group_name(group.map(str::to_owned));
            call.max_records(PAGE).set_next_token(token.cloned()).send()
        };
        let page = self.patience.call("DescribeScheduledActions", ask).await?;
        Ok((page.scheduled_update_group_actions.unwrap_or_default(), page.next_token.filter(|token| !token.is_empty())))
    }

    /// The newest scaling activities of all groups: so many pages of them.
    pub(super) async fn activities(&self, pages: usize) -> Result<Vec<Activity>, AwsError> {
        let (mut activities, mut token) = (Vec::new(), None::<String>);
        for _ in 0..pages {
            let ask = || self.client.describe_scaling_activities().max_records(PAGE).set_next_token(token.clone()).send();
            let page = self.patience.call("DescribeScalingActivities", ask).await?;
            activities.extend(page.activities.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(activities)
    }

    /// The newest instance refresh of a group.
    pub(super) async fn refresh(&self, group: &str) -> Result<Option<InstanceRefresh>, AwsError> {
        let ask = || self.client.describe_instance_refreshes().auto_scaling_group_name(group).max_records(1).send();
        let page = self.patience.call("DescribeInstanceRefreshes", ask).await?;
        Ok(page.instance_refreshes.unwrap_or_default().into_iter().next())
    }

    /// How many instances of a group's warm pool are ready, of its first page.
    pub(super) async fn warm(&self, group: &str) -> Result<u32, AwsError> {
        let ask = || self.client.describe_warm_pool().auto_scaling_group_name(group).max_records(50).send();
        let page = self.patience.call("DescribeWarmPool", ask).await?;
        let ready = [LifecycleState::WarmedStopped, LifecycleState::WarmedRunning, LifecycleState::WarmedHibernated];
        let instances = page.instances.unwrap_or_default();
        Ok(instances.iter().filter_map(|it| it.lifecycle_state.as_ref()).filter(|state| ready.contains(state)).count() as u32)
    }

    /// Sets the floor, absolute. Where it is raised above what the group heads for, AWS lifts that by itself.
    pub(super) async fn set_min_size(&self, group: &str, floor: i32) -> Result<(), AwsError> {
        let ask = || self.client.update_auto_scaling_group().auto_scaling_group_name(group).min_size(floor).send();
        self.patience.change("UpdateAutoScalingGroup", ask).await.map(drop)
    }

    /// Writes scheduled actions of one group, at most [`ACTIONS_A_CALL`]; those that AWS refused.
    pub(super) async fn put_actions(
        &self,
        group: &str,
        actions: &[(String, DateTime, i32)],
    ) -> Result<Vec<FailedScheduledUpdateGroupActionRequest>, AwsError> {
        let request = |(name, at, floor): &(String, DateTime, i32)| {
            let request = ScheduledUpdateGroupActionRequest::builder().scheduled_action_name(name);
            request.start_time(*at).min_size(*floor).build()
        };
        let requests: Vec<_> = actions.iter().map(request).collect();
        let ask = || {
            let call = self.client.batch_put_scheduled_update_group_action().auto_scaling_group_name(group);
            call.set_scheduled_update_group_actions(Some(requests.clone())).send()
        };
        let answer = self.patience.call("BatchPutScheduledUpdateGroupAction", ask).await?;
        Ok(answer.failed_scheduled_update_group_actions.unwrap_or_default())
    }

    /// Removes scheduled actions of one group, at most [`ACTIONS_A_CALL`]. One that is gone already is removed.
    pub(super) async fn delete_actions(
        &self,
        group: &str,
        names: &[String],
    ) -> Result<Vec<FailedScheduledUpdateGroupActionRequest>, AwsError> {
        let ask = || {
            let call = self.client.batch_delete_scheduled_action().auto_scaling_group_name(group);
            call.set_scheduled_action_names(Some(names.to_vec())).send()
        };
        let answer = self.patience.call("BatchDeleteScheduledAction", ask).await?;
        let gone = |failed: &FailedScheduledUpdateGroupActionRequest| {
            failed.error_message.as_deref().is_some_and(|message| message.contains("not found"))
        };
        Ok(answer.failed_scheduled_actions.unwrap_or_default().into_iter().filter(|failed| !gone(failed)).collect())
    }
}
