//! One object to prime, checked: its URL, what its bytes must be, and in which variants it is asked for.
//!
//! Not here: JSON (the primer reads lines) and fetching. Invariant: a URL or header that is kept here can be sent
//! as it is: no control characters, no credentials, nothing that would change what the primer promises to send.

use jiff::Timestamp;

/// Longest URL in bytes; servers commonly refuse more than 8 KiB of request line.
const LONGEST_URL: usize = 8_192;
/// Most variants of one object; Accept-Encoding times device classes stays below.
const MOST_VARIANTS: usize = 32;
/// Most headers of one variant, and the longest name and value in bytes.
const MOST_HEADERS: usize = 16;
const LONGEST_HEADER: usize = 1_024;
/// Headers that would break the promise of a full GET to the node, or that the connection owns.
const RESERVED: [&str; 16] = [
    "host",
    "range",
    "if-range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
    "x-tminus-prime",
];

/// A header set that is sent with a request; empty: none of our own, so no Accept-Encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant(Vec<(String, String)>);

/// Why a header set is not a variant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVariant {
    /// Too many headers, or too long.
    #[error("a variant has at most {MOST_HEADERS} headers of at most {LONGEST_HEADER} bytes")]
    TooLarge,
    /// Not a header name.
    #[error("{0:?} is not a header name")]
    Name(String),
    /// A control character or one outside ASCII in a value.
    #[error("the value of {0} has characters that a header cannot carry")]
    Value(String),
    /// A header that the primer itself owns.
    #[error("{0} cannot be set by a variant: every request is a full GET for the URL's own host")]
    Reserved(String),
}

impl Variant {
    /// Checks names and values; names are folded to lower case and sorted.
    pub fn new(headers: impl IntoIterator<Item = (String, String)>) -> Result<Self, InvalidVariant> {
        let mut pairs = Vec::new();
        for (name, value) in headers {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.len() > LONGEST_HEADER || value.len() > LONGEST_HEADER || pairs.len() == MOST_HEADERS {
                return Err(InvalidVariant::TooLarge);
            }
            if name.is_empty() || !name.bytes().all(token) {
                return Err(InvalidVariant::Name(name));
            }
            if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
                return Err(InvalidVariant::Value(name));
            }
            if RESERVED.contains(&name.as_str()) {
                return Err(InvalidVariant::Reserved(name));
            }
            pairs.push((name, value));
        }
        pairs.sort();
        Ok(Self(pairs))
    }

    /// Names (lower case) and values.
    pub fn headers(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether it sets this header, in any case.
    pub fn sets(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// `accept-encoding: gzip`, for people; `None` for the empty one.
    pub fn label(&self) -> Option<String> {
        let lines: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if lines.is_empty() { None } else { Some(lines.join(", ")) }
    }
}

/// What the bytes of an object must be. Absent parts are not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Length in bytes.
    pub size: Option<u64>,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: Option<String>,
}

/// One line of a source, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    /// The URL.
    pub url: String,
    /// Length in bytes.
    pub size: Option<u64>,
    /// `sha256:HEX`.
    pub digest: Option<String>,
    /// Higher first; 0 when absent.
    pub priority: Option<f64>,
    /// Header sets; empty: those of the policy.
    pub variants: Vec<Variant>,
    /// Not fetched before this instant.
    pub not_before: Option<Timestamp>,
}

/// An object that may be fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    url: String,
    bytes: Bytes,
    priority: f64,
    variants: Vec<Variant>,
    not_before: Option<Timestamp>,
}

/// Why a line is not an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObject {
    /// Not a URL that can be primed.
    #[error(
        "{0:?} is not a URL that can be primed: http:// or https://, a host, no credentials, no white space, at most {LONGEST_URL} bytes"
    )]
    Url(String),
    /// Not a digest that is known.
    #[error("a digest is sha256: and 64 hexadecimal digits, not {0:?}")]
    Digest(String),
    /// NaN or infinite.
    #[error("a priority is a finite number")]
    Priority,
    /// Too many variants.
    #[error("an object has at most {MOST_VARIANTS} variants, this one has {0}")]
    Variants(usize),
}

impl Object {
    /// Checks a line.
    pub fn new(fields: Fields) -> Result<Self, InvalidObject> {
        if origin_of(&fields.url).is_none() {
            return Err(InvalidObject::Url(fields.url.chars().take(200).collect()));
        }
        let sha256 = fields.digest.as_deref().map(sha256_of).transpose()?;
        let priority = fields.priority.unwrap_or(0.0);
        if !priority.is_finite() {
            return Err(InvalidObject::Priority);
        }
        if fields.variants.len() > MOST_VARIANTS {
            return Err(InvalidObject::Variants(fields.variants.len()));
        }
        let bytes = Bytes { size: fields.size, sha256 };
        Ok(Self { url: fields.url, bytes, priority, variants: fields.variants, not_before: fields.not_before })
    }

    /// The URL as written.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What its bytes must be.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Higher first; finite.
    pub fn priority(&self) -> f64 {
        self.priority
    }

