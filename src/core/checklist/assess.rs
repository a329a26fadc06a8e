//! Items and their evidence -> how each stands -> GO, HOLD or NO-GO with the first reason.
//!
//! Invariants: only measured, fresh and green evidence is green; a sign-off counts while its content is unchanged, by
//! distinct people, never by the one who applied the release (I7); no evidence is never GO.

use std::time::Duration;

use jiff::Timestamp;

use super::cadence::{cadence, is_fresh};
use super::{Blocks, Demand, Evidence, Item, ItemState, ItemStatus, Readiness, SignOff, Waiver, Word};
use crate::core::words::{Name, local};

/// What an item is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Assessment<'a> {
    /// The item.
    pub item: &'a Item,
    /// The last answer; `None`: never measured.
    pub evidence: Option<&'a Evidence>,
    /// How often its answer is renewed, where that is not the checklist's to say; `None`: as often as its cadence asks.
    pub renewed_every: Option<Duration>,
    /// What its sign-offs must have signed; `None`: unknown, so none counts.
    pub content: Option<&'a str>,
    /// The release's sign-offs.
    pub sign_offs: &'a [SignOff],
    /// The release's waivers.
    pub waivers: &'a [Waiver],
    /// Who applied the release.
    pub applied_by: Option<&'a Name>,
    /// T-0.
    pub launch_at: Timestamp,
    /// When it was launched or ended; what was due before is not past due after. `None`: not yet.
    pub launched_at: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// How an item stands.
pub fn assess(a: &Assessment<'_>) -> ItemStatus {
    let due_at = a.item.due.map(|due| due.at(a.launch_at));
    let (state, detail, measured_at) = answer(a);
    let open = matches!(state, ItemState::Pending | ItemState::Stale | ItemState::Unknown);
    let past_due = open && a.launched_at.is_none() && due_at.unwrap_or(a.launch_at) <= a.now;
    ItemStatus {
        id: a.item.id.clone(),
        title: a.item.title.clone(),
        owner: a.item.owner.clone(),
        state: if past_due { ItemState::PastDue } else { state },
        detail,
        measured_at,
        due_at,
        blocks: a.item.blocks,
    }
}

fn answer(a: &Assessment<'_>) -> (ItemState, String, Option<Timestamp>) {
    if let Some(waiver) = a.waivers.iter().rev().find(|waiver| is_waived(a, waiver)) {
        let detail = format!("waived by {} until {}: {}", waiver.by, local(waiver.expires_at, None), waiver.reason);
        return (ItemState::Waived, detail, None);
    }
    match &a.item.demand {
        Demand::SignOff { roles, count } => signed(a, roles, (*count).max(1)),
        Demand::Check(_) => measured(a),
    }
}

fn is_waived(a: &Assessment<'_>, waiver: &Waiver) -> bool {
    a.item.waivable && waiver.item == a.item.id && a.content == Some(waiver.content.as_str()) && a.now < waiver.expires_at
}

fn measured(a: &Assessment<'_>) -> (ItemState, String, Option<Timestamp>) {
    let Some(evidence) = a.evidence else { return (ItemState::Pending, "not measured yet".into(), None) };
    // By the cadence in which it was measured: where cadences tighten towards T-0 an answer must not be stale before the
    // next one could come.
    let own = cadence(a.item, a.launch_at, evidence.measured_at);
    let fresh = is_fresh(evidence, a.renewed_every.map_or(own, |every| every.max(a.item.every.unwrap_or_default())), a.now);
    let state = if fresh { evidence.outcome.into() } else { ItemState::Stale };
    (state, evidence.detail.clone(), Some(evidence.measured_at))
}

fn signed(a: &Assessment<'_>, roles: &[Name], count: u32) -> (ItemState, String, Option<Timestamp>) {
    let mut signers: Vec<&SignOff> = Vec::new();
    for sign_off in a.sign_offs.iter().filter(|sign_off| counts(a, sign_off, roles)) {
        if signers.iter().all(|earlier| earlier.by != sign_off.by) {
            signers.push(sign_off);
        }
    }
    let names: Vec<_> = signers.iter().map(|sign_off| sign_off.by.to_string()).collect();
    let last = signers.iter().map(|sign_off| sign_off.at).max();
    if signers.len() >= count as usize {
        return (ItemState::Green, format!("signed by {}", names.join(", ")), last);
    }
    let wanted = if roles.is_empty() { "anybody who may sign".into() } else { listed(roles) };
    let detail = match names.len() {
        0 => format!("waits for {count} sign-off{} by {wanted}", if count == 1 { "" } else { "s" }),
        got => format!("{got} of {count} sign-offs by {wanted}: {}", names.join(", ")),
    };
    (ItemState::Pending, detail, last)
}

