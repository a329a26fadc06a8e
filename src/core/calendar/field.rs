//! One field of a line: the numbers it stands for, and how it is written where that counts.
//!
//! As crontab(5) and Debian's cron have it: `*`, a number or name, a range, a list, a step behind a star or a range.
//! Invariant: every number is within the field's bounds, and Sunday is 0 alone.

use super::invalid::{InvalidLine, Part};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) part: Part,
    /// One bit per number.
    bits: u64,
    /// It begins with a star: a day field is then no restriction of its own.
    pub(super) begins_with_star: bool,
    /// It has a star or a step: an interval, and no fixed time.
    pub(super) is_interval: bool,
}

impl Field {
    pub(super) fn read(part: Part, text: &str) -> Result<Self, InvalidLine> {
        let mut bits = 0;
        for entry in text.split(',') {
            bits |= read_entry(part, entry)?;
        }
        // 7 is Sunday too.
        if part == Part::Weekday && bits & (1 << 7) != 0 {
            bits = bits & !(1 << 7) | 1;
        }
        Ok(Self { part, bits, begins_with_star: text.starts_with('*'), is_interval: text.contains(['*', '/']) })
    }

    /// The numbers, rising.
    pub(super) fn numbers(self) -> impl Iterator<Item = u8> + Clone {
        (0..60).filter(move |number| self.bits & (1 << number) != 0)
    }

    /// Whether it leaves nothing out.
    pub(super) fn is_all(self) -> bool {
        let (least, most) = self.part.bounds();
        let most = if self.part == Part::Weekday { most - 1 } else { most };
        (least..=most).all(|number| self.bits & (1 << number) != 0)
    }
}

fn read_entry(part: Part, entry: &str) -> Result<u64, InvalidLine> {
    let (range, step) = match entry.split_once('/') {
        Some((range, step)) => (range, Some(read_step(part, (entry, step))?)),
        None => (entry, None),
    };
    let (least, most) = part.bounds();
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => (least, most),
        Some((from, to)) => (read_number(part, (entry, from))?, read_number(part, (entry, to))?),
        None if step.is_some() => {
            read_number(part, (entry, range))?;
            return Err(InvalidLine::StepOfOne { part, text: entry.into() });
        }
        None => read_number(part, (entry, range)).map(|number| (number, number))?,
    };
    if from > to {
        return Err(InvalidLine::Backwards { part, from, to });
    }
    Ok((from..=to).step_by(step.unwrap_or(1)).fold(0, |bits, number| bits | 1 << number))
}

fn read_step(part: Part, (entry, text): (&str, &str)) -> Result<usize, InvalidLine> {
    let step = digits(text).ok_or_else(|| unreadable(part, entry))?;
    if step == 0 || step > u32::from(part.bounds().1) {
        return Err(InvalidLine::Step { part, step });
    }
    Ok(step as usize)
}

fn read_number(part: Part, (entry, text): (&str, &str)) -> Result<u8, InvalidLine> {
    let (least, most) = part.bounds();
    if let Some(at) = part.names().iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(least + at as u8);
    }
    let number = digits(text).ok_or_else(|| unreadable(part, entry))?;
    match u8::try_from(number) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(InvalidLine::OutOfRange { part, number }),
    }
}

/// Up to six digits: enough for every number that is meant, and for a message about one that is not.
fn digits(text: &str) -> Option<u32> {
    let well_formed = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

fn unreadable(part: Part, entry: &str) -> InvalidLine {
    InvalidLine::Unreadable { part, text: entry.chars().take(40).collect() }
}
