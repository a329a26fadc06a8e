//! Why a group provider refused or failed. It does not say what to do about it: that is the daemon's.

use std::path::PathBuf;

use crate::core::words::Name;
use crate::shell::aws::AwsError;

/// Why a group provider refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// No group of this name is known to the provider.
    #[error("group {group} is not known to its provider; its ScalingPolicy document was never loaded here")]
    Unknown {
        /// The group.
        group: Name,
    },
    /// Its provider is read and checked, and this version does not drive it.
    #[error("group {group} has a provider that this version reads and checks but does not drive; nothing was changed")]
    Undriven {
        /// The group.
        group: Name,
    },
    /// Its provider cannot keep changes of the floor for later.
    #[error("group {group} has a provider that keeps no schedule; its floor is set when its time comes")]
    NoSchedule {
        /// The group.
        group: Name,
    },
    /// Numbers or settings that the provider would never accept; repeating the call does not help.
    #[error("ValidationError for group {group}: {message}")]
    Validation {
        /// The group.
        group: Name,
        /// What is wrong with it.
        message: String,
    },
    /// A program of the user's did not do it.
    #[error("group {group}: {reason}")]
    Failed {
        /// The group.
        group: Name,
        /// Why not.
        reason: String,
    },
    /// A key came again with another number: one of both callers is wrong, so nothing was done.
    #[error("IdempotentParameterMismatch for group {group}: key {key:?} set {first} before and now asks for {second}")]
    Mismatch {
        /// The group.
        group: Name,
        /// The key.
        key: String,
        /// What it set.
        first: u32,
        /// What it asks for now.
        second: u32,
    },
    /// AWS did not do it.
    #[error("group {group}: {cause}")]
    Aws {
        /// The group.
        group: Name,
        /// Why not.
        cause: AwsError,
    },
    /// Another process drives the groups of this folder. Two would start everything twice.
    #[error("another process drives the instance groups in {}; stop it first, or give this one another data folder", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The registry cannot be read or written; instances that run go on running, nothing is started or stopped.
    #[error("the instance registry {} is not usable: {reason}; its instances are left as they are", path.display())]
    Registry {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}
