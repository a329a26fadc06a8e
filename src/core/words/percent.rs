//! A share in parts per million, written as a percent: 0..100 with up to four decimals.
//!
//! Invariant: at most 1,000,000 ppm. There is no float here, so comparing buckets is exact.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A percent with a resolution of 1 ppm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Percent(u32);

/// Why a text or number is not a percent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPercent {
    /// Not digits with at most four decimals.
    #[error("a percent is a number from 0 to 100 with up to four decimals, without sign or exponent, not {0:?}")]
    Malformed(String),
    /// Above 100.
    #[error("a percent is at most 100, not {0}")]
    TooLarge(String),
}

impl Percent {
    /// Nobody.
    pub const ZERO: Self = Self(0);
    /// Everybody.
    pub const FULL: Self = Self(1_000_000);

    /// From parts per million, at most 1,000,000.
    pub fn from_ppm(ppm: u32) -> Result<Self, InvalidPercent> {
        if ppm > Self::FULL.0 { Err(InvalidPercent::TooLarge(format!("{ppm} ppm"))) } else { Ok(Self(ppm)) }
    }

    /// Parts per million, 0..=1,000,000.
    pub fn ppm(self) -> u32 {
        self.0
    }

    /// The share, 0..=1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl FromStr for Percent {
    type Err = InvalidPercent;

    fn from_str(text: &str) -> Result<Self, InvalidPercent> {
        let malformed = || InvalidPercent::Malformed(text.chars().take(40).collect());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 4 || text.len() > 40 {
            return Err(malformed());
        }
        let whole: u32 = whole.parse().map_err(|_| InvalidPercent::TooLarge(text.into()))?;
        let fraction: u32 = format!("{decimals:0<4}").parse().map_err(|_| malformed())?;
        let ppm = whole.checked_mul(10_000).and_then(|ppm| ppm.checked_add(fraction));
        ppm.and_then(|ppm| Self::from_ppm(ppm).ok()).ok_or_else(|| InvalidPercent::TooLarge(text.into()))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 10_000, self.0 % 10_000);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{fraction:04}").trim_end_matches('0'))
    }
}

impl TryFrom<u32> for Percent {
    type Error = InvalidPercent;

    fn try_from(ppm: u32) -> Result<Self, InvalidPercent> {
        Self::from_ppm(ppm)
    }
}

impl From<Percent> for u32 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_exact_to_four_decimals() {
        for (text, ppm) in [("0", 0), ("100", 1_000_000), ("12.5", 125_000), ("0.0001", 1), ("99.9999", 999_999)] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!(percent.ppm(), ppm, "{text}");
            assert_eq!(percent.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["-1", "101", "abc", "NaN", "+5", "1e1", "0.00001", "100.0001", "", ".5", "5.", "99999999999", " 5"] {
            assert!(text.parse::<Percent>().is_err(), "{text:?}");
        }
    }
}
