//! The scalars of documents: how each is written, read and described to an editor.
//!
//! The schema names a format for each (`tminus-duration`), the table of formats below has the reader behind it, so that validator, typed
//! parse and message never disagree. Invariant: what a reader accepts, the typed parse accepts, and nothing else.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::instant::{Instant, read_instant};
use crate::core::calendar::{InvalidLine, Line};
use crate::core::words::{Name, Percent, Rate, TRelative, Version, VersionRule, parse_count, parse_duration};

/// Declares a text with a reader: the type, its place in schemas, and its way out of serde.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident($inner:ty), $format:literal, $read:expr, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(pub $inner);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let read: fn(&str) -> Result<$inner, String> = $read;
                read(&text).map(Self)
            }
        }

        scheme!($name, $format, $schema);
    };
}

/// Describes a scalar type to schemas, inline and with its format.
macro_rules! scheme {
    ($name:ty, $format:literal, $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $format.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!($schema);
                schema.insert("format".into(), $format.into());
                schema
            }
        }
    };
}

word!(
    /// A duration.
    Lasting(Duration), "tminus-duration", |text| parse_duration(text).map_err(|error| error.to_string()),
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[smhd]$", "examples": ["90s", "20m", "6h", "3d"]}
);
word!(
    /// An instant with its offset, and the zone it was written in.
    Moment(Instant), "tminus-instant", read_instant,
    {"type": "string", "examples": ["2026-12-01T11:00:00-08:00[America/Los_Angeles]", "2026-12-01T19:00:00Z"]}
);
word!(
    /// A count.
    Count(u64), "tminus-count", |text| parse_count(text).map_err(|error| error.to_string()),
    {"type": ["integer", "string"], "pattern": r"^[0-9]+(\.[0-9]+)?[kM]?$", "examples": [180_000, "180k"]}
);
word!(
    /// A rate.
    PerTime(Rate), "tminus-rate", |text| text.parse().map_err(|error: crate::core::words::InvalidQuantity| error.to_string()),
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[kM]?/[smh]$", "examples": ["45/s", "1200/m", "9k/h"]}
);
word!(
    /// An absolute http or https URL.
    Url(String), "tminus-url", read_url,
    {"type": "string", "pattern": "^https?://", "examples": ["https://api.example.com/health"]}
);
word!(
    /// A host and a port.
    HostPort(String), "tminus-host-port", read_host_port,
    {"type": "string", "examples": ["10.0.0.11:443", "edge1.example.com:443"]}
);
word!(
    /// An address to listen on.
    Listen(SocketAddr), "tminus-listen",
    |text| text.parse().map_err(|_| format!("an address to listen on is IP:PORT, such as 127.0.0.1:8017, not {text:?}")),
    {"type": "string", "examples": ["127.0.0.1:8017", "[::1]:8017"]}
);
word!(
    /// An IANA time zone.
    Zone(String), "tminus-time-zone", read_zone,
    {"type": "string", "examples": ["America/Los_Angeles", "UTC"]}
);
word!(
    /// A SHA-256 in hex.
    Sha256(String), "tminus-sha256", read_sha256,
    {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
);
word!(
    /// Five fields of cron, or a word such as `@daily`.
    Cron(String), "tminus-cron", read_cron,
    {"type": "string", "examples": ["30 3 * * *", "@daily"]}
);
word!(
    /// A path of a file or folder; relative ones start at the document's folder.
    FilePath(PathBuf), "tminus-path", |text| if text.is_empty() || text.contains('\0') {
        Err(format!("a path is at least one character and none of them NUL, not {text:?}"))
    } else {
        Ok(PathBuf::from(text))
    },
    {"type": "string", "minLength": 1}
);
word!(
    /// A text that is not empty.
    Text(String), "tminus-text", |text| if text.trim().is_empty() { Err("a text is at least one character".into()) } else { Ok(text.into()) },
    {"type": "string", "minLength": 1}
);

scheme!(Name, "tminus-name", {"type": ["string", "number"], "minLength": 1, "maxLength": 200});
scheme!(Version, "tminus-version", {"type": ["string", "number"], "minLength": 1, "maxLength": 128, "examples": ["2.3.0"]});
scheme!(VersionRule, "tminus-version-rule", {
    "type": ["string", "number"], "minLength": 1, "examples": ["3.6.17", "3.6.17, 3.6.18", ">=2.0 <2.3", "3.6.*"]
});
scheme!(TRelative, "tminus-t-relative", {
    "type": "string", "pattern": r"^T[-+][0-9]+(\.[0-9]+)?[smhd]$", "examples": ["T-2h", "T+30m"]
});

/// A percent: a number, not a text, of 0 to 100 with up to four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "serde_json::Number")]
pub struct PercentNumber(pub Percent);

impl TryFrom<serde_json::Number> for PercentNumber {
    type Error = String;

    fn try_from(number: serde_json::Number) -> Result<Self, String> {
        // Display of f64 is the shortest decimal, never with an exponent: four decimals come back as written.
        let text = number.as_u64().map_or_else(|| number.as_f64().unwrap_or(f64::NAN).to_string(), |whole| whole.to_string());
        text.parse().map(Self).map_err(|error: crate::core::words::InvalidPercent| error.to_string())
    }
}

scheme!(PercentNumber, "tminus-percent", {"type": "number", "minimum": 0, "maximum": 100});

/// How a kind of scalar is written.
pub struct Format {
    /// Its name in schemas.
    pub name: &'static str,
    /// The code of a finding about it.
    pub code: &'static str,
    /// What is wanted, for messages: `a duration such as 20m`.
    pub wanted: &'static str,
    /// Why a text is not one.
    pub read: fn(&str) -> Result<(), String>,
}

/// All formats. Formats of one code share its explanation.
pub const FORMATS: &[Format] = &[
    Format { name: "tminus-percent", code: "TM0121", wanted: "a percent from 0 to 100", read: |text| reads::<Percent>(text) },
    Format {
        name: "tminus-duration",
        code: "TM0122",
        wanted: "a duration such as 90s, 20m, 6h or 3d",
        read: |text| drop_value(parse_duration(text)),
    },
    Format {
        name: "tminus-instant",
        code: "TM0123",
        wanted: "an instant such as 2026-12-01T11:00:00-08:00[America/Los_Angeles]",
        read: |text| drop_value(read_instant(text)),
    },
    Format {
        name: "tminus-t-relative",
        code: "TM0124",
        wanted: "a time such as T-2h or T+30m",
        read: |text| reads::<TRelative>(text),
    },
    Format {
        name: "tminus-count",
        code: "TM0125",
        wanted: "a count such as 140 or 180k",
        read: |text| drop_value(parse_count(text)),
    },
    Format { name: "tminus-rate", code: "TM0125", wanted: "a rate such as 45/s", read: |text| reads::<Rate>(text) },
    Format {
        name: "tminus-version",
        code: "TM0126",
        wanted: "a version such as 2.3.0",
        read: |text| drop_value(Version::new(text)),
    },
    Format {
        name: "tminus-version-rule",
        code: "TM0126",
        wanted: "a version rule such as 3.6.17, <2.3 or 3.6.*",
        read: |text| reads::<VersionRule>(text),
    },
    Format { name: "tminus-name", code: "TM0127", wanted: "a name", read: |text| drop_value(Name::new(text)) },
    Format { name: "tminus-text", code: "TM0127", wanted: "a text", read: |text| drop_value(Text::try_from(text.to_owned())) },
    Format {
        name: "tminus-path",
        code: "TM0127",
        wanted: "a path",
        read: |text| drop_value(FilePath::try_from(text.to_owned())),
    },
    Format {
        name: "tminus-url",
        code: "TM0128",
        wanted: "a URL such as https://example.com/health",
        read: |text| drop_value(read_url(text)),
    },
    Format {
        name: "tminus-host-port",
        code: "TM0128",
        wanted: "a host and a port such as 10.0.0.11:443",
        read: |text| drop_value(read_host_port(text)),
    },
    Format {
        name: "tminus-listen",
        code: "TM0128",
        wanted: "an address such as 127.0.0.1:8017",
        read: |text| drop_value(Listen::try_from(text.to_owned())),
    },
    Format {
        name: "tminus-time-zone",
        code: "TM0129",
        wanted: "an IANA time zone such as America/Los_Angeles",
        read: |text| drop_value(read_zone(text)),
    },
    Format {
        name: "tminus-cron",
        code: "TM0129",
        wanted: "five fields of cron such as 30 3 * * *",
        read: |text| drop_value(read_cron(text)),
    },
    Format { name: "tminus-sha256", code: "TM0131", wanted: "a SHA-256 in hex", read: |text| drop_value(read_sha256(text)) },
];

/// The format of that name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

fn reads<T: std::str::FromStr>(text: &str) -> Result<(), String>
where
    T::Err: std::fmt::Display,
{
    drop_value(text.parse::<T>())
}

fn drop_value<T, E: std::fmt::Display>(read: Result<T, E>) -> Result<(), String> {
    read.map(drop).map_err(|error| error.to_string())
}

fn read_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default()).unwrap_or_default();
    let odd = text.chars().any(|c| c.is_whitespace() || c.is_control());
    if host.is_empty() || odd || reqwest::Url::parse(text).is_err() {
        return Err(format!("a URL begins with http:// or https:// and a host, not {:?}", shortened(text)));
    }
    Ok(text.into())
}

fn read_host_port(text: &str) -> Result<String, String> {
    let invalid = || format!("an address to connect to is HOST:PORT, such as 10.0.0.11:443, not {:?}", shortened(text));
    let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let odd = host.is_empty() || host.contains(char::is_whitespace) || host.contains('/') || (host.contains(':') && !bracketed);
    let port: u16 = port.parse().map_err(|_| invalid())?;
    if odd || port == 0 { Err(invalid()) } else { Ok(text.into()) }
}

fn read_zone(text: &str) -> Result<String, String> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.into()),
        Err(_) => Err(format!("{:?} is no time zone of the IANA database", shortened(text))),
    }
}

fn read_sha256(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("a SHA-256 is 64 hexadecimal digits, this has {} characters", text.chars().count()))
}

/// As the calendar reads it. A line that never fires is well written; a rule refuses it.
fn read_cron(text: &str) -> Result<String, String> {
    match text.parse::<Line>() {
        Ok(_) | Err(InvalidLine::Never(_)) => Ok(text.into()),
        Err(error) => Err(error.to_string()),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The epoch: T-0 of a release that was out before tminus came and does not say when.
pub const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;
