//! A line of crontab without its command: five fields, or a word such as `@daily`.
//!
//! Not here: time zones. Invariant: a line that was read fires in some year.

use std::str::FromStr;

use jiff::civil::DateTime;

use super::civil::CivilTimes;
use super::field::Field;
use super::invalid::{InvalidLine, Part};

/// See the module.
#[derive(Clone, Debug)]
pub struct Line {
    text: String,
    pub(super) fields: [Field; 5],
    times: CivilTimes,
}

/// Words and the lines they stand for, as in crontab(5).
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Line {
    /// Most characters: every number of every field written out has fewer than 400.
    pub const LONGEST: usize = 500;

    /// As it was written, with single spaces.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it names times of day, without a star or step in minute and hour: such a line fires once where the clocks
    /// skip its time, and once where they show it twice. Any other is an interval, which skips and repeats with the clock.
    pub fn is_fixed(&self) -> bool {
        !self.fields[..2].iter().any(|field| field.is_interval)
    }

    /// Whether either day field will do: neither begins with a star. Otherwise both have to match.
    pub fn takes_either_day(&self) -> bool {
        !self.fields[2].begins_with_star && !self.fields[4].begins_with_star
    }

    /// The first matching civil time at or after an instant of the wall clock; `None` outside of 1970 to 2100.
    pub(super) fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        self.times.at_or_after(from)
    }

    pub(super) fn field(&self, part: Part) -> Field {
        self.fields[part as usize]
    }
}

impl FromStr for Line {
    type Err = InvalidLine;

    fn from_str(text: &str) -> Result<Self, InvalidLine> {
        let length = text.chars().count();
        if length > Self::LONGEST {
            return Err(InvalidLine::TooLong { length });
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let long = match WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)) {
            Some((_, line)) => line.split(' ').collect(),
            None if text.starts_with('@') => return Err(InvalidLine::Word(text)),
            None => words,
        };
        let Ok(five) = <[&str; 5]>::try_from(long.as_slice()) else {
            return Err(InvalidLine::Fields(long.into_iter().map(Into::into).collect()));
        };
        let mut fields = Vec::with_capacity(five.len());
        for (part, field) in Part::ALL.into_iter().zip(five) {
            fields.push(Field::read(part, field)?);
        }
        let fields = <[Field; 5]>::try_from(fields).map_err(|_| InvalidLine::Fields(Vec::new()))?;
        let times = CivilTimes::of(&fields).ok_or_else(|| InvalidLine::Never(super::describe::months(fields[3])))?;
        Ok(Self { text, fields, times })
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Line {}
