//! Rates (`45/s`), counts (`180k`) and numbers of instances.
//!
//! Invariant: a rate is finite and not negative.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of instances of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Capacity(pub u32);

/// A rate in events per second; finite, not negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuantity {
    /// Not a rate.
    #[error("a rate is a number and a period, such as 45/s, 1200/m or 9k/h, not {0:?}")]
    Rate(String),
    /// Not a count.
    #[error("a count is a whole number, possibly with k or M, such as 180k, not {0:?}")]
    Count(String),
}

impl Rate {
    /// From events per second; refuses NaN, infinities and negatives.
    pub fn per_second(value: f64) -> Result<Self, InvalidQuantity> {
        let valid = value.is_finite() && value >= 0.0;
        if valid { Ok(Self(value)) } else { Err(InvalidQuantity::Rate(value.to_string())) }
    }

    /// Events per second.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let invalid = || InvalidQuantity::Rate(text.chars().take(40).collect());
        let (number, period) = text.split_once('/').ok_or_else(invalid)?;
        let period_secs = match period {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(invalid()),
        };
        Self::per_second(scaled(number).ok_or_else(invalid)? / period_secs).map_err(|_| invalid())
    }
}

/// Reads a count such as `180000`, `180k` or `1.5M`; the result is whole and at most 10^15.
pub fn parse_count(text: &str) -> Result<u64, InvalidQuantity> {
    let invalid = || InvalidQuantity::Count(text.chars().take(40).collect());
    let value = scaled(text).ok_or_else(invalid)?;
    // 10^15 is exact in a double and beyond any audience.
    if value > 1e15 || (value - value.round()).abs() > 1e-6 { Err(invalid()) } else { Ok(value.round() as u64) }
}

fn scaled(text: &str) -> Option<f64> {
    let (number, factor) = match text.bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1e3),
        b'M' => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let plain = number.starts_with(|first: char| first.is_ascii_digit())
        && number.ends_with(|last: char| last.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { number.parse::<f64>().ok().map(|value| value * factor) } else { None }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl TryFrom<f64> for Rate {
    type Error = InvalidQuantity;

    fn try_from(value: f64) -> Result<Self, InvalidQuantity> {
        Self::per_second(value)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_as_written() {
        for (text, per_second) in [("45/s", 45.0), ("1200/m", 20.0), ("9k/h", 2.5), ("0.5/s", 0.5)] {
            assert_eq!(text.parse::<Rate>().unwrap().value(), per_second, "{text}");
        }
        for (text, count) in [("0", 0), ("180k", 180_000), ("1.5M", 1_500_000), ("140", 140)] {
            assert_eq!(parse_count(text).unwrap(), count, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["45", "45/d", "-1/s", "/s", "NaN/s", "inf/s", "1e3/s", "45/S"] {
            assert!(text.parse::<Rate>().is_err(), "{text:?}");
        }
        for text in ["", "k", "-1", "1.5", "1K", "99999999999999999999", "1e3"] {
            assert!(parse_count(text).is_err(), "{text:?}");
        }
        assert!(Rate::per_second(f64::NAN).is_err());
    }
}
