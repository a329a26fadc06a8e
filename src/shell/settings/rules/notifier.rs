//! What a notifier must keep to.

use super::within::exactly_one;
use crate::shell::settings::kinds::notifier::{Notifier, Target};
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;

pub fn check(notifier: &Notifier, notes: &mut Notes<'_>) {
    for (at, target) in notifier.to.iter().enumerate() {
        if let Target::Webhook(webhook) = target {
            let keys = [("url", webhook.url.is_some()), ("url_env", webhook.url_env.is_some())];
            exactly_one(way!["to", at, "webhook"], &keys, notes);
        }
    }
}
