//! All Auto Scaling groups of the documents, for the daemon: one account at a time, all accounts at once.
//!
//! Invariants: nothing but `MinSize` is changed, and scheduled actions of ours; an account that is slow or refuses costs
//! its own groups alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use futures_util::future::join_all;

use super::account::{Account, Named, SetError};
use crate::core::decide::GroupObservation;
use crate::core::load::ScheduledFloor;
use crate::core::words::Name;
use crate::shell::aws::Credentials;
use crate::shell::groups::{GroupError, Look, Observed};
use crate::shell::spec::{AwsAccount, AwsGroup};

/// See the module.
#[derive(Default)]
pub struct AwsGroups {
    credentials: Credentials,
    specs: ArcSwap<BTreeMap<Name, AwsGroup>>,
    /// Accounts that were named once keep their client and what it learned.
    accounts: Mutex<BTreeMap<AwsAccount, Arc<Account>>>,
}

impl AwsGroups {
    /// Without groups.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, ..Self::default() }
    }

    /// Takes over changed documents.
    pub fn update(&self, specs: BTreeMap<Name, AwsGroup>) {
        self.specs.store(specs.into());
    }

    fn account(&self, spec: &AwsAccount) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Account::new(spec.clone(), self.credentials.clone()));
        accounts.entry(spec.clone()).or_insert_with(new).clone()
    }

    /// Looks at every group.
    pub async fn observe(&self, look: &Look) -> Observed {
        let mut by_account: BTreeMap<AwsAccount, Named> = BTreeMap::new();
        for (name, group) in self.specs.load().iter() {
            by_account.entry(group.account.clone()).or_default().insert(name.clone(), group.name.clone());
        }
        let ask =
            async |(spec, groups): (&AwsAccount, &Named)| self.account(spec).observe(groups, (&look.near, look.within)).await;
        join_all(by_account.iter().map(ask)).await.into_iter().flatten().collect()
    }

    /// Looks at one group, for its bounds.
    pub async fn describe(&self, group: &Name) -> Result<GroupObservation, String> {
        let spec = self.spec(group).map_err(|error| error.to_string())?;
        self.account(&spec.account).describe_one((group, &spec.name)).await
    }

    /// Sets the floor, absolute. Repeating it changes nothing.
    pub async fn set_floor(&self, group: &Name, floor: u32) -> Result<(), GroupError> {
        let spec = self.spec(group)?;
        let set = self.account(&spec.account).set_floor(&spec.name, floor).await;
        set.map_err(|error| refused(group, error))
    }

    /// Has AWS keep these changes of the floor, and no others of ours.
    pub async fn put_schedule(&self, group: &Name, wanted: &[ScheduledFloor]) -> Result<(), GroupError> {
        let spec = self.spec(group)?;
        let put = self.account(&spec.account).put_schedule((group, &spec.name), wanted).await;
        put.map_err(|error| refused(group, error))
    }

    fn spec(&self, group: &Name) -> Result<AwsGroup, GroupError> {
        self.specs.load().get(group).cloned().ok_or_else(|| GroupError::Unknown { group: group.clone() })
    }
}

fn refused(group: &Name, error: SetError) -> GroupError {
    match error {
        SetError::Aws(cause) => GroupError::Aws { group: group.clone(), cause },
        other => GroupError::Validation { group: group.clone(), message: other.to_string() },
    }
}
