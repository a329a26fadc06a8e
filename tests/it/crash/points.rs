//! SIGKILL at every step of the journal, in every phase of a release.
//!
//! One life per step: its people launch a release, and at each of their orders the daemon dies at that step. A daemon
//! that starts takes up what it finds and passes steps too, so some of the kills fall into the start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tminus::shell::clock;
use tminus::shell::daemon::{DieAt, Step};
use tokio::sync::Semaphore;

use super::daemon::{Answer, Daemon};
use super::ledger::Deed;
use super::life::Life;

/// Lives side by side.
const LANES: usize = 4;

/// How long a daemon is waited for that has its order and should die: some ticks.
const DIES_WITHIN: Duration = Duration::from_millis(700);

/// Phases of which each step must have been hit in at least so many; which ones a start hits depends on the machine.
const LEAST_PHASES: usize = 5;

/// The deeds of a launch, in order, with the phases in which each is due.
const SCRIPT: [(What, &[&str]); 10] = [
    (What::Apply, &["none"]),
    (What::Sign, &["preparing", "ready"]),
    (What::Phase("go"), &["preparing", "ready"]),
    (What::Phase("hold"), &["rolling"]),
    (What::Halt, &["held"]),
    (What::Phase("resume"), &["held"]),
    (What::Phase("abort"), &["rolling", "baking"]),
    (What::Clear, &["aborted"]),
    (What::Promote, &["held"]),
    (What::Lift, &["baking", "complete"]),
];

#[derive(Clone, Copy)]
enum What {
    Apply,
    Sign,
    Halt,
    Lift,
    /// Of the ABORT, and the version's halt before it.
    Clear,
    /// After a resume.
    Promote,
    Phase(&'static str),
}

/// The phases in which a step was hit.
type Hits = BTreeSet<String>;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_promised_is_lost_and_nothing_is_done_twice_at_any_step_of_the_journal() {
    let (lanes, started) = (std::sync::Arc::new(Semaphore::new(LANES)), clock::monotonic());
    let lives = Step::ALL.map(|step| {
        let lanes = lanes.clone();
        tokio::spawn(async move {
            let _lane = lanes.acquire_owned().await.unwrap();
            (step, launch(step).await)
        })
    });
    let mut hits: BTreeMap<&str, Hits> = BTreeMap::new();
    for life in lives {
        let (step, hit) = life.await.unwrap();
        println!("{:<14} hit in {}", step.word(), hit.iter().cloned().collect::<Vec<_>>().join(", "));
        hits.insert(step.word(), hit);
    }
    println!("{} steps in {:.0} s", hits.len(), started.elapsed().as_secs_f64());
    let poor: Vec<_> = hits.iter().filter(|(_, hit)| hit.len() < LEAST_PHASES).collect();
    assert!(poor.is_empty(), "hit in too few phases: {poor:?}");
}

/// One launch with a death at each of its deeds.
async fn launch(step: Step) -> Hits {
    let mut life = Life::begin(step as u64).await;
    let mut hits = Hits::new();
    let mut daemon = life.start_well().await;
    for (what, phases) in SCRIPT {
        let phase = wait_for(&mut life, &daemon, phases).await;
        daemon.kill().await;
        if die(&mut life, (step, what)).await {
            hits.insert(phase);
        }
        // The order is given again until it stands, as a person does who heard nothing.
        daemon = life.start_well().await;
        life.check(Some(&daemon)).await;
        carry_out(&mut life, &daemon, what).await;
    }
    daemon.kill().await;
    let healed = life.heal().await;
    assert!(healed.releases > 0);
    hits
}

/// Waits until the release is where the next deed makes sense; the phase.
async fn wait_for(life: &mut Life, daemon: &Daemon, phases: &[&str]) -> String {
    let started = clock::monotonic();
    loop {
        let phase = life.phase(daemon).await.unwrap_or_else(|| "none".into());
        if phases.contains(&phase.as_str()) {
            return phase;
        }
        if started.elapsed() > Duration::from_secs(20) {
            life.fail(&[format!("the release is {phase}, and none of {phases:?}")]);
        }
        match phase.as_str() {
            "rolling" | "baking" => life.push(daemon).await,
            // Go was refused while something was not measured again yet.
            "preparing" | "ready" => drop(life.phase_order(daemon, "go").await),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Has the daemon die at a step while somebody gives an order; whether it did.
///
/// A start may pass the step some times by itself, so the passage moves on until the daemon lives to hear the order.
async fn die(life: &mut Life, (step, what): (Step, What)) -> bool {
    for passage in 1..=4 {
        let Ok(mut daemon) = life.start(Some(DieAt::new(step, passage))).await else { continue };
        if is_apply(step) {
            life.give(&daemon, Deed::Policy).await;
        }
        give(life, &daemon, what).await;
        if tokio::time::timeout(DIES_WITHIN, daemon.ends()).await.is_ok() {
            return true;
        }
        daemon.kill().await;
        return false;
    }
    // It died in each of its starts, which is as good a hit.
    true
}

fn is_apply(step: Step) -> bool {
    matches!(step, Step::BeforeApply | Step::AfterApply)
}

async fn carry_out(life: &mut Life, daemon: &Daemon, what: What) {
    let answer = give(life, daemon, what).await;
    // 409: it stands already, or the release went on by itself.
    let stands = match &answer {
        Answer::Promised => true,
        Answer::Refused(status, _) => *status == 409,
        Answer::Silence => false,
    };
    if !stands {
        life.fail(&[format!("an order was answered {answer:?}")]);
    }
}

async fn give(life: &mut Life, daemon: &Daemon, what: What) -> Answer {
    match what {
        What::Apply if life.release > 0 => life.apply_again(daemon).await,
        What::Apply => life.next_release(daemon).await,
        What::Sign => life.sign(daemon).await,
        What::Halt => life.give(daemon, Deed::Halt).await,
        What::Lift => life.give(daemon, Deed::Lift).await,
        What::Clear => {
            life.give(daemon, Deed::LiftVersion).await;
            life.phase_order(daemon, "clear").await
        }
        What::Promote => {
            life.phase_order(daemon, "resume").await;
            life.phase_order(daemon, "promote").await
        }
        What::Phase(word) => life.phase_order(daemon, word).await,
    }
}
