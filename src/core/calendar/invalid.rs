//! Why a text is no schedule, and what was probably meant.
//!
//! Invariant: every refusal has a fix that can be typed.

use std::fmt;

/// One of the five fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12, or jan to dec.
    Month,
    /// 0 to 7, or sun to sat; 0 and 7 are Sunday.
    Weekday,
}

impl Part {
    /// The fields in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::Weekday];

    /// The least and the greatest number.
    pub fn bounds(self) -> (u8, u8) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 7),
        }
    }

    /// Names that stand for numbers, the first for the least.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Minute | Self::Hour | Self::DayOfMonth => &[],
            Self::Month => &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
            Self::Weekday => &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::Weekday => "weekday",
        })
    }
}

/// Why a text is no line of crontab.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// More than [`super::Line::LONGEST`] characters.
    #[error("a schedule has at most {most} characters, this one has {length}", most = super::Line::LONGEST)]
    TooLong {
        /// Its characters.
        length: usize,
    },
    /// Not five fields.
    #[error("a schedule has five fields (minute, hour, day of month, month, weekday), this one has {}", .0.len())]
    Fields(Vec<String>),
    /// A word that begins with `@` and names no time.
    #[error("`{0}` names no time of the calendar")]
    Word(String),
    /// Not a number or name, and nothing between them.
    #[error("`{text}` is nothing that the {part} field takes")]
    Unreadable {
        /// The field.
        part: Part,
        /// The entry.
        text: String,
    },
    /// A number that the field does not have.
    #[error("{number} is no {part}: it goes from {} to {}", .part.bounds().0, .part.bounds().1)]
    OutOfRange {
        /// The field.
        part: Part,
        /// The number.
        number: u32,
    },
    /// A range whose end comes before its start.
    #[error("the range {from}-{to} of the {part} field runs backwards")]
    Backwards {
        /// The field.
        part: Part,
        /// Its start.
        from: u8,
        /// Its end.
        to: u8,
    },
    /// A step behind something that is no range.
    #[error("`{text}` of the {part} field has a step but no range to step through")]
    StepOfOne {
        /// The field.
        part: Part,
        /// The entry.
        text: String,
    },
    /// A step of nothing, or one wider than the field.
    #[error("a step of {step} in the {part} field leads nowhere")]
    Step {
        /// The field.
        part: Part,
        /// The step.
        step: u32,
    },
    /// Dates that no year has.
    #[error("this never fires: no {} has such a day", .0)]
    Never(String),
}

impl InvalidLine {
    /// What was probably meant, as a phrase that goes on from "fix:".
    pub fn fix(&self) -> String {
        match self {
            Self::TooLong { .. } => "write ranges and steps such as `*/15` instead of long lists".into(),
            Self::Fields(fields) => fields_fix(fields),
            Self::Word(word) => word_fix(word),
            Self::Unreadable { part, text } => unreadable_fix(*part, text),
            Self::OutOfRange { part, number } => range_fix(*part, *number),
            // Sunday is both ends of the week.
            Self::Backwards { part: Part::Weekday, from, to: 0 } => format!("write `{from}-7`"),
            Self::Backwards { part: Part::Weekday, from, to } => format!("write `{from}-6,0-{to}`"),
            Self::Backwards { part, from, to } => {
                let (least, most) = part.bounds();
                format!("write `{from}-{most},{least}-{to}`")
            }
            Self::StepOfOne { part, text } => match text.split_once('/') {
                Some((start, step)) => format!("write `{start}-{}/{step}`", part.bounds().1),
                None => "write a range before the step, such as `*/15`".into(),
            },
            Self::Step { part, .. } => format!("write a step from 1 to {}, such as `*/2`", part.bounds().1),
            Self::Never(_) => "write a day that the month has, such as `28`, or add a month that has this one".into(),
        }
    }
}

fn fields_fix(fields: &[String]) -> String {
    match fields {
        [_, rest @ ..] if rest.len() == 5 => {
            format!("tminus counts in minutes: leave the seconds out and write `{}`", rest.join(" "))
        }
        [_, rest @ .., _] if rest.len() == 5 => {
            format!("it has no seconds and no year: write `{}`", rest.join(" "))
        }
        fields if fields.len() > 5 => "a schedule has no user and no command: write its five fields alone".into(),
        _ => "write for instance `30 3 * * *` for 03:30 every day, or `@daily`".into(),
    }
}

fn word_fix(word: &str) -> String {
    let folded = word.to_ascii_lowercase();
    if folded == "@reboot" {
        return "schedules follow the clock; a daemon that starts catches up on the runs it missed by itself".into();
    }
    let minutes = folded.strip_prefix("@every ").and_then(|rest| rest.strip_suffix('m')).and_then(|rest| rest.parse().ok());
    match minutes {
        Some(minutes @ 1..=59_u8) => format!("write `*/{minutes} * * * *`"),
        _ => "write @hourly, @daily, @weekly, @monthly or @yearly, or five fields such as `30 3 * * *`".into(),
    }
}

fn unreadable_fix(part: Part, text: &str) -> String {
    let folded = text.to_ascii_lowercase();
    let named = part.names().iter().find(|name| folded.len() > name.len() && folded.starts_with(**name));
    match (named, text) {
        (Some(name), _) if folded.bytes().all(|byte| byte.is_ascii_alphabetic()) => format!("write `{name}`"),
        (_, "?") => "write `*`".into(),
        (_, "") => "take the comma out, or write a number beside it".into(),
        _ if text.contains('#') || folded.ends_with('l') || folded.ends_with('w') => {
            "crontab has no last, nearest or nth day: write days such as `1-7`, or run daily".into()
        }
        _ if folded.starts_with('h') || text.contains('~') => {
            "write a number: the same line fires at the same time everywhere".into()
        }
        _ => example(part),
    }
}

fn example(part: Part) -> String {
    let (least, most) = part.bounds();
    let names = match (part.names().first(), part.names().last()) {
        (Some(first), Some(last)) => format!(", or names from {first} to {last}"),
        _ => String::new(),
    };
    format!("write numbers from {least} to {most}{names}: one, a range `a-b`, a list `a,b`, or steps `*/2`")
}

fn range_fix(part: Part, number: u32) -> String {
    match (part, number) {
        (Part::Hour, 24) => "midnight is hour 0".into(),
        (Part::Minute, 60) => "the full hour is minute 0".into(),
        (Part::DayOfMonth, 0) => "the first day of a month is 1".into(),
        (Part::Month, 0) => "January is 1".into(),
        (Part::Weekday, _) => "Sunday is 0 or 7, Monday is 1".into(),
        _ => example(part),
    }
}

/// Why a line and a zone are no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// The line.
    #[error(transparent)]
    Line(#[from] InvalidLine),
    /// The zone.
    #[error("{0:?} is no time zone of the IANA database")]
    Zone(String),
}

impl InvalidSchedule {
    /// What was probably meant.
    pub fn fix(&self) -> String {
        match self {
            Self::Line(line) => line.fix(),
            Self::Zone(_) => "write a name such as `America/Los_Angeles` or `UTC`".into(),
        }
    }
}
