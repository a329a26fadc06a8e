//! The bounded cache: variants by path and query, fresh or stale by the clock it is given.
//!
//! It fetches nothing. Invariant: the bytes it holds never exceed its bound, the newest entry apart.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

/// Variants of one page: encodings are a handful, and header values come from clients.
const MOST_VARIANTS: usize = 8;

/// What an entry costs beside its body: keys, headers and maps, rounded up.
const OVERHEAD_BYTES: usize = 1_024;

/// A response as it came.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) received: Instant,
    pub(super) initial_age: Duration,
    pub(super) lifetime: Duration,
}

impl Stored {
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.initial_age + now.saturating_duration_since(self.received)
    }

    /// Whole seconds that it stays fresh; negative when it is stale.
    pub(super) fn ttl_secs(&self, now: Instant) -> i64 {
        self.lifetime.as_secs().cast_signed() - self.age(now).as_secs().cast_signed()
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.age(now) < self.lifetime
    }

    fn bytes(&self) -> usize {
        self.body.len() + OVERHEAD_BYTES
    }
}

/// What the store has for a request.
#[derive(Debug)]
pub(super) enum Found {
    /// A fresh response.
    Fresh(Arc<Stored>),
    /// One whose lifetime is over.
    Stale,
    /// Only variants that other request headers select.
    OtherVariant,
    /// Nothing.
    Nothing,
}

pub(super) struct Store {
    pages: HashMap<String, Page>,
    /// Second chance: a page that was used since it last came to the front goes to the back instead of out.
    order: VecDeque<String>,
    bytes: usize,
    most_bytes: usize,
}

struct Page {
    vary: Vec<HeaderName>,
    variants: Vec<(Vec<Option<HeaderValue>>, Arc<Stored>)>,
    used: bool,
}

impl Store {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { pages: HashMap::new(), order: VecDeque::new(), bytes: 0, most_bytes }
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.pages.len(), self.bytes)
    }

    pub(super) fn find(&mut self, key: &str, request: &HeaderMap, now: Instant) -> Found {
        let Some(page) = self.pages.get_mut(key) else { return Found::Nothing };
        page.used = true;
        let wanted = values(&page.vary, request);
        match page.variants.iter().find(|(values, _)| *values == wanted) {
            Some((_, stored)) if stored.is_fresh(now) => Found::Fresh(stored.clone()),
            Some(_) => Found::Stale,
            None => Found::OtherVariant,
        }
    }

    pub(super) fn insert(&mut self, key: &str, request: &HeaderMap, entry: (Vec<HeaderName>, Arc<Stored>)) {
        let (vary, stored) = entry;
        if !self.pages.contains_key(key) {
            self.order.push_back(key.into());
            self.pages.insert(key.into(), Page { vary: vary.clone(), variants: Vec::new(), used: false });
        }
        let Some(page) = self.pages.get_mut(key) else { return };
        let before: usize = page.bytes();
        if page.vary != vary {
            // What selected the old variants is not known for the new list.
            page.variants.clear();
            page.vary = vary;
        }
        let wanted = values(&page.vary, request);
        page.variants.retain(|(values, _)| *values != wanted);
        page.variants.drain(..(page.variants.len() + 1).saturating_sub(MOST_VARIANTS));
        page.variants.push((wanted, stored));
        self.bytes = self.bytes + page.bytes() - before;
        self.evict(key);
    }

    fn evict(&mut self, newest: &str) {
        while self.bytes > self.most_bytes && self.pages.len() > 1 {
            let Some(key) = self.order.pop_front() else { return };
            match self.pages.get_mut(&key) {
                Some(page) if page.used || key == newest => {
                    page.used = false;
                    self.order.push_back(key);
                }
                _ => self.bytes -= self.pages.remove(&key).map_or(0, |page| page.bytes()),
            }
        }
    }
}

impl Page {
    fn bytes(&self) -> usize {
        self.variants.iter().map(|(_, stored)| stored.bytes()).sum()
    }
}

fn values(vary: &[HeaderName], request: &HeaderMap) -> Vec<Option<HeaderValue>> {
    vary.iter().map(|name| request.get(name).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::clock;
    use hyper::header::ACCEPT_ENCODING;

    fn stored(lifetime_secs: u64, size: usize) -> Arc<Stored> {
        Arc::new(Stored {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: vec![0; size].into(),
            received: clock::monotonic(),
            initial_age: Duration::from_secs(1),
            lifetime: Duration::from_secs(lifetime_secs),
        })
    }

    fn accepting(encoding: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, encoding.parse().unwrap())])
    }

    #[test]
    fn an_entry_is_fresh_until_its_age_reaches_its_lifetime() {
        let (mut store, none) = (Store::new(1 << 20), HeaderMap::new());
        assert!(matches!(store.find("/a", &none, clock::monotonic()), Found::Nothing));
        let entry = stored(10, 1);
        store.insert("/a", &none, (vec![], entry.clone()));
        let at = |secs| entry.received + Duration::from_secs(secs);
        assert!(matches!(store.find("/a", &none, at(8)), Found::Fresh(_)));
        assert!(matches!(store.find("/a", &none, at(9)), Found::Stale), "it was a second old when it came");
        assert_eq!((entry.ttl_secs(at(8)), entry.ttl_secs(at(12))), (1, -3));
    }

    #[test]
    fn variants_are_kept_apart() {
        let mut store = Store::new(1 << 20);
        let now = clock::monotonic();
        store.insert("/a", &accepting("gzip"), (vec![ACCEPT_ENCODING], stored(60, 1)));
        assert!(matches!(store.find("/a", &accepting("gzip"), now), Found::Fresh(_)));
        assert!(matches!(store.find("/a", &HeaderMap::new(), now), Found::OtherVariant));
        for encoding in 0..50 {
            store.insert("/a", &accepting(&format!("x{encoding}")), (vec![ACCEPT_ENCODING], stored(60, 1)));
        }
        assert_eq!(store.pages["/a"].variants.len(), MOST_VARIANTS);
    }

    #[test]
    fn bytes_are_bounded_and_used_pages_stay_longer() {
        let (mut store, none) = (Store::new(10 * 2_048), HeaderMap::new());
        for page in 0..100 {
            store.insert(&format!("/{page}"), &none, (vec![], stored(60, 1_024)));
            store.find("/0", &none, clock::monotonic());
            assert!(store.bytes <= store.most_bytes);
        }
        assert_eq!(store.size(), (10, 10 * 2_048));
        assert_eq!(store.order.len(), store.pages.len());
        assert!(matches!(store.find("/0", &none, clock::monotonic()), Found::Fresh(_)));
        assert!(matches!(store.find("/50", &none, clock::monotonic()), Found::Nothing));
    }
}
