//! Versions and the rules that match them.
//!
//! Rules compare exactly, as written; only order (ranges, newest, downgrade guard) looks into the fields.
//! Not here: which rule wins; that is the throttle's.
//! Invariant: the order is total and agrees on both sides; `38.0a1 < 38.0`, `2.9 < 2.10`, `2.3.0-rc.1 < 2.3.0`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest version in bytes; real ones stay under 40, and requests bring hostile ones.
const LONGEST: usize = 128;

/// Longest rule in bytes: a comma list of a thousand versions; beyond it a range says it better.
const LONGEST_RULE: usize = 16 * 1_024;

/// A version, equal only to the very same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Arc<str>);

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is 1 to {LONGEST} printable characters without white space, comma or *, not {0:?}")]
pub struct InvalidVersion(pub String);

impl Version {
    /// Checks and keeps the text.
    pub fn new(text: &str) -> Result<Self, InvalidVersion> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '*' | '<' | '>' | '=');
        if text.is_empty() || text.len() > LONGEST || text.chars().any(odd) {
            return Err(InvalidVersion(text.chars().take(40).collect()));
        }
        Ok(Self(text.into()))
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Release order, field by field. Not `Ord`: `1.0` and `1.00` are different versions of equal order.
    pub fn order(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }

    /// Whether it comes before the other in release order.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Less
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field<'a> {
    Number(&'a str),
    Letters(&'a str),
}

impl Field<'_> {
    fn is_number(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

fn fields(text: &str) -> impl Iterator<Item = Field<'_>> {
    text.split(|c: char| !c.is_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let digits = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            rest = after;
            Some(if digits { Field::Number(field.trim_start_matches('0')) } else { Field::Letters(field) })
        })
    })
}

/// Build metadata (`+...`) has no order; a `-pre` part comes before the version without one (SemVer 2.0, section 11).
fn compare(one: &str, other: &str) -> Ordering {
    let parts = |text| {
        let core: &str = str::split(text, '+').next().unwrap_or(text);
        core.split_once('-').map_or((core, None), |(core, pre)| (core, Some(pre)))
    };
    let ((one_core, one_pre), (other_core, other_pre)) = (parts(one), parts(other));
    compare_core(one_core, other_core).then_with(|| match (one_pre, other_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => compare_pre(one, other),
    })
}

