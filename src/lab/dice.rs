//! Seeded draws for the lab: the same seed tells the same story.
//!
//! SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, and good enough for a scene; nothing here is a secret.

use std::time::Duration;

/// A stream of draws.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// From a seed and a stream of it, so that each client has its own.
    pub(super) fn seeded(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xD134_2543_DE82_EF95));
        dice.next();
        dice
    }

    /// From a text (FNV-1a).
    pub(super) fn named(text: &str) -> Self {
        let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        Self(text.bytes().fold(0xCBF2_9CE4_8422_2325, fnv))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..n; 0 for n = 0.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        ((self.unit() * f64::from(n)) as u32).min(n.saturating_sub(1))
    }

    /// A waiting time without memory, with this half-life; at most ten half-lives, so that nobody waits for ever.
    pub(super) fn exponential(&mut self, half_life: Duration) -> Duration {
        half_life.mul_f64((-(1.0 - self.unit()).log2()).min(10.0))
    }

    /// A time spread evenly over `center` plus and minus `share` of it.
    pub(super) fn around(&mut self, center: Duration, share: f64) -> Duration {
        center.mul_f64(1.0 + share * (2.0 * self.unit() - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_their_distribution() {
        let mut dice = Dice::seeded(1, 2);
        let half = Duration::from_secs(10);
        let within = (0..10_000).filter(|_| dice.exponential(half) < half).count();
        assert!((4_800..5_200).contains(&within), "half come within a half-life: {within}");
        let mean = (0..10_000).map(|_| f64::from(dice.below(100))).sum::<f64>() / 10_000.0;
        assert!((mean - 49.5).abs() < 1.5, "{mean}");
        let around = dice.around(half, 0.2);
        assert!(around >= Duration::from_secs(8) && around <= Duration::from_secs(12));
    }

    #[test]
    fn a_seed_tells_one_story_and_streams_differ() {
        assert_eq!(Dice::seeded(1, 2).next(), Dice::seeded(1, 2).next());
        assert_ne!(Dice::seeded(1, 2).next(), Dice::seeded(1, 3).next());
    }
}
