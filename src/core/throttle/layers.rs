//! The order of the layers: halt, offer, force, exception, percent, fallback (docs/THROTTLE.md).
//!
//! Not here: looking things up (`table`, `index`) and saying why in words (`note`). Invariants (I5): halt beats
//! everything; raising a percent removes no client; percent 0 serves nobody who is not forced or excepted; nothing is
//! served before its time, nor to a client that has it or something newer.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::note::Note;
use super::retry::{place, retry_after_secs};
use super::table::{App, Live, openness};
use super::{Decision, Force, NoClientId, Reason, Request, Rule, Table, bucket};
use crate::core::words::{Percent, Version};

/// What the layers said, before it is known what the client may take.
#[derive(Clone, Copy)]
struct Verdict {
    serve: bool,
    reason: Reason,
    percent: Percent,
}

/// A request beside everything that was found for it.
struct Case<'a, F> {
    table: &'a Table,
    app: &'a App,
    request: &'a Request,
    live: Option<&'a Live>,
    rule: Option<&'a Rule>,
    bucket: Option<u32>,
    draw: u32,
    note: F,
}

impl Table {
    /// Decides. `draw`, in 0..1,000,000, stands in for a bucket where a policy says `no_client_id: random`, and spreads
    /// the return of clients without an id.
    pub fn decide(&self, request: &Request, draw: u32) -> Decision {
        self.weigh(request, draw, |_| ())
    }

    /// Decides and says what each layer found, in order.
    pub fn explain(&self, request: &Request, draw: u32) -> (Decision, Vec<String>) {
        let mut notes = Vec::new();
        let decision = self.weigh(request, draw, |note| notes.push(note.to_string()));
        (decision, notes)
    }

    fn weigh(&self, request: &Request, draw: u32, mut note: impl FnMut(Note<'_>)) -> Decision {
        let app = self.app(&request.app);
        let held = |reason| Verdict { serve: false, reason, percent: Percent::ZERO };
        if let Some(what) = self.halted(app, &request.channel) {
            note(Note::Halted(what));
            return self.answer(request, draw, held(Reason::Halt));
        }
        let live = self.newest(app, request);
        if live.is_none() && app.was_live {
            note(Note::NothingFits);
            return self.answer(request, draw, held(Reason::NoOffer));
        }
        note(live.map_or(Note::NeverLive, |live| Note::Offer(self.offer(live), live)));
        let rule = self.rule(app, &request.version, &request.channel);
        let bucket = request.client.as_deref().map(|client| bucket(&salt(request, live, rule), client));
        let mut case = Case { table: self, app, request, live, rule, bucket, draw, note };
        case.decide()
    }

    /// An answer without a version: halted, or nothing on offer.
    fn answer(&self, request: &Request, draw: u32, verdict: Verdict) -> Decision {
        let Verdict { serve, reason, percent } = verdict;
        let place = place(request.client.as_deref(), draw);
        Decision {
            serve,
            version: None,
            reason,
            rule: None,
            percent,
            bucket: None,
            retry_after_secs: retry_after_secs(serve, reason, self.input().next_change_secs, place),
            revision: self.input().revision.clone(),
        }
    }

    /// The newest version that is live for the channel, may be taken and is newer; of several releases that bring it,
    /// the one that is furthest open.
    fn newest<'a>(&self, app: &'a App, request: &Request) -> Option<&'a Live> {
        let mut best: Option<&Live> = None;
        for live in self.fitting(app, request) {
            match best {
                None => best = Some(live),
                Some(found) if self.order(live, found) != Ordering::Equal => break,
                Some(found) if openness(live) > openness(found) => best = Some(live),
                Some(_) => {}
            }
        }
        best
    }

    /// What fits the request, newest first.
    fn fitting<'a>(&self, app: &'a App, request: &Request) -> impl Iterator<Item = &'a Live> {
        let newer = |live: &&Live| request.version.is_older_than(&self.offer(live).version);
        let takes = |live: &&Live| self.offer(live).from.as_ref().is_none_or(|from| from.matches(&request.version));
        app.live(&request.channel).iter().take_while(newer).filter(takes)
    }

    fn order(&self, one: &Live, other: &Live) -> Ordering {
        self.offer(one).version.order(&self.offer(other).version)
    }
}

