//! How an account is reached: region, profile, role and address as every AWS tool reads them, our clock, ring below TLS.
//!
//! Not here: what is asked. Invariants: the SDK repeats nothing by itself; what a document names beats the environment.

use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::SharedCredentialsProvider;
use aws_sdk_autoscaling::config::SharedHttpClient;
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::groups::Credentials;
use crate::shell::clock;
use crate::shell::spec::AwsAccount;

/// One attempt at a call; a look at everything has 5 s.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(3);
const CONNECTS_WITHIN: Duration = Duration::from_secs(2);
/// How roles that are assumed for us are called in the other account's trail.
const SESSION: &str = "tminus";

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

/// A client for one account; finds its credentials when it first needs them.
pub(super) async fn connect(account: &AwsAccount, credentials: Credentials) -> Client {
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
    let mut config = aws_sdk_autoscaling::config::Builder::from(&shared);
    if let Some(role) = &account.role_arn {
        let assumed = AssumeRoleProvider::builder(role).session_name(SESSION).configure(&shared).build().await;
        config = config.credentials_provider(SharedCredentialsProvider::new(assumed));
    }
    // Only Auto Scaling lives there: a role is assumed where the region's own service is.
    if let Some(endpoint) = &account.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}