    /// Its own variants; empty: those of the policy.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// Whether it may not be fetched yet: a cache would keep what the origin says before it is published.
    pub fn is_early(&self, now: Timestamp) -> bool {
        self.not_before.is_some_and(|at| now < at)
    }

    /// Not fetched before this instant.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }
}

fn sha256_of(text: &str) -> Result<String, InvalidObject> {
    let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex.map(str::to_ascii_lowercase).ok_or_else(|| InvalidObject::Digest(text.chars().take(100).collect()))
}

/// Scheme, host and port of a URL in lower case, the default port left out; `None`: not a URL that can be primed.
pub fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("").to_ascii_lowercase();
    let odd = |c: char| c.is_control() || c.is_whitespace();
    if url.len() > LONGEST_URL || url.contains(odd) || authority.is_empty() || authority.contains(['@', '\\']) {
        return None;
    }
    let host = authority.strip_suffix(port).unwrap_or(&authority);
    if host.is_empty() || host.starts_with(':') { None } else { Some(format!("{scheme}://{host}")) }
}

/// Whether a URL lies under one of the allowed ones: the same origin, and the same path or one below it.
pub fn is_allowed(url: &str, allow: &[String]) -> bool {
    let Some(origin) = origin_of(url) else { return false };
    allow.iter().any(|prefix| {
        let base = path_of(prefix).trim_end_matches('/');
        let below = path_of(url).strip_prefix(base);
        // A dot segment, plain or escaped, could climb out of the allowed path once it is normalised.
        let climbs = !base.is_empty() && path_of(url).to_ascii_lowercase().replace("%2e", ".").contains("/..");
        origin_of(prefix).as_ref() == Some(&origin)
            && !climbs
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    })
}

/// Everything after the authority.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.find(['/', '?', '#']).map_or("", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_folded() {
        for (url, origin) in [
            ("https://Content.Example.com/a?b", Some("https://content.example.com")),
            ("HTTPS://content.example.com:443/a", Some("https://content.example.com")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://[::1]:80/", Some("http://[::1]")),
            ("ftp://a/", None),
            ("https:///a", None),
            ("https://user:secret@a/", None),
            ("https://a/b c", None),
            ("https://a/\r\nX-Evil: 1", None),
            ("", None),
        ] {
            assert_eq!(origin_of(url).as_deref(), origin, "{url:?}");
        }
    }

    #[test]
    fn the_allow_list_goes_by_origin_and_whole_path_segments() {
        let allow = ["https://a.example/files/".to_owned(), "http://b.example".to_owned()];
        for (url, allowed) in [
            ("https://a.example/files/x", true),
            ("https://a.example/files?x", true),
            ("https://a.example/filesystem", false),
            ("https://a.example/files/../secret", false),
            ("https://a.example/files/%2E%2e/secret", false),
            ("https://a.example.evil/files/x", false),
            ("http://a.example/files/x", false),
            ("http://b.example", true),
            ("http://b.example/any", true),
            ("http://b.example:8080/any", false),
        ] {
            assert_eq!(is_allowed(url, &allow), allowed, "{url}");
        }
    }

    #[test]
    fn hostile_lines_are_refused_with_a_reason() {
        let digest = |text: &str| Fields { url: "https://a/".into(), digest: Some(text.into()), ..Fields::default() };
        let hex = "AB".repeat(32);
        assert_eq!(
            Object::new(digest(&format!("sha256:{hex}"))).unwrap().bytes().sha256.as_deref(),
            Some("ab".repeat(32).as_str())
        );
        for text in ["", "sha256:", "md5:00", &hex, &format!("sha256:{hex}0"), &format!("sha256:{}", "é".repeat(32))] {
            assert!(matches!(Object::new(digest(text)), Err(InvalidObject::Digest(_))), "{text:?}");
        }
        let long = Fields { url: format!("https://a/{}", "x".repeat(9_000)), ..Fields::default() };
        assert!(matches!(Object::new(long), Err(InvalidObject::Url(_))));
        let nan = Fields { url: "https://a/".into(), priority: Some(f64::NAN), ..Fields::default() };
        assert!(matches!(Object::new(nan), Err(InvalidObject::Priority)));
    }

    #[test]
    fn variants_cannot_change_what_a_request_is() {
        let one = |name: &str, value: &str| Variant::new([(name.to_owned(), value.to_owned())]);
        assert_eq!(one("Accept-Encoding", "gzip").unwrap().label().as_deref(), Some("accept-encoding: gzip"));
        assert!(matches!(one("Range", "bytes=0-1"), Err(InvalidVariant::Reserved(_))));
        assert!(matches!(one("HOST", "evil"), Err(InvalidVariant::Reserved(_))));
        assert!(matches!(one("a b", "x"), Err(InvalidVariant::Name(_))));
        assert!(matches!(one("accept", "x\r\nevil: 1"), Err(InvalidVariant::Value(_))));
        assert_eq!(Variant::default().label(), None);
    }
}
