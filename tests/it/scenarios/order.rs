//! Orders by people, as a script writes them: the words of the command line.

use jiff::Timestamp;
use tminus::core::decide::Order;
use tminus::core::throttle::HaltTarget;
use tminus::core::words::{Name, later};

use super::words::{Words, name_of};

/// The order of a verb.
pub(super) fn order(verb: &str, words: &mut Words, now: Timestamp) -> Result<Order, String> {
    match verb {
        "halt" => return Ok(Order::Halt { target: target(words)? }),
        "lift" => return Ok(Order::Lift { target: target(words)?, break_glass: words.takes("break-glass") }),
        _ => {}
    }
    let release = words.name("a release")?;
    Ok(match verb {
        "go" => Order::Go { release },
        "hold" => Order::Hold { release },
        "resume" => Order::Resume { release },
        "advance" => Order::Advance { release },
        "promote" => Order::Promote { release },
        "abort" => Order::Abort { release },
        "clear" => Order::Clear { release },
        "scrub" => Order::Scrub { release },
        "sign-off" => Order::SignOff { release, item: words.name("an item")? },
        "waive" => {
            let item = words.name("an item")?;
            let lasts = words.lasting("for")?.ok_or("for how long: `for 2d`")?;
            Order::Waive { release, item, expires_at: later(now, lasts) }
        }
        _ => return Err(format!("`{verb}` is no command")),
    })
}

/// `everything`, or an app with `channel=` or `version=`.
fn target(words: &mut Words) -> Result<HaltTarget, String> {
    if words.takes("everything") {
        return Ok(HaltTarget::Everything);
    }
    let app: Name = words.name("an app")?;
    let channel = words.value("channel").map(|text| name_of(&text)).transpose()?;
    Ok(match (channel, words.value("version")) {
        (Some(channel), None) => HaltTarget::Channel { app, channel },
        (None, Some(version)) => HaltTarget::Version { app, version },
        (None, None) => HaltTarget::App { app },
        (Some(_), Some(_)) => return Err("a halt is of a channel or of a version".into()),
    })
}
