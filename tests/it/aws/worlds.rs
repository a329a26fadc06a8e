//! Random overrides, absences and dates over a whole launch: nothing comes by itself against what people impose.
//!
//! What must hold is derived from what people said and what the service did, without the planner's code; the checker goes
//! over every decision besides. The seed is printed; `TMINUS_SEED=S` plays one world again.

use tminus::core::decide::Order;
use tminus::core::load::{OverrideKind, OverrideTo};
use tminus::core::words::Capacity;
use tminus::shell::clock;

use super::ahead::{API, HOUR, Rig, imposed, rig};
use super::fake::world::Change;
use super::name;
use crate::simulator::rig::draw::Draw;

const WORLDS: u64 = 12;

/// What somebody imposed, in seconds of the world's clock.
#[derive(Clone, Debug)]
struct Imposed {
    to: OverrideTo,
    from: i64,
    until: i64,
}

/// One world as people made it.
struct Life {
    rig: Rig,
    draw: Draw,
    imposed: Vec<Imposed>,
    /// What happened was looked at so far.
    looked_at: usize,
    kinds: [u32; 4],
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_people_impose_and_however_long_nobody_looks_no_schedule_goes_against_it() {
    let first = setting().unwrap_or_else(|| clock::now().as_nanosecond() as u64);
    let worlds = if setting().is_some() { 1 } else { WORLDS };
    println!("{worlds} worlds from seed {first}");
    let mut kinds = [0; 4];
    for seed in (0..worlds).map(|number| first.wrapping_add(number)) {
        println!("TMINUS_SEED={seed}");
        let life = Life { rig: rig("").await, draw: Draw::of(seed, "aws", 0), imposed: Vec::new(), looked_at: 0, kinds: [0; 4] };
        let of_one = Box::pin(life.play()).await;
        kinds.iter_mut().zip(of_one).for_each(|(all, of_one)| *all += of_one);
    }
    println!("imposed: {kinds:?} floors, ceilings, pins, freezes");
    assert!(setting().is_some() || kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

impl Life {
    async fn play(mut self) -> [u32; 4] {
        let mut minutes = -4 * HOUR;
        while minutes < 9 * HOUR {
            // Mostly it looks every few minutes; sometimes it is away for hours, and the service is on its own.
            minutes += if self.below(12) == 0 { 30 + self.below(4 * 60) } else { 1 + self.below(9) };
            self.rig.until(minutes);
            self.looks();
            let order = self.order(minutes);
            let decision = self.rig.order(order.clone()).await;
            if decision.replies.first().is_some_and(Result::is_ok) {
                self.heard(order.as_ref());
            }
            self.looks();
        }
        // Everything ends: what was imposed within five hours, what was raised by the ramp.
        let scrubbed = self.rig.order(Some(Order::Scrub { release: name("reader") })).await;
        assert!(scrubbed.replies[0].is_ok(), "{:?}", scrubbed.replies);
        while minutes < 24 * HOUR {
            minutes += 5;
            self.rig.until(minutes);
            self.rig.tick().await;
            self.looks();
        }
        let group = self.rig.fake.world().group(API).clone();
        assert_eq!((group.min, group.actions.len()), (4, 0), "{:?}", self.rig.sizes());
        self.kinds
    }

    fn below(&mut self, bound: u64) -> i64 {
        self.draw.below(bound).cast_signed()
    }

    /// What somebody says now and then.
    fn order(&mut self, minutes: i64) -> Option<Order> {
        if self.below(8) > 0 {
            return None;
        }
        let instances = Capacity(4 + self.below(21) as u32);
        let kind = OverrideKind::ALL[self.below(4) as usize];
        if self.below(3) == 0 {
            return Some(Order::ClearOverride { group: name(API), kind });
        }
        let to = match kind {
            OverrideKind::Floor => OverrideTo::Floor(instances),
            OverrideKind::Ceiling => OverrideTo::Ceiling(instances),
            OverrideKind::Pin => OverrideTo::Pin(instances),
            OverrideKind::Freeze => OverrideTo::Freeze,
        };
        let until = minutes + 1 + self.below(5 * 60);
        Some(imposed(&self.rig, to, until))
    }

    fn heard(&mut self, order: Option<&Order>) {
        let now = self.rig.fake.world().now;
        let (kind, to) = match order {
            Some(Order::Override { to, expires_at, .. }) => (to.kind(), Some((*to, expires_at.as_second()))),
            Some(Order::ClearOverride { kind, .. }) => (*kind, None),
            _ => return,
        };
        let same = |one: &&mut Imposed| one.to.kind() == kind && one.until > now;
        self.imposed.iter_mut().filter(same).for_each(|one| one.until = now);
        if let Some((to, until)) = to {
            self.kinds[OverrideKind::ALL.iter().position(|known| *known == kind).unwrap()] += 1;
            self.imposed.push(Imposed { to, from: now, until });
        }
    }

    /// Every change of the size since the last look is one that people allow.
    fn looks(&mut self) {
        let ledger = self.rig.fake.world().ledger.clone();
        let mut size = self.rig.sizes_before(self.looked_at);
        for (at, _, change) in &ledger[self.looked_at..] {
            let (Change::Min(to) | Change::Fired(to)) = change else { continue };
            let in_force = |kind| self.imposed.iter().find(|one| one.to.kind() == kind && one.from <= *at && *at < one.until);
            let number = |kind| in_force(kind).and_then(|one| one.to.instances()).map(|instances| i64::from(instances.0));
            let what = || format!("{change:?} at T{:+}m from {size}: {:?}", (at - self.rig.t0) / 60, self.imposed);
            assert!(in_force(OverrideKind::Freeze).is_none(), "frozen: {}", what());
            let pin = number(OverrideKind::Pin);
            let most = pin.or(number(OverrideKind::Ceiling));
            assert!(*to <= size || most.is_none_or(|most| *to <= most.max(4)), "above: {}", what());
            let least = pin.or(number(OverrideKind::Floor)).map(|least| least.min(most.unwrap_or(least)));
            assert!(*to >= size || least.is_none_or(|least| *to >= least.min(size)), "below: {}", what());
            size = *to;
        }
        self.looked_at = ledger.len();
    }
}

#[expect(clippy::disallowed_methods, reason = "how a person says which world")]
fn setting() -> Option<u64> {
    std::env::var("TMINUS_SEED").ok()?.parse().ok()
}
