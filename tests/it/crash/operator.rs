//! The people of a crash test: they launch one release after another, and interfere.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use tminus::shell::clock;

use super::daemon::{Answer, Daemon};
use super::documents::{self, ITEM};
use super::ledger::{Deed, mark};
use super::life::Life;

/// From the apply of a release to its T-0.
const AHEAD: SignedDuration = SignedDuration::from_millis(600);

/// The gate's period.
const PERIOD_MS: i64 = 200;

impl Life {
    /// Gives an order, and notes what was said about it.
    pub async fn give(&mut self, daemon: &Daemon, deed: Deed) -> Answer {
        let number = self.ledger.begin(deed.clone());
        let (why, put) = (mark(number), Method::PUT);
        let answer = match &deed {
            Deed::Phase { release, word } => {
                daemon.order((put, &format!("/api/v1/releases/{release}/phases/{word}")), &why).await
            }
            Deed::SignOff { release } => daemon.sign_off(release, ITEM, &why).await,
            Deed::Halt => daemon.order((put, "/api/v1/halts/other"), &why).await,
            Deed::Lift => daemon.order((Method::DELETE, "/api/v1/halts/other"), &why).await,
            Deed::LiftVersion => {
                let path = format!("/api/v1/halts/app?version={}.0.0", self.release);
                daemon.order((Method::DELETE, &path), &why).await
            }
            Deed::Release { .. } => daemon.apply(&documents::release(self.release, clock::now(), AHEAD)).await,
            Deed::Policy => daemon.apply(&documents::policy(&why)).await,
        };
        match &answer {
            Answer::Promised => self.ledger.promised(number),
            Answer::Refused(status, _) if !status.is_server_error() => self.ledger.refused(number),
            Answer::Refused(..) | Answer::Silence => {}
        }
        answer
    }

    /// The release that is going on.
    pub fn current(&self) -> String {
        format!("r{}", self.release)
    }

    /// Its phase; `None`: there is none.
    pub async fn phase(&self, daemon: &Daemon) -> Option<String> {
        if self.release == 0 {
            return None;
        }
        let status = daemon.get(&format!("/api/v1/releases/{}", self.current())).await?;
        status["phase"].as_str().map(str::to_owned)
    }

    /// An order about the release.
    pub async fn phase_order(&mut self, daemon: &Daemon, word: &'static str) -> Answer {
        let release = self.current();
        self.give(daemon, Deed::Phase { release, word }).await
    }

    /// The next release is applied.
    pub async fn next_release(&mut self, daemon: &Daemon) -> Answer {
        self.release += 1;
        let release = self.current();
        self.give(daemon, Deed::Release { release }).await
    }

    /// The same release is applied once more.
    pub async fn apply_again(&mut self, daemon: &Daemon) -> Answer {
        let release = self.current();
        self.give(daemon, Deed::Release { release }).await
    }

    pub async fn sign(&mut self, daemon: &Daemon) -> Answer {
        let release = self.current();
        self.give(daemon, Deed::SignOff { release }).await
    }

    /// Counts of the last closed period.
    pub async fn push(&self, daemon: &Daemon) {
        let closed = (clock::now().as_millisecond() / PERIOD_MS - 1) * PERIOD_MS;
        // A push that is lost is a gap, which the gate takes for one.
        let _ = daemon.push(Timestamp::from_millisecond(closed).unwrap()).await;
    }

    /// Does one thing at random, as it fits where the release stands.
    pub async fn act(&mut self, daemon: &Daemon) {
        let phase = self.phase(daemon).await;
        if matches!(phase.as_deref(), Some("rolling" | "baking")) {
            self.push(daemon).await;
        }
        let dice = self.draw(100);
        match (dice, phase.as_deref()) {
            (0..8, _) => drop(self.give(daemon, Deed::Halt).await),
            (8..16, _) => drop(self.give(daemon, Deed::Lift).await),
            (16..22, _) => drop(self.give(daemon, Deed::Policy).await),
            (22..26, _) => drop(self.phase_order(daemon, "hold").await),
            (26..29, _) => drop(self.phase_order(daemon, "abort").await),
            (29..32, _) => drop(self.phase_order(daemon, "advance").await),
            (32..34, _) => drop(self.phase_order(daemon, "promote").await),
            _ => self.advance(daemon, phase.as_deref()).await,
        }
    }

    /// What somebody does who wants the release to be out.
    async fn advance(&mut self, daemon: &Daemon, phase: Option<&str>) {
        match phase {
            None | Some("complete" | "scrubbed") => drop(self.next_release(daemon).await),
            Some("preparing") if self.draw(2) == 0 => drop(self.sign(daemon).await),
            Some("preparing" | "ready") => drop(self.phase_order(daemon, "go").await),
            Some("held") => drop(self.phase_order(daemon, "resume").await),
            Some("aborted") => {
                self.give(daemon, Deed::LiftVersion).await;
                self.phase_order(daemon, "clear").await;
            }
            Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }

    /// Brings whatever goes on to its good end, and begins nothing.
    pub async fn finish(&mut self, daemon: &Daemon) {
        match self.phase(daemon).await.as_deref() {
            None | Some("complete" | "scrubbed") => {}
            Some("rolling" | "baking") => self.push(daemon).await,
            Some("preparing") => {
                self.sign(daemon).await;
                self.phase_order(daemon, "go").await;
            }
            phase => self.advance(daemon, phase).await,
        }
    }
}