/// The rule's, else `app/offered version`, else `app/version`; the app in lower case.
fn salt<'a>(request: &Request, live: Option<&'a Live>, rule: Option<&'a Rule>) -> Cow<'a, str> {
    match (rule.and_then(|rule| rule.salt.as_deref()), live) {
        (Some(salt), _) => Cow::Borrowed(salt),
        (None, Some(live)) => Cow::Borrowed(&live.salt),
        (None, None) => Cow::Owned(format!("{}/{}", request.app.folded(), request.version)),
    }
}

impl<F: FnMut(Note<'_>)> Case<'_, F> {
    fn decide(&mut self) -> Decision {
        (self.note)(Note::Rule(self.rule));
        let verdict = self.verdict();
        let version = if verdict.serve { self.live.map(|live| self.table.offer(live).version.clone()) } else { self.fallback() };
        let answer = self.table.answer(self.request, self.draw, verdict);
        Decision { version, rule: self.rule.map(|rule| rule.label.clone()), bucket: self.bucket, ..answer }
    }

    fn verdict(&mut self) -> Verdict {
        (self.note)(Note::Force(self.request.force));
        match self.request.force {
            Force::Serve => return Verdict { serve: true, reason: Reason::Force, percent: Percent::FULL },
            Force::HoldBack => return Verdict { serve: false, reason: Reason::Force, percent: Percent::ZERO },
            Force::None => {}
        }
        if self.is_excepted() {
            return Verdict { serve: true, reason: Reason::Exception, percent: Percent::FULL };
        }
        let (percent, reason) = self.percent();
        self.compare(percent, reason)
    }

    fn is_excepted(&mut self) -> bool {
        let early = self.live.is_some_and(|live| live.early);
        let by_rule = self.rule.is_some_and(|rule| rule.except_channels.contains(&self.request.channel));
        (self.note)(Note::Exception { early, by_rule, channel: &self.request.channel });
        early || by_rule
    }

    /// The smaller of what the policy and the running step allow, and which of them bound; the policy on a tie.
    fn percent(&mut self) -> (Percent, Reason) {
        let (policy, reason) = match (self.rule, self.table.global()) {
            (Some(rule), _) => (rule.percent, Reason::Rule),
            (None, Some(global)) => (global, Reason::Global),
            (None, None) => (Percent::FULL, Reason::Default),
        };
        let step = self.live.map_or(Percent::FULL, |live| live.step);
        (self.note)(Note::Percent { policy, reason, step });
        if step < policy { (step, Reason::Rollout) } else { (policy, reason) }
    }

    /// Without a client id the ends of the scale still decide.
    fn compare(&mut self, percent: Percent, reason: Reason) -> Verdict {
        let ends = percent == Percent::ZERO || percent == Percent::FULL;
        let no_client_id = || self.table.no_client_id(self.app, &self.request.version, &self.request.channel);
        let verdict = match self.bucket {
            Some(bucket) => Verdict { serve: bucket < percent.ppm(), reason, percent },
            None if ends => Verdict { serve: percent == Percent::FULL, reason, percent },
            None => match no_client_id() {
                NoClientId::HoldBack => Verdict { serve: false, reason: Reason::NoClientId, percent },
                NoClientId::Random => Verdict { serve: self.draw < percent.ppm(), reason, percent },
            },
        };
        (self.note)(Note::Compared { bucket: self.bucket, percent, reason: verdict.reason, serve: verdict.serve });
        verdict
    }

    /// What a held-back client may take instead: the rule's fallback, else the newest complete release before the
    /// offer. One path for both, so that neither escapes the downgrade guard.
    fn fallback(&mut self) -> Option<Version> {
        let named = self.rule.and_then(|rule| rule.fallback.as_ref());
        let complete = self.table.fitting(self.app, self.request).map(|live| self.table.offer(live));
        let complete = complete.filter(|offer| offer.complete).map(|offer| &offer.version);
        let found = named.into_iter().chain(complete).find(|version| self.may_fall_back_to(version)).cloned();
        (self.note)(Note::Fallback { named, found: found.as_ref() });
        found
    }

    fn may_fall_back_to(&self, version: &Version) -> bool {
        let newer = self.request.version.is_older_than(version);
        let before_offer = self.live.is_none_or(|live| version.is_older_than(&self.table.offer(live).version));
        newer && before_offer && !self.app.withholds(version)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Audience, Halt, HaltTarget, Offer, Policy, TableInput};
    use super::*;
    use crate::core::words::{Name, VersionRule};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    fn percent(ppm: u32) -> Percent {
        Percent::from_ppm(ppm).unwrap()
    }

    fn halt(target: HaltTarget) -> Halt {
        Halt { target, by: "ann".into(), reason: "crashes".into(), at: jiff::Timestamp::UNIX_EPOCH, lifts: vec![] }
    }

    fn request(asks: &str, channel: &str) -> Request {
        Request { app: name("Reader"), version: version(asks), channel: name(channel), client: None, force: Force::None }
    }

    fn complete(brings: &str) -> Offer {
        let audience = Audience { channels: vec![name("release"), name("beta")], early: false, step: None };
        Offer {
            release: name(&format!("reader-{brings}")),
            app: name("reader"),
            version: version(brings),
            from: None,
            audiences: vec![audience],
            was_live: true,
            complete: true,
        }
    }

    fn rolling(brings: &str, ppm: u32) -> Offer {
        let audience = |channel, early, step| Audience { channels: vec![name(channel)], early, step };
        let audiences = vec![audience("release", false, Some(percent(ppm))), audience("beta", true, None)];
        Offer { audiences, complete: false, ..complete(brings) }
    }

    fn rule(ppm: u32) -> Rule {
        Rule { label: "p/rules[0]".into(), ..Rule::about(name("READER"), percent(ppm)) }
    }

    fn input(offers: Vec<Offer>, rules: Vec<Rule>) -> TableInput {
        let policies = vec![Policy { rules, ..Policy::named(name("p")) }];
        TableInput { offers, policies, revision: "r1".into(), ..TableInput::default() }
    }

    /// `reason ppm version`, in capitals when served.
    fn check(input: &TableInput, request: &Request, expected: &str) {
        let decision = Table::build(input.clone()).decide(request, 0);
        let reason = decision.reason.word();
        let reason = if decision.serve { reason.to_uppercase() } else { reason.into() };
        let given = decision.version.as_ref().map_or("-", Version::as_str);
        assert_eq!(format!("{reason} {} {given}", decision.percent.ppm()), expected, "{request:?}");
    }

    #[test]
    fn the_newest_live_release_that_fits_is_offered() {
        let bridge = Offer { from: Some("1.*".parse().unwrap()), ..complete("2.0") };
        let ahead = Offer { audiences: vec![], was_live: false, ..complete("9.0") };
        let offers = vec![complete("2.1"), bridge, ahead, Offer { from: Some(">=2".parse().unwrap()), ..complete("2.2") }];
        let input = input(offers, vec![]);
        check(&input, &request("1.9", "release"), "DEFAULT 1000000 2.1");
        check(&input, &request("2.1", "release"), "DEFAULT 1000000 2.2");
        check(&input, &request("2.2", "release"), "no_offer 0 -");
        check(&input, &request("2.1", "nightly"), "no_offer 0 -");
        let other = Request { app: name("Writer"), ..request("1.0", "release") };
        check(&input, &other, "DEFAULT 1000000 -");
    }

    #[test]
    fn of_several_releases_with_one_version_the_widest_open_counts() {
        let wide = Offer { from: Some("2.*".parse().unwrap()), release: name("wide"), ..complete("3.0") };
        let input = input(vec![rolling("3.0", 0), wide], vec![]);
        check(&input, &request("2.0", "release"), "DEFAULT 1000000 3.0");
        check(&input, &request("1.0", "release"), "rollout 0 -");
    }

    #[test]
    fn an_early_channel_stays_whole_while_the_rollout_runs_and_is_no_exception_after() {
        let twice = |offer: Offer| {
            let late = Audience { channels: vec![name("beta")], early: false, step: (!offer.complete).then(|| percent(0)) };
            let early = Audience { channels: vec![name("BETA")], early: true, step: None };
            Offer { audiences: vec![late, early], ..offer }
        };
        check(&input(vec![twice(rolling("2.0", 0))], vec![rule(0)]), &request("1.0", "beta"), "EXCEPTION 1000000 2.0");
        check(&input(vec![twice(complete("2.0"))], vec![rule(0)]), &request("1.0", "beta"), "rule 0 -");
    }

    #[test]
    fn the_smaller_percent_binds_and_is_named_the_policy_on_a_tie() {
        let client = |asks, channel| Request { client: Some("c".into()), ..request(asks, channel) };
        for (step, policy, expected) in [(0, 5, "rollout 0 -"), (5, 0, "rule 0 -"), (0, 0, "rule 0 -")] {
            check(&input(vec![rolling("2.0", step)], vec![rule(policy)]), &client("1.0", "release"), expected);
        }
        let full = input(vec![rolling("2.0", 1_000_000)], vec![]);
        check(&full, &client("1.0", "release"), "DEFAULT 1000000 2.0");
        check(&input(vec![rolling("2.0", 0)], vec![rule(0)]), &client("1.0", "beta"), "EXCEPTION 1000000 2.0");
    }

    #[test]
    fn halts_beat_everything_and_a_halted_version_is_out_of_the_running() {
        let forced = |channel| Request { force: Force::Serve, ..request("1.0", channel) };
        let with = |target| TableInput { halts: vec![halt(target)], ..input(vec![complete("2.0"), rolling("3.0", 0)], vec![]) };
        let app = || name("rEADER");
        check(&with(HaltTarget::Everything), &forced("release"), "halt 0 -");
        check(&with(HaltTarget::App { app: app() }), &forced("beta"), "halt 0 -");
        let channel = with(HaltTarget::Channel { app: app(), channel: name("BETA") });
        check(&channel, &forced("beta"), "halt 0 -");
        check(&channel, &forced("release"), "FORCE 1000000 3.0");
        let version = with(HaltTarget::Version { app: app(), version: "3.0".into() });
        check(&version, &forced("beta"), "FORCE 1000000 2.0");
        check(&version, &request("1.0", "release"), "DEFAULT 1000000 2.0");
        check(&version, &request("2.0", "release"), "no_offer 0 -");
        // The only release is halted: the app still has releases, so this is no throttle in front of somebody else's.
        let only = HaltTarget::Version { app: app(), version: "2.0".into() };
        let only = TableInput { halts: vec![halt(only)], ..input(vec![complete("2.0")], vec![]) };
        check(&only, &forced("release"), "no_offer 0 -");
        assert_eq!(Table::default().decide(&forced("release"), 0).reason, Reason::Halt);
    }

    #[test]
    fn a_held_back_client_falls_back_but_never_down() {
        let offers = || vec![complete("1.5"), complete("2.0"), rolling("3.0", 0)];
        let named = |fallback: &str| vec![Rule { fallback: Some(version(fallback)), ..rule(0) }];
        let ahead = Offer { audiences: vec![], was_live: false, complete: false, ..complete("2.5") };
        let halted = |fallback: &str| {
            let target = HaltTarget::Version { app: name("reader"), version: "2.0".into() };
            TableInput { halts: vec![halt(target)], ..input(offers(), named(fallback)) }
        };
        for (input, asks, expected) in [
            (input(offers(), vec![]), "1.0", "rollout 0 2.0"),
            (input(offers(), vec![]), "2.0", "rollout 0 -"),
            (input(offers(), named("1.5")), "1.0", "rule 0 1.5"),
            (input(offers(), named("1.5")), "1.6", "rule 0 2.0"),
            (input(offers(), named("1.5")), "2.0", "rule 0 -"),
            (input(offers(), named("3.0")), "1.0", "rule 0 2.0"),
            (input([offers(), vec![ahead]].concat(), named("2.5")), "1.0", "rule 0 2.0"),
            (input(offers(), named("1.7")), "1.0", "rule 0 1.7"),
            (halted("2.0"), "1.0", "rule 0 1.5"),
            (input(vec![], named("2.0")), "1.0", "rule 0 2.0"),
            (input(vec![], named("2.0")), "2.0.0", "rule 0 -"),
        ] {
            check(&input, &request(asks, "release"), expected);
        }
        let back = Request { force: Force::HoldBack, ..request("1.0", "beta") };
        check(&input(offers(), vec![]), &back, "force 0 2.0");
    }

    #[test]
    fn without_a_client_id_only_the_ends_of_the_scale_decide() {
        let random = |mut input: TableInput| {
            input.policies[0].no_client_id = NoClientId::Random;
            input
        };
        let half = || input(vec![], vec![rule(500_000)]);
        check(&half(), &request("1.0", "release"), "no_client_id 500000 -");
        check(&random(half()), &request("1.0", "release"), "RULE 500000 -");
        assert!(!Table::build(random(half())).decide(&request("1.0", "release"), 500_000).serve);
        let step = || input(vec![rolling("2.0", 500_000)], vec![]);
        check(&step(), &request("1.0", "release"), "no_client_id 500000 -");
        check(&random(step()), &request("1.0", "release"), "ROLLOUT 500000 2.0");
        // A second policy that says nothing about the app must not open what the first keeps shut, nor the reverse.
        let mut two = random(half());
        two.policies.push(Policy::named(name("q")));
        check(&two, &request("1.0", "release"), "RULE 500000 -");
        let writer = Request { app: name("writer"), ..request("1.0", "release") };
        two.policies[1].global = Some(percent(500_000));
        check(&two, &writer, "no_client_id 500000 -");
    }

    #[test]
    fn buckets_are_salted_by_rule_else_by_the_offered_version_else_by_the_clients() {
        let client = Request { client: Some("c".into()), ..request("1.0", "release") };
        let stands = |input| Table::build(input).decide(&client, 0).bucket;
        let salted = Rule { salt: Some("s".into()), ..rule(5) };
        assert_eq!(stands(input(vec![complete("2.0")], vec![salted])), Some(bucket("s", "c")));
        assert_eq!(stands(input(vec![complete("2.0")], vec![rule(5)])), Some(bucket("reader/2.0", "c")));
        assert_eq!(stands(input(vec![], vec![rule(5)])), Some(bucket("reader/1.0", "c")));
    }

    #[test]
    fn explanations_name_every_layer_that_was_asked() {
        let table = Table::build(input(vec![complete("2.0"), rolling("3.0", 0)], vec![rule(500_000)]));
        let (decision, notes) = table.explain(&Request { client: Some("c".into()), ..request("1.0", "release") }, 0);
        assert_eq!(decision, table.decide(&Request { client: Some("c".into()), ..request("1.0", "release") }, 0));
        let begins: Vec<_> = notes.iter().filter_map(|note| note.split(':').next()).collect();
        assert_eq!(begins, ["offer", "rule", "force", "exception", "percent", "bucket", "fallback"], "{notes:?}");
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let version = prop::option::of(prop::sample::select(vec!["1.0", "1.0, 1.1", "<1.1", ">=1.1 <3", "1.*", "2*"]));
        let channel = prop::option::of(prop::sample::select(vec!["release", "beta"]));
        let except = prop::collection::vec(prop::sample::select(vec!["release", "beta"]).prop_map(name), 0..2);
        (0..3_u32, version, channel, except, 0..=1_000_000_u32, any::<u64>()).prop_map(
            |(app, version, channel, except, ppm, label)| Rule {
                label: format!("p/rules[{label}]"),
                version: version.map(|text| text.parse().unwrap()),
                channel: channel.map(name),
                except_channels: except,
                ..Rule::about(name(["Reader", "reader", "Writer"][app as usize]), percent(ppm))
            },
        )
    }

    fn any_offer() -> impl Strategy<Value = Offer> {
        let brings = prop::sample::select(vec!["1.0", "1.1", "2.0", "2.0.0", "3.0"]);
        (brings, 0..=1_000_000_u32, any::<bool>(), any::<u64>()).prop_map(|(brings, ppm, done, number)| {
            let offer = if done { complete(brings) } else { rolling(brings, ppm) };
            Offer { release: name(&format!("reader-{number}")), ..offer }
        })
    }

    fn any_request() -> impl Strategy<Value = Request> {
        let asks = prop::sample::select(vec!["0.9", "1.0", "1.1", "2.0", "2.5"]);
        let channel = prop::sample::select(vec!["release", "beta", "Beta", "nightly"]);
        let force = prop::sample::select(vec![Force::None, Force::None, Force::Serve, Force::HoldBack]);
        (asks, channel, prop::option::of("[a-z]{1,4}"), force).prop_map(|(asks, channel, client, force)| Request {
            client,
            force,
            ..request(asks, channel)
        })
    }

    fn any_input() -> impl Strategy<Value = TableInput> {
        let parts = (prop::collection::vec(any_offer(), 0..6), prop::collection::vec(any_rule(), 0..8));
        (parts, prop::option::of(0..=1_000_000_u32)).prop_map(|((offers, rules), global)| {
            let mut input = input(offers, rules);
            input.policies[0].global = global.map(percent);
            input
        })
    }

    proptest! {
        #[test]
        fn raising_a_percent_never_removes_a_client(mut input in any_input(), asks in any_request(), more in 0..=1_000_000_u32) {
            let asks = Request { client: Some(asks.client.unwrap_or_default()), ..asks };
            let before = Table::build(input.clone()).decide(&asks, 0);
            // Every pedal goes down by the same share of what is left of it.
            let raise = |pedal: &mut Percent| {
                let left = u64::from(1_000_000 - pedal.ppm()) * u64::from(more) / 1_000_000;
                *pedal = percent(pedal.ppm() + left as u32);
            };
            input.policies[0].rules.iter_mut().for_each(|rule| raise(&mut rule.percent));
            input.policies[0].global.iter_mut().for_each(&raise);
            let steps = input.offers.iter_mut().flat_map(|offer| &mut offer.audiences).filter_map(|audience| audience.step.as_mut());
            steps.for_each(raise);
            // Equal rules tie by percent, and may swap; documents that tie are refused.
            prop_assume!(super::super::ambiguities(&input.policies).is_empty());
            let after = Table::build(input).decide(&asks, 0);
            prop_assert!(!before.serve || after.serve, "{before:?} {after:?}");
            prop_assert_eq!(before.bucket, after.bucket);
        }

        #[test]
        fn the_ends_of_the_scale_are_exact(mut input in any_input(), asks in any_request(), draw in 0..1_000_000_u32, full: bool) {
            let end = if full { Percent::FULL } else { Percent::ZERO };
            input.policies[0].rules.iter_mut().for_each(|rule| rule.percent = end);
            input.policies[0].global = Some(end);
            let decision = Table::build(input).decide(&asks, draw);
            if matches!(decision.reason, Reason::Rule | Reason::Global | Reason::Default) {
                prop_assert_eq!(decision.serve, full);
            }
        }

        #[test]
        fn a_halt_of_the_app_beats_everything(mut input in any_input(), asks in any_request(), draw in 0..1_000_000_u32) {
            input.halts = vec![halt(HaltTarget::App { app: name("READER") })];
            let decision = Table::build(input).decide(&asks, draw);
            prop_assert!(!decision.serve && decision.version.is_none() && decision.reason == Reason::Halt);
            prop_assert_eq!(decision.percent, Percent::ZERO);
        }

        #[test]
        fn the_order_of_documents_shows_nowhere(input in any_input(), asks in any_request(), draw in 0..1_000_000_u32) {
            let mut turned = input.clone();
            turned.policies[0].rules.reverse();
            turned.offers.reverse();
            prop_assert_eq!(Table::build(input).decide(&asks, draw), Table::build(turned).decide(&asks, draw));
        }

        #[test]
        fn nobody_is_given_what_they_have_or_something_older(input in any_input(), asks in any_request(), draw in 0..1_000_000_u32) {
            if let Some(given) = Table::build(input).decide(&asks, draw).version {
                prop_assert!(asks.version.is_older_than(&given));
            }
        }

        #[test]
        fn the_matching_rule_is_the_most_specific_one(input in any_input(), asks in any_request()) {
            prop_assume!(super::super::ambiguities(&input.policies).is_empty());
            let matches = |rule: &&Rule| {
                let version = rule.version.as_ref().is_none_or(|version| version.matches(&asks.version));
                version && rule.app == asks.app && rule.channel.as_ref().is_none_or(|channel| *channel == asks.channel)
            };
            let specificity = |rule: &&Rule| (rule.version.as_ref().map(VersionRule::specificity), rule.channel.is_some());
            let best = input.policies[0].rules.iter().filter(matches).max_by_key(specificity);
            let label = best.map(|rule| rule.label.clone());
            let table = Table::build(input.clone());
            let found = table.rule(table.app(&asks.app), &asks.version, &asks.channel);
            prop_assert_eq!(found.map(|rule| rule.label.clone()), label);
        }
    }
}
