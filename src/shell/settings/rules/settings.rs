//! What the daemon's settings must keep to.

use super::within::distinct;
use crate::shell::settings::kinds::settings::Settings;
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;

/// Shortest tick; a faster loop would ask metrics sources more often than they have news.
const SHORTEST_TICK_MS: u128 = 100;

pub fn check(settings: &Settings, notes: &mut Notes<'_>) {
    distinct(&way!["people"], "name", (settings.people.iter().map(|person| &person.name), notes));
    for (key, address) in [("control", &settings.listen.control), ("decision", &settings.listen.decision)] {
        if !address.0.ip().is_loopback() {
            let message = format!("{} can be reached from other machines", address.0);
            let help = format!("listen on 127.0.0.1:{} and put a proxy with TLS in front", address.0.port());
            notes.value(way!["listen", key]).error("TM0207", message, help);
        }
    }
    let (control, decision) = (settings.listen.control.0, settings.listen.decision.0);
    if control == decision && control.port() != 0 {
        let message = format!("both listeners are on {control}");
        notes.value(way!["listen", "decision"]).error("TM0205", message, "give each its own port");
    }
    if settings.tick.0.as_millis() < SHORTEST_TICK_MS {
        notes.value(way!["tick"]).error("TM0130", "`tick` is at least 0.1s", "write a duration such as 10s");
    }
}
