//! Carries a script's commands out: documents, people, the virtual clock, and one decision after another.
//!
//! Invariant: every decision passes the checker, is made twice with the same bytes (I12), and made again on its own
//! outcome it comes to rest: at the same instant, with its effects carried out, nothing is left to change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::check::check;
use tminus::core::decide::{Command, Config, Decision, Order, Person, Snapshot, State, decide};
use tminus::core::words::{Name, TRelative, later};
use tminus::shell::settings::{Kind, Part, Severity, load_alone, load_texts};

use super::cache::Cache;
use super::group::Group;
use super::show;
use super::words::{Words, name_of};
use super::world::{Probe, World};

/// Most decisions at one instant before nothing is left to do: planned, preparing, ready, launched, and one that is quiet.
const MOST_DECISIONS: usize = 6;

/// See the module.
#[derive(Default)]
pub(super) struct Stage {
    parts: BTreeMap<(Kind, Name), Part>,
    pub(super) config: Config,
    state: State,
    world: World,
    people: BTreeMap<Name, Person>,
    /// The release whose T-0 the clock is read by.
    release: Option<Name>,
    now: Option<Timestamp>,
    pub(super) last: Option<Decision>,
    /// Files that were read.
    pub(super) files: BTreeSet<PathBuf>,
}

impl Stage {
    /// Carries out one command; what it prints, or why it makes no sense.
    pub(super) fn carry_out(&mut self, line: &str) -> Result<Vec<String>, String> {
        let mut words = Words::of(line)?;
        let verb = words.next("a command")?;
        let output = match verb.as_str() {
            "load" | "apply" => self.load(&mut words)?,
            "person" => self.person(&mut words)?,
            "clock" => self.clock(&mut words)?,
            "at" => self.at(&mut words)?,
            "run" => self.run(&mut words)?,
            "restart" => self.restart()?,
            "group" => self.group(&mut words)?,
            "cache" => self.cache(&mut words)?,
            "traffic" => self.traffic(&mut words)?,
            "probe" => self.probe(&mut words)?,
            "halt-file" => self.halt_file(&mut words)?,
            "status" => super::status::lines(self, &words.name("a release")?)?,
            "upcoming" => super::upcoming::lines(self, &words.name("a priming policy")?)?,
            "grid" => super::ask::grid(self, &mut words)?,
            "ask" => super::ask::lines(self, &mut words)?,
            _ => self.order(&verb, &mut words)?,
        };
        words.done()?;
        Ok(output)
    }

    /// Loads or replaces documents; `by` somebody it is an apply.
    fn load(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let paths: Vec<PathBuf> = words.rest().iter().map(|path| place(path)).collect();
        self.files.extend(paths.iter().filter_map(|path| path.canonicalize().ok()));
        let loaded = load_alone(&paths);
        let mut parts = self.parts.clone();
        let releases: Vec<_> =
            loaded.parts.iter().filter(|part| part.kind == Kind::Release).map(|part| part.name.clone()).collect();
        parts.extend(loaded.parts.into_iter().map(|part| ((part.kind, part.name.clone()), part)));
        let texts: Vec<_> = parts.values().map(|part| (part.file.clone(), part.text.clone())).collect();
        let whole = load_texts(&texts);
        let wrong: Vec<String> = loaded.findings.iter().chain(&whole.findings).map(show::finding).collect();
        if loaded.findings.iter().chain(&whole.findings).any(|finding| finding.severity == Severity::Error) {
            return Ok(std::iter::once("refused; the documents before stay in force".into()).chain(wrong).collect());
        }
        (self.parts, self.config) = (parts, whole.documents.config);
        let Some((name, reason)) = words.by.clone() else { return Ok(wrong) };
        let by = self.someone(&name)?;
        Ok([wrong, self.decide(vec![Command { by, order: Order::Applied { releases }, reason }])?].concat())
    }

    fn person(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let name = words.name("a name")?;
        let roles = words.rest().iter().map(|role| name_of(role)).collect::<Result<Vec<_>, _>>()?;
        self.people.insert(name.clone(), Person { name, roles });
        Ok(Vec::new())
    }

