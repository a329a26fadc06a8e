//! Why a plan is not enough, or not known, and the sentences that say so.
//!
//! Invariant: every problem names its figures; none is a text alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::{Capacity, Name};

/// Why a plan is not enough, or not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The group was not observed, or too long ago: its floor stays what it is.
    NotObserved,
    /// No history although one is configured: the baseline is a guess.
    NoHistory,
    /// A release says nothing of its audience: its surge is not known, and not in the plan.
    NoAudience {
        /// The release.
        release: Name,
    },
    /// More is needed than the ceiling allows.
    Ceiling {
        /// Needed.
        needed: Capacity,
        /// Allowed.
        ceiling: Capacity,
    },
    /// More is needed than the quota allows.
    Quota {
        /// Needed.
        needed: Capacity,
        /// Allowed.
        quota: Capacity,
    },
    /// More is needed than the number beyond which more instances hold less.
    Contention {
        /// Needed, at least.
        needed: Capacity,
        /// The best number.
        most: Capacity,
        /// What that many hold, requests per second.
        holds_per_second: f64,
    },
    /// A release leaves its adoption to what an earlier one taught, and nothing is recorded: its surge is not known.
    NoAdoption {
        /// The release.
        release: Name,
    },
    /// It costs more than allowed.
    Cost {
        /// Expected.
        expected: f64,
        /// Allowed.
        limit: f64,
    },
    /// More is needed than is allowed, and less would be if caches were proven warm.
    ColdCache {
        /// The launch whose content is cold.
        release: Name,
        /// Proven share of it, 0..=1.
        covered: f64,
        /// Instances needed so.
        needed: Capacity,
        /// Instances needed with all of it primed.
        primed: Capacity,
        /// Instances allowed.
        allowed: Capacity,
    },
    /// The launch's window passed without its start, and its group's provider gave back by itself what was raised for it.
    GivenBack {
        /// The launch.
        release: Name,
        /// When it was given back.
        at: Timestamp,
    },
    /// The floor cannot be raised in time.
    Late {
        /// When the last raised instance is expected in service.
        in_place_at: Timestamp,
        /// T-0.
        launch_at: Timestamp,
    },
    /// More load comes than was forecast for these minutes, while a launch is under way.
    Outrun {
        /// The most of it, requests per second.
        observed: f64,
        /// The p95 that was forecast then, requests per second.
        forecast: f64,
        /// Since when it is above the forecast.
        since: Timestamp,
    },
}

impl Problem {
    /// Whether capacity is known to be too small or too late; otherwise something is not known.
    pub fn is_shortfall(&self) -> bool {
        match self {
            Self::Ceiling { .. }
            | Self::Quota { .. }
            | Self::Contention { .. }
            | Self::Cost { .. }
            | Self::ColdCache { .. }
            | Self::GivenBack { .. }
            | Self::Late { .. } => true,
            // An outrun plan is wrong; that does not say that capacity is short.
            Self::NotObserved | Self::NoHistory | Self::NoAudience { .. } | Self::NoAdoption { .. } | Self::Outrun { .. } => {
                false
            }
        }
    }

