//! How many messages a hook takes: a bucket for each, that fills as time passes.
//!
//! Only messages that proved where they come from are counted, so that strangers can't use up what is the sender's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use flow::definition::schedule::{Webhook, WebhookAuthentication};
use jiff::Timestamp;

use super::Address;
use crate::app::App;

/// So many buckets are kept before full ones are swept out.
const CAPACITY: usize = 4096;

struct Bucket {
    left: f64,
    at: Timestamp,
}

/// The buckets.
#[derive(Default)]
pub(crate) struct HookLimit(Mutex<HashMap<String, Bucket>>);

impl HookLimit {
    /// Takes one message out of a hook's bucket, or says in how many seconds to come again.
    pub(super) fn take(&self, app: &App, address: &Address, webhook: &Webhook) -> Result<(), u64> {
        let limits = &app.config().limits;
        let rate = match webhook.authentication {
            WebhookAuthentication::Public => limits.public_hook_messages_per_second,
            _ => limits.hook_messages_per_second,
        };
        self.take_at(&address.to_string(), f64::from(rate), app.clock().now())
    }

    fn take_at(&self, hook: &str, rate: f64, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CAPACITY {
            buckets.retain(|_, bucket| now.duration_since(bucket.at).as_secs() < 1);
        }
        if !buckets.contains_key(hook) {
            let full = Bucket {
                left: rate,
                at: now,
            };
            buckets.insert(hook.to_owned(), full);
        }
        let Some(bucket) = buckets.get_mut(hook) else {
            return Ok(());
        };
        // a clock that went backwards fills nothing
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.left = (bucket.left + passed * rate).min(rate);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(1);
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_holds_a_second_and_fills_in_one() {
        let limit = HookLimit::default();
        let begin = Timestamp::UNIX_EPOCH;
        let taken = |at: Timestamp| {
            let taken = (0..20).take_while(|_| limit.take_at("a.b/c", 10.0, at).is_ok());
            taken.count()
        };
        assert_eq!(taken(begin), 10);
        assert_eq!(taken(begin), 0);
        assert_eq!(taken(begin + SignedDuration::from_millis(500)), 5);
        assert_eq!(taken(begin), 0);
        assert_eq!(taken(begin + SignedDuration::from_secs(60)), 10);
        assert!(limit.take_at("a.b/d", 10.0, begin).is_ok());
    }
}
