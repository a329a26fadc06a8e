//! How a release stands, as `status` would say it.

use tminus::core::words::Name;

use super::stage::Stage;

/// The lines of `status RELEASE`.
pub(super) fn lines(stage: &Stage, name: &Name) -> Result<Vec<String>, String> {
    let decision = stage.last.as_ref().ok_or("nothing was decided yet")?;
    let view = decision.releases.get(name).ok_or(format!("there is no release {name}"))?;
    let mut lines = vec![format!("{name} is {} at {} %, readiness {}", view.phase, view.percent, view.readiness.word.text())];
    for item in &view.readiness.items {
        let state = format!("{:?}", item.state).to_lowercase();
        lines.push(format!("  {state:<9} {:<17} {}", item.id, item.detail));
    }
    lines.extend(view.waiting.iter().map(|reason| format!("  waiting   {reason}")));
    let release = stage.config.releases.get(name);
    for group in release.into_iter().flat_map(|release| &release.scaling) {
        let Some(plan) = decision.plans.get(group) else { continue };
        let floor = plan.floor.map_or("none".into(), |floor| floor.to_string());
        lines.push(format!(
            "  group     {group}: floor held {floor}, {} needed for p95 {:.0} requests/s, amplification {:.2}",
            plan.instances, plan.load.p95, plan.amplification
        ));
        lines.extend(plan.problems.iter().map(|problem| format!("  problem   {}", problem.sentence(group))));
    }
    Ok(lines)
}
