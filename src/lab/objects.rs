//! The catalogue: which objects exist and what their bytes are, the same at every origin.
//!
//! Invariant: the bytes follow from name and version alone, so a digest proves them whoever served them.

use std::fmt::Write;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::dice::Dice;

/// Smallest object in bytes.
const SMALLEST: u64 = 1_024;

/// Objects are spread evenly over so many bytes more: a few kilobytes, like the texts of the story. Two cores carry
/// the whole demo, so large ones would measure memory copies.
const SPREAD: u64 = 4_096;

/// The bytes of an object for a version of the app.
pub(super) fn body(object: u32, version: &str) -> Bytes {
    let mut dice = Dice::named(&format!("{object} of {version}"));
    let size = (SMALLEST + dice.next() % SPREAD) as usize;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&dice.next().to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

/// SHA-256 in lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The path and query of an object.
pub(super) fn path(object: u32, version: &str) -> String {
    format!("/content/o{object}?v={version}")
}

/// The object of a path, if the catalogue has it.
pub(super) fn object_of(path: &str, objects: u32) -> Option<u32> {
    let digits = path.strip_prefix("/content/o")?;
    // `o007` would be another name for the same bytes.
    let number = digits.parse::<u32>().ok().filter(|number| number.to_string() == digits)?;
    (number < objects).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_follow_from_name_and_version() {
        assert_eq!(body(7, "2.3.0"), body(7, "2.3.0"));
        assert_ne!(body(7, "2.3.0"), body(7, "2.2.0"));
        assert_ne!(body(7, "2.3.0"), body(8, "2.3.0"));
        assert!((0..200).all(|object| (1_024..5_120).contains(&body(object, "2.3.0").len())));
    }

    #[test]
    fn only_objects_of_the_catalogue_exist() {
        for (path, expected) in [
            ("/content/o0", Some(0)),
            ("/content/o9", Some(9)),
            ("/content/o10", None),
            ("/content/o07", None),
            ("/content/o+7", None),
            ("/content/7", None),
        ] {
            assert_eq!(object_of(path, 10), expected, "{path}");
        }
    }
}
