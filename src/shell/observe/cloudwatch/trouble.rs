//! Why something of CloudWatch is not known. Invariant: it passes on what AWS said, and what a person can do.

use crate::core::words::Name;
use crate::shell::aws::AwsError;
use crate::shell::observe::ObserveError;

/// Why a series was not read, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The call failed.
    Call(AwsError),
    /// Nothing is asked for a while, since the last calls found no credentials or no answer.
    Rests(AwsError),
    /// It takes longer than a look may.
    Late,
    /// CloudWatch told a part only.
    Partial,
    /// CloudWatch failed for this series.
    Internal,
    /// This series is not for these credentials.
    Forbidden,
    /// It answered with what is no answer.
    Odd(String),
}

impl Trouble {
    /// As the source's error.
    pub(super) fn of(self, source: &Name) -> ObserveError {
        let source_name = source.clone();
        let unreachable = |reason: String| ObserveError::Unreachable { source_name: source.clone(), reason };
        match self {
            Self::Call(cause) => ObserveError::Aws { source_name, cause },
            Self::Rests(cause) => unreachable(format!("it is not asked for up to a minute, since before {cause}")),
            Self::Late => unreachable("it is still being read; what has come is there at the next look".into()),
            Self::Partial => unreachable("CloudWatch told only a part of it (PartialData); it is asked again".into()),
            Self::Internal => unreachable("CloudWatch failed for this metric (InternalError); it is asked again".into()),
            Self::Forbidden => ObserveError::Refused {
                source_name,
                reason: "these credentials may not read this metric (Forbidden); look at role and account".into(),
            },
            Self::Odd(reason) => ObserveError::Refused { source_name, reason },
        }
    }
}