    fn someone(&self, name: &Name) -> Result<Person, String> {
        self.people.get(name).cloned().ok_or(format!("nobody is called {name}; introduce them by `person`"))
    }

    fn clock(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let name = words.name("a release")?;
        self.config.releases.get(&name).ok_or(format!("there is no release {name}"))?;
        self.release = Some(name);
        Ok(Vec::new())
    }

    /// T-0 of the release that the clock is read by.
    fn launch_at(&self) -> Result<Timestamp, String> {
        let release = self.release.as_ref().and_then(|name| self.config.releases.get(name));
        release.map(|release| release.launch_at).ok_or("say whose clock: `clock RELEASE`".into())
    }

    /// Sets the clock; nothing is decided on the way, as if tminus had been down.
    fn at(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let at = words.clock("")?.at(self.launch_at()?);
        if self.now.is_some_and(|now| at < now) {
            return Err("time does not go back".into());
        }
        self.now = Some(at);
        self.decide(Vec::new())
    }

    /// Decides at every tick, and in between when the decision itself or the world asks for it.
    fn run(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let until = words.clock("until")?.at(self.launch_at()?);
        let every = words.lasting("every")?.unwrap_or(Duration::from_mins(1));
        let mut output = Vec::new();
        loop {
            let now = self.now()?;
            let asked = self.last.as_ref().and_then(|decision| decision.wake_at);
            let next = [Some(later(now, every)), asked, self.world.next_event(now)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = Some(next);
            output.extend(self.decide(Vec::new())?);
        }
        self.now = Some(until);
        Ok(output)
    }

    /// The process ends and comes again: what was decided is read back, in the next epoch.
    fn restart(&mut self) -> Result<Vec<String>, String> {
        let written = serde_json::to_string(&self.state).map_err(|error| error.to_string())?;
        self.state = serde_json::from_str(&written).map_err(|error| error.to_string())?;
        self.state.epoch += 1;
        Ok(Vec::new())
    }

    fn group(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let name = words.name("a group")?;
        let silent = words.takes("silent");
        if silent || words.takes("answers") {
            let group = self.world.groups.get_mut(&name).ok_or(format!("there is no group {name}"))?;
            group.answers = !silent;
            return Ok(Vec::new());
        }
        let policy = self.config.scalings.get(&name).ok_or(format!("there is no scaling policy {name}"))?;
        let zones = policy.zones.map_or(1, |zones| zones.count);
        let (floor, ceiling) = (words.parsed("floor")?, words.parsed("ceiling")?);
        let boot = words.duration("boot")?.unwrap_or(Duration::from_mins(4));
        let mut group =
            Group::new(floor.unwrap_or(policy.limits.floor.0), ceiling.unwrap_or(policy.limits.ceiling.0), (zones, boot));
        let load = words.parsed::<f64>("load_per_minute")?;
        let swing = words.share("swing")?.unwrap_or(0.0);
        group.load = load.map(|per_minute| (per_minute / 60.0, swing));
        self.world.groups.insert(name, group);
        Ok(Vec::new())
    }

    fn cache(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let name = words.name("a priming policy")?;
        let before = self.world.caches.remove(&name);
        let cache = Cache {
            objects: words.parsed("objects")?.or(before.as_ref().map(|cache| cache.objects)).unwrap_or(10_000),
            reaches: words.share("reaches")?.unwrap_or(1.0),
            takes: words.duration("takes")?.unwrap_or(Duration::from_mins(30)),
            again: words.duration("again")?.unwrap_or(Duration::from_mins(1)),
            fresh_for: words.duration("fresh_for")?,
            problem: words.value("problem").map(|text| text.replace('_', " ")),
            running: before.as_ref().and_then(|cache| cache.running.clone()),
            coverage: before.and_then(|cache| cache.coverage),
        };
        self.world.caches.insert(name, cache);
        Ok(Vec::new())
    }

    fn traffic(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        let traffic = self.world.traffic.entry(words.name("a release")?).or_default();
        traffic.silent = words.takes("silent");
        traffic.requests = words.parsed("per_minute")?.unwrap_or(traffic.requests);
        traffic.old_errors = words.share("old_errors")?.unwrap_or(traffic.old_errors);
        traffic.new_errors = words.share("new_errors")?.unwrap_or(traffic.new_errors);
        Ok(Vec::new())
    }

    fn probe(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        use tminus::core::checklist::Outcome::{Green, Red, Unknown};
        let item = words.name("an item")?;
        let outcome = match words.next("green, red or unknown")?.as_str() {
            "green" => Green,
            "red" => Red,
            "unknown" => Unknown,
            other => return Err(format!("a probe is green, red or unknown, not {other}")),
        };
        self.world.forget(&item);
        self.world.probes.insert(item, Probe { outcome, detail: words.rest().join(" ") });
        Ok(Vec::new())
    }

    fn halt_file(&mut self, words: &mut Words) -> Result<Vec<String>, String> {
        self.world.halt_file = words.takes("appears");
        if !self.world.halt_file && !words.takes("goes") {
            return Err("a halt file `appears` or `goes`".into());
        }
        self.decide(Vec::new())
    }

    fn order(&mut self, verb: &str, words: &mut Words) -> Result<Vec<String>, String> {
        let (name, reason) = words.by.take().ok_or(format!("`{verb}` is no command, or nobody gives it: add `by NAME`"))?;
        let by = self.someone(&name)?;
        let order = super::order::order(verb, words, self.now()?)?;
        self.decide(vec![Command { by, order, reason }])
    }

    /// Decides until nothing changes any more; the lines of all of it.
    fn decide(&mut self, commands: Vec<Command>) -> Result<Vec<String>, String> {
        let (mut lines, mut commands) = (Vec::new(), commands);
        for _ in 0..MOST_DECISIONS {
            let (decision, printed) = self.decide_once(std::mem::take(&mut commands))?;
            lines.extend(printed);
            if !decision.changed {
                return Ok(lines);
            }
        }
        Err(format!(
            "it does not come to rest: after {MOST_DECISIONS} decisions at one instant it still changes something\n{}",
            lines.join("\n")
        ))
    }

    fn decide_once(&mut self, commands: Vec<Command>) -> Result<(Decision, Vec<String>), String> {
        let now = self.now()?;
        let views = self.last.as_ref().map(|decision| &decision.releases);
        let percents = views.into_iter().flatten().map(|(name, view)| (name.clone(), view.percent)).collect();
        let seen = self.world.advance(&self.config, &percents, now);
        let mut lines: Vec<(&str, String)> = seen.into_iter().map(|line| ("world", line)).collect();
        let observed = self.world.observe(&self.config, now);
        let snapshot = Snapshot { config: self.config.clone(), state: self.state.clone(), observed, commands, now };
        let decision = decided(&snapshot)?;
        lines.extend(show::news(self.last.as_ref(), &decision, &snapshot));
        for intent in &decision.intents {
            lines.extend(self.world.act(intent, now).err().map(|refused| ("world", refused)));
        }
        self.state = decision.state.clone();
        self.last = Some(decision.clone());
        let clock = TRelative::of(now, self.launch_at()?).clock();
        Ok((decision, lines.into_iter().flat_map(|(label, text)| show::line(&clock, label, &text)).collect()))
    }

    pub(super) fn now(&self) -> Result<Timestamp, String> {
        self.now.ok_or("say when: `at T-2d`".into())
    }
}

/// The decision, made twice and checked.
fn decided(snapshot: &Snapshot) -> Result<Decision, String> {
    let decision = decide(snapshot);
    let broken = check(&decision, snapshot);
    if !broken.is_empty() {
        return Err(format!("the checker finds {broken:#?}"));
    }
    let bytes = |decision: &Decision| serde_json::to_string(decision).map_err(|error| error.to_string());
    if bytes(&decision)? == bytes(&decide(snapshot))? { Ok(decision) } else { Err("decided twice, it differs".into()) }
}

/// A path beside the scripts, or in the repository.
fn place(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = root.join("tests/scenarios").join(path);
    if beside.exists() { beside } else { root.join(path) }
}
