//! A Checklist document as the core sees it.

use std::path::Path;

use super::shell::command_line;
use crate::core::checklist::{self, Demand};
use crate::core::load::Aspect;
use crate::shell::settings::kinds::checklist::{Blocks, Check, Checklist, Group, Item, Quantile};

/// Converts a checklist; programs that begin with `./` start at `folder`.
pub fn checklist(from: &Checklist, folder: &Path) -> checklist::Checklist {
    checklist::Checklist { name: from.name.clone(), items: from.items.iter().map(|item| convert_item(item, folder)).collect() }
}

fn convert_item(from: &Item, folder: &Path) -> checklist::Item {
    checklist::Item {
        id: from.id.clone(),
        title: from.title.0.clone(),
        owner: from.owner.clone(),
        due: from.due,
        demand: demand(from, folder),
        blocks: match from.blocks {
            Blocks::Launch => checklist::Blocks::Launch,
            Blocks::Steps => checklist::Blocks::Steps,
            Blocks::Nothing => checklist::Blocks::Nothing,
        },
        waivable: from.waivable,
        every: from.every.as_ref().map(|every| every.0),
        why: from.why.as_ref().map(|why| why.0.clone()),
    }
}

/// The rules saw to it that exactly one is given; a sign-off by nobody in particular is the safe reading of neither.
fn demand(from: &Item, folder: &Path) -> Demand {
    match (&from.check, &from.sign_off) {
        (Some(check), _) => Demand::Check(convert_check(check, folder)),
        (None, Some(sign_off)) => Demand::SignOff { roles: sign_off.roles.clone(), count: sign_off.count },
        (None, None) => Demand::SignOff { roles: Vec::new(), count: 1 },
    }
}

fn convert_check(from: &Check, folder: &Path) -> checklist::Check {
    match from {
        Check::Capacity(check) => checklist::Check::Capacity { group: check.group.clone(), quantile: quantile(check.quantile) },
        Check::Quota(check) => of_group(check, Aspect::Quota),
        Check::ZoneBalance(check) => of_group(check, Aspect::ZoneBalance),
        Check::LeadTime(check) => of_group(check, Aspect::LeadTime),
        Check::Processes(check) => of_group(check, Aspect::Processes),
        Check::Primed(check) => {
            checklist::Check::Primed { policy: check.policy.clone(), coverage: check.coverage.0.share() * 100.0 }
        }
        Check::Http(check) => checklist::Check::Http { url: check.url.0.clone(), status: check.status, within: check.within.0 },
        Check::Metric(check) => {
            let (query, over) = (check.query.clone(), check.over.0);
            checklist::Check::Metric { query, below: check.below, above: check.above, over }
        }
        Check::RetryPolicy(check) => {
            let (release, amplification_below) = (check.release.clone(), check.amplification_below);
            checklist::Check::RetryPolicy { release, amplification_below }
        }
        Check::HaltRehearsed(check) => checklist::Check::HaltRehearsed { within: check.within.0 },
        Check::Throttled(check) => checklist::Check::Throttled {
            app: check.app.clone(),
            version: check.version.clone(),
            channel: check.channel.clone(),
            at_most: check.at_most.0,
        },
        Check::Gate(check) => checklist::Check::Gate { policy: check.policy.clone() },
        Check::Command(check) => checklist::Check::Command { command: command_line(&check.run, folder), within: check.within.0 },
        Check::Alarms(check) => checklist::Check::Alarms {
            source: check.source.clone(),
            names: check.names.iter().map(|name| name.0.clone()).collect(),
        },
    }
}

fn of_group(from: &Group, aspect: Aspect) -> checklist::Check {
    checklist::Check::Group { group: from.group.clone(), aspect }
}

fn quantile(from: Quantile) -> f64 {
    match from {
        Quantile::P50 => 0.5,
        Quantile::P90 => 0.9,
        Quantile::P95 => 0.95,
    }
}