fn counts(a: &Assessment<'_>, sign_off: &SignOff, roles: &[Name]) -> bool {
    sign_off.item == a.item.id
        && a.content == Some(sign_off.content.as_str())
        && a.applied_by != Some(&sign_off.by)
        && (roles.is_empty() || sign_off.roles.iter().any(|role| roles.contains(role)))
}

fn listed(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(" or ")
}

/// Adds items up. Items that block nothing are shown and do not count.
pub fn readiness(items: Vec<ItemStatus>) -> Readiness {
    let blocking = || items.iter().filter(|item| item.blocks != Blocks::Nothing);
    let red = blocking().filter(|item| matches!(item.state, ItemState::Red | ItemState::PastDue));
    let open = blocking().filter(|item| matches!(item.state, ItemState::Pending | ItemState::Stale | ItemState::Unknown));
    let reasons: Vec<String> = red.clone().chain(open.clone()).map(reason).collect();
    let word = match (red.count(), open.count()) {
        (0, 0) => Word::Go,
        (0, _) => Word::Hold,
        _ => Word::NoGo,
    };
    Readiness { word, reasons, items }
}

fn reason(item: &ItemStatus) -> String {
    let how = match item.state {
        ItemState::Red => "is red",
        ItemState::PastDue => "is past due",
        ItemState::Stale => "has no fresh answer",
        ItemState::Unknown => "could not be measured",
        ItemState::Pending | ItemState::Green | ItemState::Waived => "is pending",
    };
    let owner = item.owner.as_ref().map_or(String::new(), |owner| format!(" (owner {owner})"));
    format!("{} {how}{owner}: {}", item.id, item.detail)
}

