//! Which files each client has: some that everybody likes, some of its own.
//!
//! Invariant: a library has no file twice, and the same seed gives the same libraries.

use std::collections::BTreeSet;

use super::spec::SwarmSpec;
use crate::lab::dice::Dice;
use crate::lab::scene;

/// Draws the libraries of a swarm.
pub(super) struct Shelf {
    /// Cumulative weights of the shared files, the most wanted first.
    cumulative: Vec<f64>,
}

impl Shelf {
    pub(super) fn new(shared: u32) -> Self {
        let mut sum = 0.0;
        let weights = (1..=shared).map(|rank| {
            sum += f64::from(rank).powf(-scene::ZIPF);
            sum
        });
        Self { cumulative: weights.collect() }
    }

    /// The files of a client, in the order in which it downloads them.
    pub(super) fn library(&self, spec: &SwarmSpec, client: u32) -> Vec<u32> {
        let mut dice = Dice::seeded(spec.seed, u64::from(client));
        let wanted = spec.library.saturating_sub(spec.own).min(spec.shared) as usize;
        let mut shared = BTreeSet::new();
        while shared.len() < wanted {
            shared.insert(self.draw(&mut dice));
        }
        let own = (0..spec.own.min(spec.library)).map(|file| spec.shared + client * spec.own + file);
        let mut files: Vec<_> = shared.into_iter().chain(own).collect();
        // Fisher and Yates: no two clients walk through the catalogue side by side.
        for place in (1..files.len()).rev() {
            files.swap(place, dice.below(place as u32 + 1) as usize);
        }
        files
    }

    fn draw(&self, dice: &mut Dice) -> u32 {
        let sum = self.cumulative.last().copied().unwrap_or_default();
        let point = dice.unit() * sum;
        self.cumulative.partition_point(|below| *below <= point).min(self.cumulative.len().saturating_sub(1)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> SwarmSpec {
        SwarmSpec::of_the_scene(Vec::new(), "targets.json".into(), None)
    }

    #[test]
    fn libraries_have_their_size_and_nothing_twice() {
        let spec = spec();
        let shelf = Shelf::new(spec.shared);
        let mut asked = std::collections::BTreeMap::<u32, u32>::new();
        for client in 0..spec.clients {
            let library = shelf.library(&spec, client);
            assert_eq!(library.iter().collect::<BTreeSet<_>>().len(), spec.library as usize);
            assert!(library.iter().all(|object| *object < spec.objects()));
            for object in library {
                *asked.entry(object).or_default() += 1;
            }
        }
        assert!(asked[&0] > spec.clients * 6 / 10, "the first is on most devices: {}", asked[&0]);
        let own = asked.iter().filter(|(object, _)| **object >= spec.shared);
        assert!(own.clone().all(|(_, times)| *times == 1));
        assert_eq!(own.count() as u32, spec.clients * spec.own);
    }

    #[test]
    fn a_library_larger_than_the_catalogue_is_the_catalogue() {
        let spec = SwarmSpec { shared: 5, own: 1, library: 60, ..spec() };
        assert_eq!(Shelf::new(5).library(&spec, 3).len(), 6);
    }
}
