//! Restarts under load: nobody's request is lost, and what a kill costs.
//!
//! `TMINUS_RESTARTS` makes it longer, see tests/long/restart.

use std::time::Duration;

use rustix::process::Signal;
use tminus::shell::clock;

use super::manager::{LAUNCH, Manager, WITHIN};
use super::rig::{Crowd, Habit, Tally};

/// Restarts unless the environment says otherwise.
const RESTARTS: u32 = 5;

/// Between ready and the next restart: slow keepers ask once more meanwhile.
const BETWEEN: Duration = Duration::from_secs(1);

/// Offered requests a second: 800 on 80 connections that are kept, 10 on 20 that are nearly idle, and 600 that each make
/// their own.
fn offer(manager: &Manager) -> Crowd {
    let mut crowd = Crowd::new();
    crowd.ask(manager.decision(), (Habit::Keeper, 80, Duration::from_millis(100)));
    crowd.ask(manager.decision(), (Habit::Keeper, 20, Duration::from_secs(2)));
    crowd.ask(manager.decision(), (Habit::Caller, 60, Duration::from_millis(100)));
    crowd
}

fn restarts() -> u32 {
    std::env::var_os("TMINUS_RESTARTS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(RESTARTS)
}

fn report(what: &str, (tally, secs): &(Tally, f64)) {
    println!(
        "{what}: {} answered in {secs:.1} s ({:.0}/s), {} failed, {} told with their last answer, {} closed while idle, \
         wait p50 {:.1} ms, p99 {:.1} ms, most {:.0} ms",
        tally.answered,
        tally.answered as f64 / secs,
        tally.failures.len(),
        tally.parted,
        tally.closed_idle,
        tally.wait(0.5).as_secs_f64() * 1e3,
        tally.wait(0.99).as_secs_f64() * 1e3,
        tally.wait(1.0).as_secs_f64() * 1e3,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_under_load_lose_no_request() {
    let manager = Manager::new(LAUNCH);
    let mut daemon = manager.start();
    manager.until_told("READY=1").await;
    let crowd = offer(&manager);
    let mut gaps = Vec::new();
    for _ in 0..restarts() {
        tokio::time::sleep(BETWEEN).await;
        let asked = clock::monotonic();
        daemon.stop().await;
        let stopped = clock::monotonic();
        daemon = manager.start();
        manager.until_told("READY=1").await;
        gaps.push(format!(
            "{:.1} s to stop, {:.0} ms to ready",
            (stopped - asked).as_secs_f64(),
            stopped.elapsed().as_secs_f64() * 1e3
        ));
    }
    tokio::time::sleep(BETWEEN).await;
    let ended = crowd.end().await;
    report("restarts by SIGTERM", &ended);
    println!("{}", gaps.join("\n"));
    let (tally, secs) = ended;
    assert!(tally.answered as f64 / secs >= 1_000.0, "the load was too little to show anything");
    assert!(tally.failures.is_empty(), "{} failed, such as {:?}", tally.failures.len(), tally.failures.first());
    assert_eq!(tally.closed_idle, 0, "every connection was told before it was closed");
    assert!(tally.parted >= 100 * restarts() as usize, "every kept connection was told at every restart: {}", tally.parted);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_costs_no_more_than_what_was_under_way() {
    let manager = Manager::new(LAUNCH);
    let mut daemon = manager.start();
    manager.until_told("READY=1").await;
    let crowd = offer(&manager);
    for _ in 0..2 {
        tokio::time::sleep(BETWEEN).await;
        daemon.signal(Signal::KILL);
        tokio::time::timeout(WITHIN, daemon.child.wait()).await.unwrap().unwrap();
        daemon = manager.start();
        manager.until_told("READY=1").await;
    }
    tokio::time::sleep(BETWEEN).await;
    let ended = crowd.end().await;
    report("kills by SIGKILL", &ended);
    // At most one request of each client was under way; connections that waited in the socket lost nothing.
    assert!(ended.0.failures.len() <= 2 * 160, "{:?}", ended.0.failures);
    daemon.stop().await;
}
