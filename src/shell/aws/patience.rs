//! The one budget of repeated calls of an account: the SDK's own retries are switched off.
//!
//! A repeated call costs a token, a good answer earns a tenth of one, so that an account that throttles or is down gets
//! at most a tenth more calls, whatever the number of groups. Invariant: at most three attempts, and full jitter between.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};

use super::error::AwsError;
use crate::shell::clock;

/// Attempts at one call. A tick is not the place for more: the next tick is the next attempt.
const MOST_ATTEMPTS: u32 = 3;
/// Tokens of an account that had no trouble, in tenths: ten calls may be repeated at once.
const FULL_TENTHS: u32 = 100;
/// What a repeated call costs, in tenths of a token.
const COST_TENTHS: u32 = 10;
/// The first pause is at most this, the next twice as long.
const PAUSE: Duration = Duration::from_millis(150);

/// See the module.
pub struct Patience {
    tenths: Mutex<u32>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tenths: Mutex::new(FULL_TENTHS) }
    }
}

impl Patience {
    /// Calls, and calls again while that may help and there is budget.
    pub async fn call<T, E, F>(&self, operation: &'static str, call: impl Fn() -> F) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        self.repeat((operation, AwsError::passes), call).await
    }

    /// The same of a call that changes a size: it is called again only where it was not carried out for certain. Whoever
    /// gets no answer looks first.
    pub async fn change<T, E, F>(&self, operation: &'static str, call: impl Fn() -> F) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        self.repeat((operation, |error| matches!(error, AwsError::Throttled { .. })), call).await
    }

    async fn repeat<T, E, F>(
        &self,
        (operation, again): (&'static str, fn(&AwsError) -> bool),
        call: impl Fn() -> F,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let mut attempt = 1;
        loop {
            let error = match call().await {
                Ok(answer) => {
                    self.earn();
                    return Ok(answer);
                }
                Err(error) => AwsError::of(operation, &error),
            };
            if !again(&error) || attempt >= MOST_ATTEMPTS || !self.spend() {
                return Err(error);
            }
            tokio::time::sleep(pause(attempt, clock::draw64())).await;
            attempt += 1;
        }
    }

    fn earn(&self) {
        let mut tenths = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
        *tenths = (*tenths + 1).min(FULL_TENTHS);
    }

    fn spend(&self) -> bool {
        let mut tenths = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tenths >= COST_TENTHS;
        *tenths -= if enough { COST_TENTHS } else { 0 };
        enough
    }
}

/// Full jitter: anything up to the bound, which doubles.
fn pause(attempt: u32, draw: u64) -> Duration {
    let bound = PAUSE.saturating_mul(1 << attempt.min(6).saturating_sub(1));
    let nanos = (u128::from(draw) * bound.as_nanos()) >> 64;
    Duration::from_nanos(nanos as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_stay_below_their_bound() {
        for (attempt, bound_ms) in [(1, 150), (2, 300), (3, 600)] {
            assert_eq!(pause(attempt, 0), Duration::ZERO);
            let longest = pause(attempt, u64::MAX);
            assert!(longest <= Duration::from_millis(bound_ms) && longest > Duration::from_millis(bound_ms - 1));
        }
    }

    #[test]
    fn the_budget_is_spent_and_earned_slowly() {
        let patience = Patience::default();
        assert_eq!((0..20).filter(|_| patience.spend()).count(), 10);
        (0..10).for_each(|_| patience.earn());
        assert_eq!((0..20).filter(|_| patience.spend()).count(), 1);
    }
}
