//! Why an AWS call failed, in the few kinds that make a difference to what is done next.
//!
//! Invariant: a message names the operation, and what to do where a person has to.

use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};

/// Codes of calls that came too fast.
const THROTTLED: [&str; 5] =
    ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "RequestThrottled"];
/// Codes of states that pass by themselves.
const BUSY: [&str; 5] =
    ["ResourceContention", "ScalingActivityInProgress", "ServiceUnavailable", "InternalFailure", "InternalError"];
/// Codes of rights that are missing or have run out.
const DENIED: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "OptInRequired",
];
/// Codes of credentials that were good once.
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
/// Longest text of a cause that is passed on; chains of errors can be long.
const LONGEST_CAUSE: usize = 300;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// Too many calls; it passes.
    #[error("{operation} was throttled ({code}); it is asked again")]
    Throttled {
        /// The operation.
        operation: &'static str,
        /// As AWS calls it.
        code: String,
    },
    /// AWS is busy with it; it passes.
    #[error("{operation} was not possible just now ({code}: {message}); it is asked again")]
    Busy {
        /// The operation.
        operation: &'static str,
        /// As AWS calls it.
        code: String,
        /// As AWS says it.
        message: String,
    },
    /// There is no such group.
    #[error("{operation}: {message}; look whether name, region and account of its ScalingPolicy are right")]
    NotFound {
        /// The operation.
        operation: &'static str,
        /// As AWS says it.
        message: String,
    },
    /// The credentials may not do it.
    #[error("{operation} is not allowed ({code}: {message}); attach deploy/aws/policy.json to what tminus runs as")]
    Denied {
        /// The operation.
        operation: &'static str,
        /// As AWS calls it.
        code: String,
        /// As AWS says it.
        message: String,
    },
    /// The credentials have run out.
    #[error("{operation} was refused: the credentials have expired ({code}); renew the session or profile tminus runs with")]
    Expired {
        /// The operation.
        operation: &'static str,
        /// As AWS calls it.
        code: String,
    },
    /// AWS would never accept it.
    #[error("{operation} was refused ({code}: {message}); nothing was changed")]
    Invalid {
        /// The operation.
        operation: &'static str,
        /// As AWS calls it.
        code: String,
        /// As AWS says it.
        message: String,
    },
    /// There are no credentials.
    #[error("{operation} needs credentials and found none ({cause}); give tminus a role, a profile or AWS_ACCESS_KEY_ID")]
    Credentials {
        /// The operation.
        operation: &'static str,
        /// What the search came to.
        cause: String,
    },
    /// No answer, or none that can be read.
    #[error("{operation} got no answer ({cause})")]
    Unreachable {
        /// The operation.
        operation: &'static str,
        /// Why.
        cause: String,
    },
}

impl AwsError {
    /// Which kind a failure of the SDK is.
    pub fn of<E>(operation: &'static str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let Some(said) = error.as_service_error() else { return Self::unanswered(operation, error) };
        let (code, message) = (said.code().unwrap_or("unknown").to_owned(), said.message().unwrap_or_default().to_owned());
        let is = |codes: &[&str]| codes.iter().any(|known| code == *known || code.strip_suffix("Fault") == Some(known));
        if is(&THROTTLED) {
            Self::Throttled { operation, code }
        } else if is(&BUSY) || error.raw_response().is_some_and(|answer| answer.status().is_server_error()) {
            Self::Busy { operation, code, message }
        } else if is(&EXPIRED) {
            Self::Expired { operation, code }
        } else if is(&DENIED) {
            Self::Denied { operation, code, message }
        } else if message.contains("not found") {
            Self::NotFound { operation, message }
        } else {
            Self::Invalid { operation, code, message }
        }
    }

    fn unanswered<E: std::error::Error + 'static>(operation: &'static str, error: &SdkError<E>) -> Self {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let sentences: Vec<String> = causes.map(ToString::to_string).collect();
        let cause: String = sentences.join(": ").chars().take(LONGEST_CAUSE).collect();
        let whole = format!("{error:?}");
        if whole.contains("CredentialsNotLoaded") || whole.contains("ProviderError") || whole.contains("no providers in chain") {
            Self::Credentials { operation, cause }
        } else {
            Self::Unreachable { operation, cause }
        }
    }

    /// Whether asking again may help.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Busy { .. } | Self::Unreachable { .. })
    }
}
