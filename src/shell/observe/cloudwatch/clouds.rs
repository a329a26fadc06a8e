//! Every account that a source was ever asked of. Invariant: new documents keep the accounts and what they have read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::account::Account;
use crate::shell::aws::Credentials;
use crate::shell::spec::AwsAccount;

/// See the module.
#[derive(Default)]
pub struct Clouds {
    credentials: Credentials,
    accounts: Mutex<BTreeMap<AwsAccount, Arc<Account>>>,
}

impl Clouds {
    /// Without accounts.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, ..Self::default() }
    }

    pub(in crate::shell::observe) fn account(&self, spec: &AwsAccount) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Account::new(spec.clone(), self.credentials.clone()));
        accounts.entry(spec.clone()).or_insert_with(new).clone()
    }
}
