//! SIGKILL from outside at random instants, the start included.
//!
//! `TMINUS_KILLS` says how many, `TMINUS_SEED` which: a seed gives the same orders and the same instants again, as far
//! as the machine does.

use std::time::{Duration, Instant};

use tminus::shell::clock;

use super::life::{Life, draws};

/// Kills in the suite; tests/long/kills has more.
const KILLS: u64 = 200;

/// Worlds that live side by side.
const LANES: u64 = 4;

/// Kills of one world until faults stop and it must heal.
const KILLS_OF_A_LIFE: u64 = 25;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_promised_is_lost_and_nothing_is_done_twice_over_random_kills() {
    let (kills, seed) = (setting("TMINUS_KILLS").unwrap_or(KILLS), setting("TMINUS_SEED").unwrap_or_else(fresh));
    println!("TMINUS_SEED={seed} TMINUS_KILLS={kills}");
    let started = clock::monotonic();
    let lanes = (0..LANES).map(|lane| tokio::spawn(run(seed.wrapping_add(lane << 32), kills.div_ceil(LANES))));
    let mut sum = Sum::default();
    for lane in lanes.collect::<Vec<_>>() {
        sum = sum.plus(&lane.await.unwrap());
    }
    let secs = started.elapsed().as_secs_f64();
    println!(
        "{} kills in {secs:.0} s ({:.1} a second), {} of them during the start; {} lives, {} releases; healed in at most {:.1} s",
        sum.kills,
        sum.kills as f64 / secs,
        sum.during_start,
        sum.lives,
        sum.releases,
        sum.longest_heal.as_secs_f64()
    );
    assert!(sum.kills >= kills && sum.during_start > kills / 20, "the kills are not where they should be");
}

#[derive(Default)]
struct Sum {
    kills: u64,
    during_start: u64,
    lives: u64,
    releases: u64,
    longest_heal: Duration,
}

impl Sum {
    fn plus(&self, other: &Self) -> Self {
        Self {
            kills: self.kills + other.kills,
            during_start: self.during_start + other.during_start,
            lives: self.lives + other.lives,
            releases: self.releases + other.releases,
            longest_heal: self.longest_heal.max(other.longest_heal),
        }
    }
}

/// One lane: a world after the other.
async fn run(seed: u64, kills: u64) -> Sum {
    let mut sum = Sum::default();
    let mut seeds = draws(seed);
    while sum.kills < kills {
        let mut life = Life::begin(seeds.next().unwrap()).await;
        for _ in 0..KILLS_OF_A_LIFE.min(kills - sum.kills) {
            sum.during_start += u64::from(live_and_die(&mut life).await);
            sum.kills += 1;
        }
        let healed = life.heal().await;
        sum.lives += 1;
        sum.releases += u64::from(healed.releases);
        sum.longest_heal = sum.longest_heal.max(healed.took);
    }
    sum
}

/// One run of the daemon; whether it was killed before it served.
async fn live_and_die(life: &mut Life) -> bool {
    if life.draw(4) == 0 {
        let delay = Duration::from_micros(life.draw(250_000));
        let mut daemon = life.spawn(None);
        tokio::time::sleep(delay).await;
        daemon.kill().await;
        return true;
    }
    let mut daemon = life.start_well().await;
    life.check(Some(&daemon)).await;
    let deadline = tokio::time::Instant::from_std(after(Duration::from_micros(life.draw(500_000))));
    // An order that is under way when the time is up may or may not be carried out: nobody was told.
    let _ = tokio::time::timeout_at(deadline, async {
        loop {
            life.act(&daemon).await;
        }
    })
    .await;
    daemon.kill().await;
    false
}

fn after(delay: Duration) -> Instant {
    clock::monotonic() + delay
}

fn fresh() -> u64 {
    clock::now().as_nanosecond() as u64
}

#[expect(clippy::disallowed_methods, reason = "how the long rig says how many, and a person which")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
