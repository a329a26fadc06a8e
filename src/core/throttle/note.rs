//! What a layer found, as a sentence for people who ask why (`decide --explain`).
//!
//! Not here: any decision; `layers` says these while it decides, so that they cannot tell another story.

use std::fmt;

use super::table::Live;
use super::{Force, Offer, Reason, Rule};
use crate::core::words::{Name, Percent, Version};

/// One layer's finding.
pub(super) enum Note<'a> {
    /// Held, whatever comes later.
    Halted(&'static str),
    /// The app has releases, none fits.
    NothingFits,
    /// The app has no releases here.
    NeverLive,
    /// The newest release that fits.
    Offer(&'a Offer, &'a Live),
    /// The most specific rule.
    Rule(Option<&'a Rule>),
    /// What was forced.
    Force(Force),
    /// Whether the channel is served whole.
    Exception {
        /// By an early entry.
        early: bool,
        /// By the matching rule.
        by_rule: bool,
        /// The channel.
        channel: &'a Name,
    },
    /// Both sides of the minimum.
    Percent {
        /// What the policy allows.
        policy: Percent,
        /// Which part of the policy.
        reason: Reason,
        /// What the rollout allows.
        step: Percent,
    },
    /// How the client compared.
    Compared {
        /// Where it stands; `None`: it sent no id.
        bucket: Option<u32>,
        /// What it was compared with.
        percent: Percent,
        /// The layer that decided.
        reason: Reason,
        /// How.
        serve: bool,
    },
    /// What a held-back client may take.
    Fallback {
        /// What the rule names.
        named: Option<&'a Version>,
        /// What it gets.
        found: Option<&'a Version>,
    },
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted(what) => write!(f, "halt: {what}; held, and force does not help"),
            Self::NothingFits => {
                write!(f, "offer: releases of the app were live, but none is newer, on this channel and takes this version")
            }
            Self::NeverLive => write!(f, "offer: no release of the app was ever live here; the offer is somebody else's"),
            Self::Offer(offer, live) => {
                let how = if live.early { "early".to_owned() } else { format!("at {} %", live.step) };
                write!(f, "offer: {} by release {}, {how}", offer.version, offer.release)
            }
            Self::Rule(None) => write!(f, "rule: none matches"),
            Self::Rule(Some(rule)) => write!(f, "rule: {} matches, at {} %", rule.label, rule.percent),
            Self::Force(force) => write!(f, "force: {}", forced(*force)),
            Self::Exception { early: true, .. } => write!(f, "exception: this channel is served early, whole"),
            Self::Exception { by_rule: true, channel, .. } => write!(f, "exception: the rule excepts channel {channel}"),
            Self::Exception { .. } => write!(f, "exception: none"),
            Self::Percent { policy, reason, step } => {
                write!(f, "percent: policy allows {policy} % ({}), the rollout {step} %", reason.word())
            }
            Self::Compared { bucket, percent, reason, serve } => compared(f, *bucket, *percent, (*reason, *serve)),
            Self::Fallback { named, found } => fallback(f, *named, *found),
        }
    }
}

fn forced(force: Force) -> &'static str {
    match force {
        Force::None => "none (only 1 and -1 count)",
        Force::Serve => "1, served whatever the percent",
        Force::HoldBack => "-1, held back whatever the percent",
    }
}

fn compared(f: &mut fmt::Formatter<'_>, bucket: Option<u32>, percent: Percent, (reason, serve): (Reason, bool)) -> fmt::Result {
    let verdict = if serve { "served" } else { "held back" };
    match (bucket, reason) {
        (Some(bucket), _) => write!(f, "bucket: {bucket} against {} of 1,000,000; {verdict}", percent.ppm()),
        (None, Reason::NoClientId) => write!(f, "bucket: none without a client id, and {percent} % needs one; held back"),
        (None, _) => write!(f, "bucket: none without a client id; {verdict} at {percent} %"),
    }
}

fn fallback(f: &mut fmt::Formatter<'_>, named: Option<&Version>, found: Option<&Version>) -> fmt::Result {
    match (named, found) {
        (Some(named), Some(found)) if named == found => write!(f, "fallback: {found}, named by the rule"),
        (Some(named), Some(found)) => write!(f, "fallback: {found}; the rule's {named} would not be an update that may be given"),
        (Some(named), None) => write!(f, "fallback: none; the rule's {named} would not be an update that may be given"),
        (None, Some(found)) => write!(f, "fallback: {found}, the newest complete release before the offer"),
        (None, None) => write!(f, "fallback: none"),
    }
}
