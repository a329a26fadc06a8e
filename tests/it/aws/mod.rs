//! AWS Auto Scaling groups: the provider against a strict service over HTTP, launches ahead of time, and the rights it needs;
//! and CloudWatch.

mod ahead;
mod cloudwatch;
mod daemon;
pub mod fake;
mod findings;
mod kills;
mod policy;
mod provider;
mod scale;
mod worlds;

use std::collections::BTreeMap;

use aws_sdk_autoscaling::config::{Credentials as Keys, SharedCredentialsProvider};
use tminus::core::words::Name;
use tminus::shell::aws::Credentials;
use tminus::shell::groups::AwsGroups;
use tminus::shell::spec::{AwsAccount, AwsGroup};

use self::fake::Fake;

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The provider with these groups, all of one account that the fake plays.
pub fn provider(fake: &Fake, groups: &[&str]) -> AwsGroups {
    let keys = Keys::new("AKIDEXAMPLE", "secret", None, None, "test");
    let provider = AwsGroups::new(Credentials::Fixed(SharedCredentialsProvider::new(keys)));
    let account = AwsAccount { region: "us-west-2".into(), profile: None, role_arn: None, endpoint: Some(fake.address.clone()) };
    let spec = |group: &&str| (name(group), AwsGroup { name: (*group).to_owned(), account: account.clone() });
    provider.update(groups.iter().map(spec).collect::<BTreeMap<_, _>>());
    provider
}
