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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_murmur3_with_its_published_vectors() {
        for (text, expected) in
            [("ejOoVL", 0), ("bY9fO-", 1), ("SI7p-", i32::MAX as u32), ("6LvT0", 1 << 31), ("ceQdGm", u32::MAX)]
        {
            assert_eq!(murmur3::murmur3_32(&mut Cursor::new(text), 0).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn buckets_never_move() {
        // A bucket is a promise to every client that was ever served: these values are never to be changed.
        for (salt, client, expected) in VECTORS {
            assert_eq!(bucket(salt, client), *expected, "{salt} {client}");
        }
    }

    #[test]
    fn buckets_are_even_and_salts_shuffle_them() {
        let first_twentieth = |salt: &str| -> Vec<u32> {
            (0..100_000).filter(|client| bucket(salt, &format!("client-{client}")) < 50_000).collect()
        };
        let (one, other) = (first_twentieth("reader/2.3.0"), first_twentieth("reader/2.4.0"));
        // Five sigmas of a binomial with n = 100,000 and p = 0.05 are 345.
        assert!(one.len().abs_diff(5_000) < 345 && other.len().abs_diff(5_000) < 345, "{} {}", one.len(), other.len());
        let both = one.iter().filter(|client| other.binary_search(client).is_ok()).count();
        // 250 are expected in both; nobody is always the first.
        assert!((170..330).contains(&both), "{both}");
    }

    const VECTORS: &[(&str, &str, u32)] = &[
        ("reader/2.3.0", "client-1", 640_210),
        ("reader/2.3.0", "client-2", 706_304),
        ("reader-2.3", "8f14e45f-ceea-467f-a8ba-0c3b1f5d9f6e", 924_819),
        ("myapp/1.0.7", "é", 419_368),
        ("s", "", 243_725),
    ];
}
