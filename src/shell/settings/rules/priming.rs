//! What a priming policy must keep to.

use super::within::distinct;
use crate::shell::settings::kinds::priming::{PrimingPolicy, Source};
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;

pub fn check(priming: &PrimingPolicy, notes: &mut Notes<'_>) {
    distinct(&way!["nodes"], "name", (priming.nodes.iter().map(|node| &node.name), notes));
    if let Some(schedule) = &priming.schedule {
        super::schedule::check(schedule, &way!["schedule"], notes);
    }
    if priming.poll.every.0.is_zero() {
        notes.value(way!["poll", "every"]).error("TM0130", "`every` is above 0s", "write a duration such as 15m");
    }
    for (at, tighten) in priming.poll.tighten.iter().enumerate() {
        if !tighten.from.is_before_launch() {
            let message = format!("polling tightens towards T-0, and {} is not before it", tighten.from);
            notes.value(way!["poll", "tighten", at, "from"]).error("TM0209", message, "write a time such as `T-6h`");
        }
        if tighten.every.0.is_zero() || tighten.every.0 >= priming.poll.every.0 {
            let message = "to tighten is to look more often than `poll.every`, and not without a pause";
            notes.value(way!["poll", "tighten", at, "every"]).error("TM0130", message, "write a shorter duration, such as 1m");
        }
    }
    if let Some(until) = priming.fresh_until.filter(|until| until.is_before_launch()) {
        let message = format!("{until} is before the launch, and objects must stay fresh beyond it");
        notes.value(way!["fresh_until"]).error("TM0209", message, "write a time such as `T+2h`");
    }
    if matches!(&priming.source, Source::Urls(urls) if urls.is_empty()) {
        notes.value(way!["source", "urls"]).error("TM0130", "`urls` has at least 1 entry", "write the URLs to prime");
    }
    for (at, variant) in priming.variants.iter().enumerate() {
        for (header, value) in variant {
            let odd_name = header.is_empty()
                || !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            if odd_name || value.chars().any(char::is_control) {
                let message = format!("`{}` is not a header that can be sent", header.chars().take(60).collect::<String>());
                notes.key(way!["variants", at, header.as_str()]).error(
                    "TM0127",
                    message,
                    "write a name such as `accept-encoding` and a value on one line",
                );
            }
        }
    }
}