/// Why the next rollout step may not be entered although the gate is SAFE: the first item that blocks steps.
pub fn step_blocked(items: &[ItemStatus]) -> Option<String> {
    let green = |item: &ItemStatus| matches!(item.state, ItemState::Green | ItemState::Waived);
    items.iter().find(|item| item.blocks == Blocks::Steps && !green(item)).map(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::checklist::{Check, Outcome};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-12-01T{text}Z").parse().unwrap()
    }

    fn item(demand: Demand) -> Item {
        Item {
            id: name("api-up"),
            title: "API answers".into(),
            owner: Some(name("api")),
            due: Some("T-5m".parse().unwrap()),
            demand,
            blocks: Blocks::Launch,
            waivable: true,
            every: Some(Duration::from_secs(20)),
            why: None,
        }
    }

    fn http() -> Item {
        item(Demand::Check(Check::Http { url: "http://x/".into(), status: 200, within: Duration::from_secs(2) }))
    }

    fn two_of_sre() -> Item {
        item(Demand::SignOff { roles: vec![name("sre")], count: 2 })
    }

    fn sign(by: &str, role: &str, content: &str) -> SignOff {
        SignOff {
            item: name("API-UP"),
            by: name(by),
            roles: vec![name(role)],
            at: at("10:00:00"),
            content: content.into(),
            reason: None,
        }
    }

    fn judged<'a>(item: &'a Item, evidence: Option<&'a Evidence>, sign_offs: &'a [SignOff]) -> Assessment<'a> {
        Assessment {
            item,
            evidence,
            renewed_every: None,
            content: Some("c1"),
            sign_offs,
            waivers: &[],
            applied_by: None,
            launch_at: at("12:00:00"),
            launched_at: None,
            now: at("11:00:00"),
        }
    }

    #[test]
    fn only_fresh_green_evidence_is_green() {
        let item = http();
        let evidence = |outcome, measured| Evidence { outcome, detail: "status 200".into(), measured_at: at(measured) };
        for (outcome, measured, expected) in [
            (Outcome::Green, "10:59:50", ItemState::Green),
            (Outcome::Green, "10:59:00", ItemState::Green),
            (Outcome::Green, "10:58:59", ItemState::Stale),
            (Outcome::Green, "11:00:30", ItemState::Stale),
            (Outcome::Red, "10:59:50", ItemState::Red),
            (Outcome::Unknown, "10:59:50", ItemState::Unknown),
        ] {
            let evidence = evidence(outcome, measured);
            assert_eq!(assess(&judged(&item, Some(&evidence), &[])).state, expected, "{outcome:?} at {measured}");
        }
        assert_eq!(assess(&judged(&item, None, &[])).state, ItemState::Pending);
    }

    #[test]
    fn what_is_not_green_when_due_is_past_due() {
        let item = http();
        let late = Assessment { now: at("11:55:00"), ..judged(&item, None, &[]) };
        assert_eq!(assess(&late).state, ItemState::PastDue);
        assert_eq!(readiness(vec![assess(&late)]).word, Word::NoGo);
    }

    #[test]
    fn sign_offs_need_distinct_people_with_the_role_over_this_content() {
        let item = two_of_sre();
        let green = |signs: &[SignOff], applied: Option<&Name>| {
            assess(&Assessment { applied_by: applied, ..judged(&item, None, signs) }).state == ItemState::Green
        };
        let (ann, bob) = (sign("ann", "sre", "c1"), sign("bob", "SRE", "c1"));
        assert!(green(&[ann.clone(), bob.clone()], None));
        assert!(!green(&[ann.clone(), sign("ANN", "sre", "c1")], None), "the same person twice");
        assert!(!green(&[ann.clone(), sign("bob", "qa", "c1")], None), "a role that does not count");
        assert!(!green(&[ann.clone(), sign("bob", "sre", "c0")], None), "another content");
        assert!(!green(&[ann, bob], Some(&name("Bob"))), "the one who applied it");
    }

    #[test]
    fn a_waiver_counts_until_it_expires_and_only_where_allowed() {
        let waiver = Waiver {
            item: name("api-up"),
            by: name("ann"),
            reason: "known".into(),
            expires_at: at("11:30:00"),
            content: "c1".into(),
        };
        let state = |item: &Item, now| {
            assess(&Assessment { waivers: std::slice::from_ref(&waiver), now: at(now), ..judged(item, None, &[]) }).state
        };
        assert_eq!(state(&http(), "11:00:00"), ItemState::Waived);
        assert_eq!(state(&http(), "11:30:00"), ItemState::Pending);
        assert_eq!(state(&Item { waivable: false, ..http() }, "11:00:00"), ItemState::Pending);
    }

    #[test]
    fn red_comes_first_and_items_that_block_nothing_do_not_count() {
        let item = http();
        let red = Evidence { outcome: Outcome::Red, detail: "status 500".into(), measured_at: at("11:00:00") };
        let pending = assess(&judged(&item, None, &[]));
        let failed = assess(&judged(&item, Some(&red), &[]));
        let both = readiness(vec![pending.clone(), failed.clone()]);
        assert_eq!(both.word, Word::NoGo);
        assert_eq!(both.reasons[0], "api-up is red (owner api): status 500");
        assert_eq!(readiness(vec![pending]).word, Word::Hold);
        assert_eq!(readiness(vec![ItemStatus { blocks: Blocks::Nothing, ..failed }]).word, Word::Go);
    }

    fn seen_at(measured: &str, now: &str, (every, renewed_every): (Option<Duration>, Option<Duration>)) -> ItemState {
        let item = Item { every, due: None, ..http() };
        let evidence = Evidence { outcome: Outcome::Green, detail: String::new(), measured_at: at(measured) };
        assess(&Assessment { renewed_every, now: at(now), ..judged(&item, Some(&evidence), &[]) }).state
    }

    #[test]
    fn an_answer_keeps_its_life_where_cadences_tighten_towards_the_launch() {
        // Every 2 minutes until an hour before 12:00, every 30 s after it: the next answer has to be able to come.
        assert_eq!(seen_at("10:58:30", "11:00:10", (None, None)), ItemState::Green);
        assert_eq!(seen_at("10:58:30", "11:04:31", (None, None)), ItemState::Stale);
        assert_eq!(seen_at("11:01:00", "11:02:31", (None, None)), ItemState::Stale);
    }

    #[test]
    fn what_is_renewed_by_others_lives_by_their_pace() {
        let quarter = Some(Duration::from_mins(15));
        assert_eq!(seen_at("11:10:00", "11:55:00", (None, quarter)), ItemState::Green);
        assert_eq!(seen_at("11:10:00", "11:55:01", (None, quarter)), ItemState::Stale);
        assert_eq!(seen_at("11:00:00", "11:59:00", (Some(Duration::from_mins(20)), quarter)), ItemState::Green);
    }

    #[test]
    fn after_the_launch_nothing_is_past_due() {
        let item = two_of_sre();
        let state = |launched_at| assess(&Assessment { launched_at, now: at("12:30:00"), ..judged(&item, None, &[]) }).state;
        assert_eq!((state(None), state(Some(at("12:00:00")))), (ItemState::PastDue, ItemState::Pending));
    }
}
