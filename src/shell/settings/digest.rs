//! Hashes of what documents say: independent of comments, layout, key order, file names and file order.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON with sorted keys and nothing between tokens.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (at, key) in keys.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// SHA-256 over parts, in lower-case hex; each part's length goes in, so that no two lists of parts look the same.
pub fn sha256<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    parts.into_iter().fold(Beginning::default(), Beginning::then).digest()
}

/// The first of some parts, hashed once for all lists that begin with them.
#[derive(Clone, Default)]
pub struct Beginning(Sha256);

impl Beginning {
    /// With one more part.
    #[must_use]
    pub fn then(mut self, part: &str) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
        self
    }

    /// The hash of the parts so far.
    pub fn digest(self) -> String {
        hex(&self.0.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_order_does_not_matter_and_boundaries_do() {
        assert_eq!(canonical(&json!({"b": [1, null], "a": "x\"y"})), r#"{"a":"x\"y","b":[1,null]}"#);
        assert_ne!(sha256(["ab", "c"]), sha256(["a", "bc"]));
        let beginning = Beginning::default().then("a");
        assert_eq!(
            [beginning.clone().then("b").digest(), beginning.then("c").digest()],
            [sha256(["a", "b"]), sha256(["a", "c"])]
        );
        assert_eq!(sha256([]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
