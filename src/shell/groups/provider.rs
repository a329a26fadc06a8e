//! All instance groups, whatever runs them: one interface of whole operations, and which provider each group has.
//!
//! A provider observes all of its groups at once, so that what many share is asked in batches, and takes absolute numbers
//! with a key. Not here: when to ask, and what for: that is the daemon's and the core's.
//! Invariants: a provider that is slow or broken costs its own groups alone (I11); what did not answer is said with why,
//! and is never an old answer or a zero.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::{join_all, join3};

use super::aws::AwsGroups;
use super::command::CommandGroups;
use super::{GroupError, LocalGroups};
use crate::core::decide::GroupObservation;
use crate::core::load::ScheduledFloor;
use crate::core::words::Name;
use crate::shell::aws::Credentials;
use crate::shell::spec::{AwsGroup, CommandGroup, GroupSpec, LocalGroup};

/// How long the look just before a change may take, where a provider has no limit of its own.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// How the groups were found: each as it is, or a fragment that follows its name and says why it is not known.
pub type Observed = BTreeMap<Name, Result<GroupObservation, String>>;

/// How to look at the groups.
#[derive(Clone, Debug)]
pub struct Look {
    /// A provider that takes longer is not observed this time.
    pub within: Duration,
    /// Groups with a launch ahead or going on: what is asked for each group alone is asked for these.
    pub near: BTreeSet<Name>,
}

/// See the module.
pub struct Groups {
    local: LocalGroups,
    aws: AwsGroups,
    command: CommandGroups,
    /// Which provider each group has.
    kinds: ArcSwap<BTreeMap<Name, Kind>>,
}

/// Who runs a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Local,
    Aws,
    /// The user's executables.
    Command,
}

impl Groups {
    /// Takes charge of the groups of the documents; `folder` is where the local ones keep their registries.
    ///
    /// Needs a tokio runtime. Only a folder that cannot be used is an error: a broken group answers with its own.
    pub fn open(folder: PathBuf, specs: &BTreeMap<Name, GroupSpec>) -> Result<Self, GroupError> {
        let local = LocalGroups::open(folder, of_local(specs))?;
        let command = CommandGroups::new(of_command(specs));
        let groups = Self { local, aws: AwsGroups::new(Credentials::Found), command, kinds: ArcSwap::default() };
        groups.aws.update(of_aws(specs));
        groups.kinds.store(kinds(specs).into());
        Ok(groups)
    }

    /// Documents changed: new groups are opened, known ones follow, and what is named no longer is left as it is.
    pub fn update(&self, specs: &BTreeMap<Name, GroupSpec>) {
        self.local.update(of_local(specs));
        self.aws.update(of_aws(specs));
        self.command.update(of_command(specs));
        self.kinds.store(kinds(specs).into());
    }

    /// Looks at every group.
    pub async fn observe(&self, look: &Look) -> Observed {
        let kinds = self.kinds.load_full();
        let of = |wanted: Kind| kinds.iter().filter(move |(_, kind)| **kind == wanted).map(|(name, _)| name);
        let local = self.observe_local(of(Kind::Local), look.within);
        let (local, mut seen, command) = join3(local, self.aws.observe(look), self.command.observe(look.within)).await;
        seen.extend(local);
        seen.extend(command);
        seen
    }

    async fn observe_local(&self, names: impl Iterator<Item = &Name>, within: Duration) -> Observed {
        let describe = async |name: &Name| {
            let answer = match tokio::time::timeout(within, self.local.describe(name)).await {
                Ok(answer) => answer.map_err(|error| format!("could not be described: {error}")),
                Err(_) => Err(late(within)),
            };
            (name.clone(), answer)
        };
        join_all(names.map(describe)).await.into_iter().collect()
    }

    /// Looks at one group, just before it is changed.
    pub async fn describe(&self, group: &Name) -> Result<GroupObservation, String> {
        match self.kind(group).map_err(|error| error.to_string())? {
            Kind::Local => self.local.describe(group).await.map_err(|error| error.to_string()),
            Kind::Aws => self.aws.describe(group).await,
            Kind::Command => self.command.describe(group, LAST_LOOK).await,
        }
    }

    /// Sets the floor of a group, absolute. A key that was carried out before changes nothing.
    pub async fn set_floor(&self, group: &Name, floor: u32, key: &str) -> Result<(), GroupError> {
        match self.kind(group)? {
            Kind::Local => self.local.set_floor(group, floor, key).await,
            Kind::Aws => self.aws.set_floor(group, floor).await,
            Kind::Command => self.command.set_floor(group, floor, key).await,
        }
    }

    /// Has the group's provider keep these changes of its floor, all of them and no others of ours; an empty list removes
    /// ours. What other people keep there is left alone. Repeating it changes nothing.
    pub async fn put_schedule(&self, group: &Name, wanted: &[ScheduledFloor]) -> Result<(), GroupError> {
        match self.kind(group)? {
            Kind::Aws => self.aws.put_schedule(group, wanted).await,
            Kind::Local | Kind::Command => Err(GroupError::NoSchedule { group: group.clone() }),
        }
    }

    fn kind(&self, group: &Name) -> Result<Kind, GroupError> {
        self.kinds.load().get(group).copied().ok_or_else(|| GroupError::Unknown { group: group.clone() })
    }
}

/// Why a group is not seen whose provider took too long.
pub(super) fn late(within: Duration) -> String {
    format!("was not described within {} s", within.as_secs())
}

fn kinds(specs: &BTreeMap<Name, GroupSpec>) -> BTreeMap<Name, Kind> {
    let kind = |spec: &GroupSpec| match spec {
        GroupSpec::Local(_) => Kind::Local,
        GroupSpec::Aws(_) => Kind::Aws,
        GroupSpec::Command(_) => Kind::Command,
    };
    specs.iter().map(|(name, spec)| (name.clone(), kind(spec))).collect()
}

fn of_local(specs: &BTreeMap<Name, GroupSpec>) -> BTreeMap<Name, LocalGroup> {
    let spec = |spec: &GroupSpec| match spec {
        GroupSpec::Local(local) => Some(local.clone()),
        GroupSpec::Aws(_) | GroupSpec::Command(_) => None,
    };
    specs.iter().filter_map(|(name, group)| Some((name.clone(), spec(group)?))).collect()
}

fn of_aws(specs: &BTreeMap<Name, GroupSpec>) -> BTreeMap<Name, AwsGroup> {
    let spec = |spec: &GroupSpec| match spec {
        GroupSpec::Aws(aws) => Some(aws.clone()),
        GroupSpec::Local(_) | GroupSpec::Command(_) => None,
    };
    specs.iter().filter_map(|(name, group)| Some((name.clone(), spec(group)?))).collect()
}

fn of_command(specs: &BTreeMap<Name, GroupSpec>) -> BTreeMap<Name, CommandGroup> {
    let spec = |spec: &GroupSpec| match spec {
        GroupSpec::Command(command) => Some(command.clone()),
        GroupSpec::Local(_) | GroupSpec::Aws(_) => None,
    };
    specs.iter().filter_map(|(name, group)| Some((name.clone(), spec(group)?))).collect()
}
