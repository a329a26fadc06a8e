//! How an account is reached: region, profile, role and address as every AWS tool reads them, our clock, ring below TLS.
//!
//! Not here: what is asked. Invariants: the SDK repeats nothing by itself; what a document names beats the environment.

use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_autoscaling::config::SharedCredentialsProvider;
use aws_sdk_autoscaling::config::SharedHttpClient;
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::shell::clock;
use crate::shell::spec::AwsAccount;

/// One attempt at a call; a look at everything has 5 s.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(3);
const CONNECTS_WITHIN: Duration = Duration::from_secs(2);
/// How roles that are assumed for us are called in the other account's trail.
const SESSION: &str = "tminus";

/// Where credentials come from.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// From the environment, a profile, or the machine's role, as every AWS tool finds them.
    #[default]
    Found,
    /// These, whatever the environment says.
    Fixed(SharedCredentialsProvider),
}

/// The wall clock of the process, for signatures.
#[derive(Debug)]
struct OurClock;

impl TimeSource for OurClock {
    fn now(&self) -> SystemTime {
        SystemTime::from(clock::now())
    }
}

/// The credentials of a profile that a document names. By itself the SDK would take those of the environment first, and
/// would look for the group in another account without a word.
fn of_profile(profile: &str, (account, https): (&AwsAccount, SharedHttpClient)) -> ProfileFileCredentialsProvider {
    let reached = ProviderConfig::without_region()
        .with_region(Some(Region::new(account.region.clone())))
        .with_http_client(https)
        .with_time_source(OurClock)
        .with_retry_config(RetryConfig::disabled());
    ProfileFileCredentialsProvider::builder().configure(&reached).profile_name(profile).build()
}

/// What the clients of one account are made of; they find their credentials when they first need them. An endpoint of the
/// account is not in it: it is one service's, and a role is assumed where the region's own service is.
pub async fn reach(account: &AwsAccount, credentials: Credentials) -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECTS_WITHIN).operation_attempt_timeout(ATTEMPT_WITHIN).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(account.region.clone()))
        .http_client(https.clone())
        .time_source(OurClock)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::disabled());
    if let Some(profile) = &account.profile {
        loader = loader.profile_name(profile).credentials_provider(of_profile(profile, (account, https)));
    }
    if let Credentials::Fixed(fixed) = credentials {
        loader = loader.credentials_provider(fixed);
    }
    let shared = loader.load().await;
    let Some(role) = &account.role_arn else { return shared };
    let assumed = AssumeRoleProvider::builder(role).session_name(SESSION).configure(&shared).build().await;
    shared.into_builder().credentials_provider(SharedCredentialsProvider::new(assumed)).build()
}
