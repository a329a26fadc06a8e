//! Where a client stands: a sticky number in 0..1,000,000 per salt.
//!
//! Invariant: it depends on salt and client alone, so that raising a percent never removes anyone (I5).

use std::io::Cursor;

/// `(murmur3_x86_32(salt ":" client, seed 0) * 1,000,000) >> 32`.
pub fn bucket(salt: &str, client: &str) -> u32 {
    let key = [salt.as_bytes(), b":", client.as_bytes()].concat();
    // Reading from memory cannot fail; 0 would be the bucket served first, so fail towards "last".
    let hash = murmur3::murmur3_32(&mut Cursor::new(key), 0).unwrap_or(u32::MAX);
    ((u64::from(hash) * 1_000_000) >> 32) as u32
}