/// Field by field, as if the shorter one went on with zeros: `2.0 = 2.0.0`, and a letter suffix comes before the
/// version that ends there, since letters come before numbers.
fn compare_core(one: &str, other: &str) -> Ordering {
    const END: Field<'_> = Field::Number("");
    let (mut one, mut other) = (fields(one), fields(other));
    loop {
        let order = match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) => compare_field(one.unwrap_or(END), other.unwrap_or(END)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_field(one: Field<'_>, other: Field<'_>) -> Ordering {
    match (one, other) {
        (Field::Number(one), Field::Number(other)) => compare_number(one, other),
        (Field::Letters(one), Field::Letters(other)) => one.cmp(other),
        (Field::Letters(_), Field::Number(_)) => Ordering::Less,
        (Field::Number(_), Field::Letters(_)) => Ordering::Greater,
    }
}

/// Numbers of any length: leading zeros are cut already, so the longer one is the larger.
fn compare_number(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Identifier by identifier (SemVer 2.0, section 11.4): numeric ones come before the rest, and more identifiers come
/// after fewer. One thing is not SemVer's: digits inside an identifier are a number, so that `rc9` comes before `rc10`.
fn compare_pre(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        let order = match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => compare_identifier(one, other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_identifier(one: &str, other: &str) -> Ordering {
    let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // `true` is the greater: an identifier with anything but digits comes after the numeric ones.
    (!numeric(one)).cmp(&!numeric(other)).then_with(|| compare_natural(one, other))
}

/// In an identifier the end comes first, then numbers, then letters.
fn compare_natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (fields(one), fields(other));
    loop {
        let order = match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(Field::Number(one)), Some(Field::Number(other))) => compare_number(one, other),
            (Some(one), Some(other)) if one.is_number() == other.is_number() => compare_field(one, other),
            (Some(one), Some(_)) => {
                if one.is_number() {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        Self::new(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.as_ref().into()
    }
}

/// Which versions a rule is about. The variants stand in order of specificity: the first beats the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VersionRule {
    /// `3.6.17`: this text.
    Exact(Version),
    /// `3.6.17, 3.6.18`: any of these texts.
    List(Vec<Version>),
    /// `>=2.0 <2.3`: all bounds hold, in release order.
    Range(Vec<(Bound, Version)>),
    /// `3.6.*`: texts that begin so; `*` alone is every version.
    Prefix(String),
}

/// An operator of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Bound {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// Why a text is not a version rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version rule is 3.6.17, or 3.6.17, 3.6.18, or >=2.0 <2.3, or 3.6.*, not {0:?}")]
pub struct InvalidVersionRule(pub String);

impl VersionRule {
    /// Whether the rule is about this version.
    pub fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Exact(exact) => exact == version,
            Self::List(list) => list.contains(version),
            Self::Range(bounds) => bounds.iter().all(|(bound, end)| bound.holds(version.order(end))),
            Self::Prefix(prefix) => version.as_str().starts_with(prefix.as_str()),
        }
    }

    /// 3 for the most specific kind down to 0.
    pub fn specificity(&self) -> u8 {
        match self {
            Self::Exact(_) => 3,
            Self::List(_) => 2,
            Self::Range(_) => 1,
            Self::Prefix(_) => 0,
        }
    }
}

impl Bound {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Below => order == Ordering::Less,
            Self::AtMost => order != Ordering::Greater,
            Self::Above => order == Ordering::Greater,
            Self::AtLeast => order != Ordering::Less,
        }
    }

    fn split(text: &str) -> Option<(Self, &str)> {
        // Two-character operators first: `<=` also begins with `<`.
        [("<=", Self::AtMost), (">=", Self::AtLeast), ("<", Self::Below), (">", Self::Above)]
            .into_iter()
            .find_map(|(sign, bound)| text.strip_prefix(sign).map(|rest| (bound, rest.trim_start())))
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl FromStr for VersionRule {
    type Err = InvalidVersionRule;

    fn from_str(text: &str) -> Result<Self, InvalidVersionRule> {
        let invalid = || InvalidVersionRule(text.chars().take(60).collect());
        let version = |part: &str| Version::new(part.trim()).map_err(|_| invalid());
        let text = text.trim();
        if text.len() > LONGEST_RULE {
            return Err(invalid());
        }
        match text.strip_suffix('*') {
            Some("") => Ok(Self::Prefix(String::new())),
            // Not trimmed: `3.6 *` is a slip of the pen, not a prefix.
            Some(prefix) => Version::new(prefix).map(|prefix| Self::Prefix(prefix.into())).map_err(|_| invalid()),
            None if text.starts_with(['<', '>']) => bounds(text).map(Self::Range).ok_or_else(invalid),
            None if text.contains(',') => text.split(',').map(version).collect::<Result<_, _>>().map(Self::List),
            None => version(text).map(Self::Exact),
        }
    }
}

/// `>=2.0 <2.3`, `>= 2.0 < 2.3`: bounds apart by white space, which may also stand after an operator.
fn bounds(text: &str) -> Option<Vec<(Bound, Version)>> {
    let mut rest = text;
    let mut bounds = Vec::new();
    while !rest.is_empty() {
        let (bound, after) = Bound::split(rest)?;
        let (end, next) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        bounds.push((bound, Version::new(end).ok()?));
        rest = next.trim_start();
    }
    Some(bounds)
}

impl fmt::Display for VersionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => write!(f, "{version}"),
            Self::List(list) => {
                let texts: Vec<_> = list.iter().map(Version::as_str).collect();
                write!(f, "{}", texts.join(", "))
            }
            Self::Range(bounds) => {
                let texts: Vec<_> = bounds.iter().map(|(bound, end)| format!("{}{end}", bound.sign())).collect();
                write!(f, "{}", texts.join(" "))
            }
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl TryFrom<String> for VersionRule {
    type Error = InvalidVersionRule;

    fn try_from(text: String) -> Result<Self, InvalidVersionRule> {
        text.parse()
    }
}

impl From<VersionRule> for String {
    fn from(rule: VersionRule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    #[test]
    fn versions_are_in_release_order() {
        let ascending = [
            "0.9",
            "1.0-alpha",
            "1.0-alpha.1",
            "1.0-alpha.beta",
            "1.0-beta",
            "1.0-beta.2",
            "1.0-beta.11",
            "1.0-rc.1",
            "1.0-rc9",
            "1.0-rc10",
            "1.0",
            "1.0.1",
            "1.9",
            "1.10",
            "2.0a1",
            "2.0b1",
            "2.0b2",
            "2.0b10",
            "2.0",
            "3.6.17",
            "3.6.170",
            "38.0a1",
            "38.0",
            "38.0.1",
        ];
        for (i, one) in ascending.iter().enumerate() {
            for (j, other) in ascending.iter().enumerate() {
                assert_eq!(version(one).order(&version(other)), i.cmp(&j), "{one} against {other}");
            }
        }
    }

    #[test]
    fn order_ignores_leading_zeros_trailing_zeros_and_build() {
        for (one, other) in [("1.0", "1.00"), ("2.0", "2.0.0"), ("1.0+a", "1.0+b"), ("1_2", "1.2"), ("1.0-rc.01", "1.0-rc.1")] {
            assert_eq!(version(one).order(&version(other)), Ordering::Equal, "{one} against {other}");
            assert_ne!(version(one), version(other));
        }
    }

    #[test]
    fn rules_match_as_written() {
        for (rule, text, expected) in [
            ("3.6.17", "3.6.17", true),
            ("3.6.17", "3.6.170", false),
            ("3.6.17, 3.6.18", "3.6.18", true),
            ("<2.3.0", "2.3.0-rc.1", true),
            ("<2.3.0", "2.3.0", false),
            (">=2.0 <2.3", "2.2.9", true),
            (">=2.0 <2.3", "1.9", false),
            (">= 2.0  < 2.3", "2.3", false),
            (">= 2.0  < 2.3", "2.0", true),
            (">2.0 <=2.3", "2.0.0", false),
            (">2.0 <=2.3", "2.3.0", true),
            ("3.6.*", "3.6.17", true),
            ("3.6.*", "3.60", false),
            ("*", "anything", true),
        ] {
            assert_eq!(rule.parse::<VersionRule>().unwrap().matches(&version(text)), expected, "{rule} on {text}");
        }
    }

    #[test]
    fn unusable_rules_are_refused() {
        for text in
            ["", "<", "1,,2", "1,", ">=1 2", "1*2", "<1*", "a b", "3.6 *", "<2 <", "=2", ">=2.0, <2.3", "**", &"1,".repeat(9_000)]
        {
            assert!(text.parse::<VersionRule>().is_err(), "{text:?}");
        }
    }

    fn any_version() -> impl Strategy<Value = Version> {
        // Few symbols, so that equal and nearly equal versions come up all the time.
        "[0-2aA.+-]{1,7}".prop_map(|text| version(&text))
    }

    proptest! {
        #[test]
        fn the_order_is_total(one in any_version(), other in any_version(), third in any_version()) {
            prop_assert_eq!(one.order(&other), other.order(&one).reverse());
            prop_assert_eq!(one.order(&one), Ordering::Equal);
            if one.order(&other) != Ordering::Greater && other.order(&third) != Ordering::Greater {
                prop_assert_ne!(one.order(&third), Ordering::Greater);
            }
        }

        #[test]
        fn rules_read_back_as_written(text in "[<>=*, 0-9.a-]{0,12}") {
            if let Ok(rule) = text.parse::<VersionRule>() {
                prop_assert_eq!(rule.to_string().parse::<VersionRule>(), Ok(rule));
            }
        }
    }
}
