//! Documents that only the shell needs: settings, priming, notifiers; and how programs are named in documents.

use std::path::Path;

use crate::core::calendar::Schedule;
use crate::core::decide::{Person, Topic};
use crate::core::priming::{self, Tighten};
use crate::shell::settings::kinds::notifier::{self, Notifier, Target};
use crate::shell::settings::kinds::priming::{self as priming_kind, PrimingPolicy, Source};
use crate::shell::settings::kinds::settings::Settings;
use crate::shell::settings::words::Text;
use crate::shell::spec::{self, NodeSpec, NotifierSpec, NotifyTarget, PersonSpec, PrimingSource, PrimingSpec};

/// Program and arguments; a program that begins with `./` or `../` starts at the document's folder, any other is looked
/// up as usual.
pub fn command_line(from: &[Text], folder: &Path) -> Vec<String> {
    let mut words: Vec<String> = from.iter().map(|word| word.0.clone()).collect();
    if let Some(program) = words.first_mut().filter(|program| program.starts_with("./") || program.starts_with("../")) {
        *program = match folder.join(&*program) {
            // Without a folder the leading `./` is what keeps it from being looked up in PATH.
            joined if folder.as_os_str().is_empty() => joined.to_string_lossy().into_owned(),
            joined if joined.is_absolute() || joined.starts_with(".") || joined.starts_with("..") => {
                joined.to_string_lossy().into_owned()
            }
            joined => format!("./{}", joined.to_string_lossy()),
        };
    }
    words
}

/// Converts the settings; paths start at `folder`.
pub fn settings(from: &Settings, folder: &Path) -> spec::Settings {
    let person = |person: &crate::shell::settings::kinds::settings::Person| PersonSpec {
        person: Person { name: person.name.clone(), roles: person.roles.clone() },
        token_sha256: person.token_sha256.0.clone(),
    };
    spec::Settings {
        name: from.name.clone(),
        data: folder.join(&from.data.0),
        documents: from.documents.iter().map(|path| folder.join(&path.0)).collect(),
        control: from.listen.control.0,
        decision: from.listen.decision.0,
        tick: from.tick.0,
        time_zone: from.time_zone.as_ref().map(|zone| zone.0.clone()),
        people: from.people.iter().map(person).collect(),
        halt_file: from.halt_file.as_ref().map(|path| folder.join(&path.0)),
        retention: from.retention.0,
    }
}

/// The part of a priming policy that decisions need.
pub fn priming_policy(from: &PrimingPolicy) -> priming::Policy {
    priming::Policy {
        name: from.name.clone(),
        coverage: from.coverage.0.share() * 100.0,
        fresh_until: from.fresh_until,
        poll_every: from.poll.every.0,
        nodes: from.nodes.iter().map(|node| node.name.clone()).collect(),
        schedule: None,
        tighten: from.poll.tighten.iter().map(|entry| Tighten { from: entry.from, every: entry.every.0 }).collect(),
    }
}

/// When it runs by the calendar, in its own zone, else in that of the settings, else in UTC.
pub fn schedule(from: &priming_kind::Schedule, zone: Option<&str>) -> Option<Schedule> {
    let own = from.time_zone.as_ref().map(|zone| zone.0.as_str());
    Schedule::new(&from.cron.0, own.or(zone).unwrap_or("UTC")).ok()
}

/// The part of a priming policy that the primer needs.
pub fn priming_spec(from: &PrimingPolicy, folder: &Path) -> PrimingSpec {
    PrimingSpec {
        source: match &from.source {
            Source::Manifest(url) => PrimingSource::Manifest(url.0.clone()),
            Source::File(path) => PrimingSource::File(folder.join(&path.0)),
            Source::Urls(urls) => PrimingSource::Urls(urls.iter().map(|url| url.0.clone()).collect()),
        },
        poll_every: from.poll.every.0,
        nodes: from.nodes.iter().map(|node| NodeSpec { name: node.name.clone(), connect: node.connect.0.clone() }).collect(),
        variants: from.variants.clone(),
        allow: from.allow.iter().map(|url| url.0.clone()).collect(),
        requests_per_second: from.origin.requests_per_second,
        in_flight: from.origin.in_flight,
    }
}

/// Converts a notifier; `None` for a target is refused by the rules.
pub fn notifier(from: &Notifier, folder: &Path) -> NotifierSpec {
    let target = |target: &Target| match target {
        Target::Command(command) => Some(NotifyTarget::Command(command_line(command, folder))),
        Target::Webhook(webhook) => match (&webhook.url, &webhook.url_env) {
            (Some(url), _) => Some(NotifyTarget::Webhook(url.0.clone())),
            (None, Some(variable)) => Some(NotifyTarget::WebhookEnv(variable.0.clone())),
            (None, None) => None,
        },
    };
    NotifierSpec {
        name: from.name.clone(),
        on: from.on.iter().map(|one| topic(*one)).collect(),
        to: from.to.iter().filter_map(target).collect(),
    }
}

fn topic(from: notifier::Topic) -> Topic {
    match from {
        notifier::Topic::Readiness => Topic::Readiness,
        notifier::Topic::Step => Topic::Step,
        notifier::Topic::Hold => Topic::Hold,
        notifier::Topic::Abort => Topic::Abort,
        notifier::Topic::Halt => Topic::Halt,
        notifier::Topic::OverrideExpiring => Topic::OverrideExpiring,
        notifier::Topic::CountsLate => Topic::CountsLate,
        notifier::Topic::Documents => Topic::Documents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_start_at_the_documents_folder() {
        for (program, folder, expected) in [
            ("./page.sh", "", "./page.sh"),
            ("./page.sh", "policies", "./policies/./page.sh"),
            ("../bin/page", "/etc/tminus/policies", "/etc/tminus/policies/../bin/page"),
            ("page", "policies", "page"),
            ("/bin/page", "policies", "/bin/page"),
        ] {
            let line = command_line(&[Text(program.into()), Text("./arg".into())], Path::new(folder));
            assert_eq!(line, [expected, "./arg"], "{program} in {folder}");
        }
    }
}
