//! Which members of `Vary` the variants leave open.
//!
//! Not here: the variants' values; a variant that sets a header covers it.

use super::headers::Headers;
use super::object::Variant;

/// Members of `Vary` that no variant sets, as written, without `*`: clients that send them may miss.
pub fn uncovered_vary(headers: &Headers, variants: &[Variant]) -> Vec<String> {
    let covered = |name: &str| variants.iter().any(|variant| variant.sets(name));
    let mut open: Vec<String> =
        headers.members("vary").into_iter().filter(|name| *name != "*" && !covered(name)).map(str::to_owned).collect();
    open.sort_by_key(|name| name.to_ascii_lowercase());
    open.dedup_by_key(|name| name.to_ascii_lowercase());
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_without_a_variant_are_named() {
        let gzip = Variant::new([("Accept-Encoding".to_owned(), "gzip".to_owned())]).unwrap();
        let check = |vary: &str, variants: &[Variant], open: &[&str]| {
            assert_eq!(uncovered_vary(&Headers::new([("Vary".into(), vary.into())]), variants), open, "{vary}");
        };
        check("accept-encoding", std::slice::from_ref(&gzip), &[]);
        check("Accept-Encoding, X-Device, x-device", &[gzip], &["X-Device"]);
        check("Accept-Encoding", &[Variant::default()], &["Accept-Encoding"]);
        check("*", &[Variant::default()], &[]);
    }
}
