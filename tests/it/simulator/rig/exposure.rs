//! The clients of a world: a few dozen who ask the throttle whenever it changes, and whose answers must make sense over time.
//!
//! Invariants (I5, and I4 for halts): who was in stays in while the percent rises; percent 0 serves nobody who is not
//! forced or early; a halt holds for force too; nothing is served before its time; a client's bucket never moves.

use std::collections::BTreeMap;

use tminus::core::decide::{Decision, Snapshot};
use tminus::core::release::{Active, Phase, Release};
use tminus::core::throttle::{Decision as Answer, Force, Halt, HaltTarget, Offer, Reason, Request, Table, TableInput};
use tminus::core::words::{Name, Version};

use super::watch::Wrong;
use super::world::name;

/// See the module.
#[derive(Default)]
pub struct Clients {
    /// What the table was made of last.
    table: Option<(Vec<Offer>, Vec<Halt>, String)>,
    /// What each was told last, by app, channel, version and client; with what was on offer then.
    last: BTreeMap<(usize, usize, usize), (Answer, String)>,
    /// Where each stands, by app, client and version offered.
    buckets: BTreeMap<(usize, usize, String), u32>,
}

const APPS: [&str; 2] = ["Reader", "Writer"];
const CHANNELS: [&str; 2] = ["release", "beta"];
const CLIENTS: usize = 14;

impl Clients {
    /// Everybody asks, if anything changed.
    pub fn look(&mut self, snapshot: &Snapshot, decision: &Decision) -> Option<Wrong> {
        let same = self.table.as_ref().is_some_and(|(offers, halts, revision)| {
            *offers == decision.offers && *halts == decision.halts && *revision == snapshot.config.revision
        });
        if same {
            return None;
        }
        self.table = Some((decision.offers.clone(), decision.halts.clone(), snapshot.config.revision.clone()));
        let table = Table::build(TableInput {
            policies: snapshot.config.throttles.values().cloned().collect(),
            offers: decision.offers.clone(),
            halts: decision.halts.clone(),
            revision: format!("{}-{}", snapshot.config.revision, decision.state.decisions),
            next_change_secs: None,
        });
        (0..APPS.len() * CHANNELS.len() * CLIENTS).find_map(|number| {
            let (app, rest) = (number % APPS.len(), number / APPS.len());
            let at = (app, rest % CHANNELS.len(), rest / CHANNELS.len());
            self.ask(&table, at, (snapshot, decision))
        })
    }

    fn ask(&mut self, table: &Table, at: (usize, usize, usize), seen: (&Snapshot, &Decision)) -> Option<Wrong> {
        let (app, channel, client) = at;
        let request = |force| Request {
            app: name(APPS[app]),
            version: Version::new(if client == 0 { "1.5" } else { "1.0" }).unwrap(),
            channel: name(CHANNELS[channel]),
            client: Some(format!("client-{client}")),
            force,
        };
        let forced = (client < 2).then(|| (request(Force::Serve), table.decide(&request(Force::Serve), 0)));
        let plain = (request(Force::None), table.decide(&request(Force::None), 0));
        let wrong = forced.iter().chain([&plain]).find_map(|(request, answer)| served_rightly(request, answer, seen));
        wrong.or_else(|| self.moved(at, &plain.1, seen.1)).map(|message| ("I5", message))
    }

    /// Compares with what the client was told before.
    fn moved(&mut self, at: (usize, usize, usize), answer: &Answer, decision: &Decision) -> Option<String> {
        let (app, channel, client) = at;
        let live = |offer: &&Offer| {
            offer.app == name(APPS[app])
                && offer.audiences.iter().any(|audience| audience.channels.contains(&name(CHANNELS[channel])))
        };
        let offers: Vec<_> = decision.offers.iter().filter(live).map(|offer| offer.version.as_str()).collect();
        let halts: Vec<_> = decision.halts.iter().map(|halt| &halt.target).collect();
        let standing = format!("{offers:?} {halts:?}");
        if let (true, Some(version), Some(bucket)) = (answer.serve, &answer.version, answer.bucket) {
            let known = *self.buckets.entry((app, client, version.as_str().into())).or_insert(bucket);
            if known != bucket {
                return Some(format!("client-{client} stood at {known} for {version} and stands at {bucket} now"));
            }
        }
        let before = self.last.insert(at, (answer.clone(), standing.clone()));
        let (before, before_standing) = before?;
        let rose = answer.percent >= before.percent && before_standing == standing;
        let out = before.serve && !answer.serve && before.bucket.is_some() && answer.bucket.is_some();
        (rose && out).then(|| {
            format!(
                "client-{client} of {} was served at {} % and is held back at {} %",
                APPS[app], before.percent, answer.percent
            )
        })
    }
}

/// What is wrong with one answer by itself.
fn served_rightly(request: &Request, answer: &Answer, (snapshot, decision): (&Snapshot, &Decision)) -> Option<String> {
    if !answer.serve {
        return None;
    }
    let who = format!("{} {} ({:?})", request.app, request.channel, request.force);
    if snapshot.observed.halt_file {
        return Some(format!("{who} is served although the halt file is there"));
    }
    let halted = |halt: &&Halt| match &halt.target {
        HaltTarget::Everything => true,
        HaltTarget::App { app } => *app == request.app,
        HaltTarget::Channel { app, channel } => *app == request.app && *channel == request.channel,
        HaltTarget::Version { app, version } => {
            *app == request.app && answer.version.as_ref().is_some_and(|served| served.as_str() == version)
        }
    };
    if let Some(halt) = decision.state.halts.iter().find(halted) {
        return Some(format!("{who} is served although {:?} is halted", halt.target));
    }
    let version = answer.version.as_ref()?;
    let unforced = matches!(answer.reason, Reason::Rule | Reason::Rollout | Reason::Global | Reason::Default);
    if unforced && answer.bucket.is_some_and(|bucket| bucket >= answer.percent.ppm()) {
        return Some(format!("{who} is served at {} % although it stands at {:?}", answer.percent, answer.bucket));
    }
    let brings = |release: &&Release| release.app == request.app && release.version.as_str() == version.as_str();
    let mut bringing = snapshot.config.releases.values().filter(brings);
    let may = bringing.any(|release| may_serve(release, &request.channel, (snapshot, decision)));
    (!may).then(|| format!("{who} is served {version}, whose time has not come"))
}

/// Whether a release may reach a channel at all.
fn may_serve(release: &Release, channel: &Name, (snapshot, decision): (&Snapshot, &Decision)) -> bool {
    let Some(state) = decision.state.releases.get(&release.name).filter(|_| !release.shadow) else { return false };
    let early =
        release.early.iter().any(|entry| entry.channels.contains(channel) && entry.at.at(release.launch_at) <= snapshot.now);
    let launched = match &state.phase {
        Phase::Active(active) | Phase::Held { at: active, .. } => matches!(active, Active::Rolling { .. } | Active::Baking),
        Phase::Complete | Phase::Aborted { .. } => true,
        Phase::Planned | Phase::Scrubbed { .. } => false,
    };
    let scrubbed = matches!(state.phase, Phase::Scrubbed { .. });
    (early && !scrubbed) || ((launched || release.released) && release.channels.contains(channel))
}
