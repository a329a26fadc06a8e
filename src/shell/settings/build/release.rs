//! A Release document as the core sees it.

use std::path::Path;

use crate::core::load::{self, Retry};
use crate::core::release::{self, Early, Rollout, RolloutStep};
use crate::shell::settings::kinds::release::{Adoption, Audience, Go, HitRatio, OnAbort, Release};
use crate::shell::settings::rules::read_curve;
use crate::shell::settings::words::LONG_AGO;

/// Converts a release; relative files start at `folder`.
pub fn release(from: &Release, folder: &Path) -> release::Release {
    release::Release {
        name: from.name.clone(),
        app: from.app.clone(),
        version: from.version.clone(),
        channels: from.channels.clone(),
        from: from.from.clone(),
        early: from.early.iter().map(|early| Early { channels: early.channels.clone(), at: early.at }).collect(),
        launch_at: from.launch_at.as_ref().map_or(LONG_AGO, |moment| moment.0.at),
        time_zone: from.launch_at.as_ref().and_then(|moment| moment.0.zone.clone()),
        go: match from.go {
            Go::Manual => release::Go::Manual,
            Go::Auto => release::Go::Auto,
        },
        released: from.released,
        shadow: from.shadow,
        checklists: from.checklists.clone(),
        scaling: from.scaling.clone(),
        priming: from.priming.clone(),
        gate: from.gate.clone(),
        shield: from.shield.clone(),
        rollout: rollout(from),
        audience: from.audience.as_ref().map(|audience| convert_audience(audience, folder)),
    }
}

fn rollout(from: &Release) -> Rollout {
    let steps = from.rollout.steps.iter();
    Rollout {
        steps: steps.map(|step| RolloutStep { percent: step.percent.0, dwell: step.dwell.0, bake: step.bake.0 }).collect(),
        on_abort: match from.rollout.on_abort {
            OnAbort::Halt => release::OnAbort::Halt,
            OnAbort::PreviousSafe => release::OnAbort::PreviousSafe,
        },
    }
}

fn convert_audience(from: &Audience, folder: &Path) -> load::Audience {
    load::Audience {
        clients: from.clients.0,
        adoption: adoption(from.adoption.as_ref(), folder),
        requests_per_client: from.requests_per_client,
        cache_hit_ratio: from.cache_hit_ratio.as_ref().map(hit_ratio),
        retry: from.retry.as_ref().map(|retry| Retry { every: retry.every.0, limit: retry.limit }),
        parallel: from.parallel,
        uncertainty: load::Uncertainty {
            clients: from.uncertainty.clients,
            adoption: from.uncertainty.adoption,
            requests_per_client: from.uncertainty.requests_per_client,
            misses: from.uncertainty.misses,
        },
    }
}

/// Of tiers one behind the other: what the first misses is asked of the second.
fn hit_ratio(from: &HitRatio) -> load::HitRatio {
    let tiers = || from.edge.iter().chain(&from.origin);
    let together = |misses: f64| 1.0 - misses;
    load::HitRatio {
        cold: from.cold.unwrap_or_else(|| together(tiers().map(|tier| 1.0 - tier.cold).product())),
        primed: from.primed.unwrap_or_else(|| together(tiers().map(|tier| 1.0 - tier.primed).product())),
    }
}

fn adoption(from: Option<&Adoption>, folder: &Path) -> load::Adoption {
    let Some(from) = from else { return load::Adoption::Recorded(None) };
    let is_stated = from.half_life.is_some() || from.curve.is_some();
    let stated = is_stated.then(|| stated(from, folder));
    match stated {
        Some(stated) if !from.recorded => stated,
        stated => load::Adoption::Recorded(stated.map(Box::new)),
    }
}

/// The rules saw to it that exactly one is given and that the curve can be read; should it have gone since, everybody
/// counts as coming at once, which plans for too much rather than too little.
fn stated(from: &Adoption, folder: &Path) -> load::Adoption {
    match (&from.half_life, &from.curve) {
        (Some(half_life), _) => load::Adoption::HalfLife { half_life: half_life.0, ceiling: from.ceiling.0.share() },
        (None, Some(curve)) => load::Adoption::Curve(read_curve(&folder.join(&curve.0)).unwrap_or_else(|_| at_once())),
        (None, None) => load::Adoption::Curve(at_once()),
    }
}

fn at_once() -> Vec<(std::time::Duration, f64)> {
    vec![(std::time::Duration::ZERO, 1.0)]
}
