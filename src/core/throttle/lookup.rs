//! A map that is built once and only looked up: constant time like a `HashMap`, without an order that could show.
//!
//! Hash with fixed keys, separate chains. Only documents put keys in, requests do not, so nobody can choose keys that
//! collide. Invariant: the same entries give the same answers on any host (I12); there is no way to list them.

use std::borrow::Borrow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The map. Its slots are a power of two, at least one per entry, so that a chain holds one entry or two.
#[derive(Clone, Debug)]
pub(super) struct Lookup<K, V> {
    slots: Vec<Vec<(K, V)>>,
}

impl<K, V> Default for Lookup<K, V> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<K: Hash, V> FromIterator<(K, V)> for Lookup<K, V> {
    /// Keys must differ, as those of an ordered map do.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let mut slots: Vec<Vec<(K, V)>> = Vec::new();
        slots.resize_with(entries.len().next_power_of_two(), Vec::new);
        for (key, value) in entries {
            let place = place(&key, slots.len());
            slots[place].push((key, value));
        }
        Self { slots }
    }
}

impl<K, V> Lookup<K, V> {
    /// The value of a key.
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if self.slots.is_empty() {
            return None;
        }
        let chain = &self.slots[place(key, self.slots.len())];
        chain.iter().find(|(found, _)| found.borrow() == key).map(|(_, value)| value)
    }
}

/// `slots` is a power of two.
fn place<Q: Hash + ?Sized>(key: &Q, slots: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish() as usize & (slots - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_value_and_no_other_key_does() {
        for length in [0, 1, 2, 3, 1_000] {
            let lookup: Lookup<String, usize> = (0..length).map(|number| (format!("key-{number}"), number)).collect();
            for number in 0..length + 10 {
                let expected = (number < length).then_some(number);
                assert_eq!(lookup.get(format!("key-{number}").as_str()).copied(), expected, "{number} of {length}");
            }
        }
        assert_eq!(Lookup::<String, usize>::default().get("key"), None);
    }

    #[test]
    fn chains_stay_short() {
        let lookup: Lookup<String, usize> = (0..100_000).map(|number| (format!("1.0.{number}"), number)).collect();
        let longest = lookup.slots.iter().map(Vec::len).max();
        assert!(longest <= Some(10), "{longest:?}");
    }
}