    /// A whole sentence: what happened to which group, what it means for the launch, what to do.
    pub fn sentence(&self, group: &Name) -> String {
        match self {
            Self::NotObserved => {
                format!("{group} was not observed lately, so its floor is left as it is; check that its provider answers.")
            }
            Self::NoHistory => format!(
                "{group} has no load history of the last day, so its baseline is guessed from its floor and nothing is given back; check the source of its load query."
            ),
            Self::NoAudience { release } => format!(
                "{release} leans on {group} but states no audience, so its surge is unknown and not planned for; add an audience to the release."
            ),
            Self::Ceiling { needed, ceiling } => format!(
                "{group} needs {}, headroom included, but its ceiling is {ceiling}: {} short; raise the ceiling or admit fewer clients at a time.",
                count(*needed),
                needed.0.saturating_sub(ceiling.0)
            ),
            Self::Quota { needed, quota } => format!(
                "{group} needs {}, headroom included, but the quota is {quota}; ask for {} more or admit fewer clients at a time.",
                count(*needed),
                needed.0.saturating_sub(quota.0)
            ),
            Self::NoAdoption { release } => format!(
                "{release} leaves its adoption to what an earlier release taught, and none of its app is recorded, so its surge is unknown and not planned for; add a half_life or a curve to its adoption."
            ),
            Self::Contention { needed, most, holds_per_second } => format!(
                "{group} needs {}, headroom included, but past {most} each further one makes it hold less, by its contention and coherency: {most} hold {holds_per_second:.0} requests/s; admit fewer clients at a time, or mend what the instances share.",
                count(*needed)
            ),
            Self::Cost { expected, limit } => format!(
                "Holding the launch on {group} costs about {expected:.2} but at most {limit:.2} is allowed; raise the limit or admit fewer clients at a time."
            ),
            Self::ColdCache { release, covered, needed, primed, allowed } => format!(
                "The caches for {release} are cold ({}% proven warm): {group} needs {} and may have {allowed}; with them primed it needs {primed}: prime them before the launch.",
                percent(*covered),
                count(*needed)
            ),
            Self::GivenBack { release, at } => format!(
                "The window of {release} passed without its start, and what was raised on {group} for it was given back from {at:.0} on; give {release} a new launch_at, and its floors are raised again in time."
            ),
            Self::Late { in_place_at, launch_at } => format!(
                "{group} cannot be ready in time: its last instances are expected in service at {in_place_at:.0}, T-0 is {launch_at:.0}; launch later or raise its floor in larger steps."
            ),
            Self::Outrun { observed, forecast, since } => format!(
                "{group} carries {observed:.0} requests/s since {since:.0}, above the {forecast:.0} that were forecast at p95: no step rises meanwhile; look at what clients do, and raise its floor if it runs short."
            ),
        }
    }
}

/// How many instances, in words.
pub(super) fn count(instances: Capacity) -> String {
    match instances.0 {
        1 => "1 instance".into(),
        u32::MAX => "more instances than can be counted".into(),
        many => format!("{many} instances"),
    }
}

/// Rounded down: 99.96 % proven is not 100 %.
fn percent(share: f64) -> f64 {
    (share * 1_000.0).floor() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_the_group_the_figures_and_what_to_do() {
        let group = Name::new("reader-api").unwrap();
        let release = Name::new("reader-2.3").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (problem, expected) in [
            (
                Problem::Ceiling { needed: Capacity(75), ceiling: Capacity(60) },
                "reader-api needs 75 instances, headroom included, but its ceiling is 60: 15 short; raise the ceiling or admit fewer clients at a time.",
            ),
            (
                Problem::ColdCache {
                    release,
                    covered: 0.129_9,
                    needed: Capacity(900),
                    primed: Capacity(9),
                    allowed: Capacity(60),
                },
                "The caches for reader-2.3 are cold (12.9% proven warm): reader-api needs 900 instances and may have 60; with them primed it needs 9: prime them before the launch.",
            ),
            (
                Problem::Cost { expected: 1_000.0, limit: 900.0 },
                "Holding the launch on reader-api costs about 1000.00 but at most 900.00 is allowed; raise the limit or admit fewer clients at a time.",
            ),
            (
                Problem::Late { in_place_at: at("2026-12-01T19:20:00.5Z"), launch_at: at("2026-12-01T19:00:00Z") },
                "reader-api cannot be ready in time: its last instances are expected in service at 2026-12-01T19:20:00Z, T-0 is 2026-12-01T19:00:00Z; launch later or raise its floor in larger steps.",
            ),
        ] {
            assert_eq!(problem.sentence(&group), expected);
            assert!(problem.is_shortfall());
        }
    }
}
