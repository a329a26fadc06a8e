//! A line in plain English: times of day, days, months, and what it does when the clocks change.
//!
//! Not here: zones and fires. Invariant: lines that fire at different times read differently.

use super::field::Field;
use super::invalid::Part;
use super::line::Line;

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Times of day are listed one by one up to this many; more are told by their minutes and hours.
const MOST_TIMES: usize = 6;

impl Line {
    /// When it fires, as a sentence: `At 03:30 every day.`
    pub fn description(&self) -> String {
        // "Every 15 minutes" goes on every day anyway.
        let days = Some(self.days()).filter(|days| days != "every day" || !self.field(Part::Hour).is_all());
        let parts = [Some(self.times_of_day()), days, self.in_months()];
        format!("{}.", parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    /// What it does when the clocks change, as a sentence.
    pub fn when_clocks_change(&self) -> &'static str {
        if self.is_fixed() {
            "Fixed time: when the clocks skip it, it runs once as soon as they have; when they show it twice, it runs the first \
             time only."
        } else {
            "Interval: when the clocks skip an hour, its runs are left out; when they show one twice, it runs through both."
        }
    }

    fn times_of_day(&self) -> String {
        let (minute, hour) = (self.field(Part::Minute), self.field(Part::Hour));
        let (minutes, hours) = (numbers(minute), numbers(hour));
        let count = minutes.len() * hours.len();
        if !minute.is_all() && !hour.is_all() && count <= MOST_TIMES {
            let of_hour = |hour: &u8| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")).collect::<Vec<_>>();
            return format!("At {}", listed(&hours.iter().flat_map(of_hour).collect::<Vec<_>>()));
        }
        let at = match (evenly(minute, 60), minutes.as_slice()) {
            (Some(1), _) => "Every minute".to_owned(),
            (Some(every), _) => format!("Every {every} minutes"),
            (None, [0]) => "At the full hour".to_owned(),
            (None, _) => format!("At {} {}", plural("minute", minutes.len()), ranges(&minutes, u8::to_string)),
        };
        match evenly(hour, 24) {
            Some(1) if minutes == [0] => "At every full hour".into(),
            Some(1) if evenly(minute, 60).is_some() => at,
            Some(1) => format!("{at} of every hour"),
            Some(every) => format!("{at}, in every {} hour from midnight on,", ordinal(every)),
            None => format!("{at}, in {} {},", plural("hour", hours.len()), ranges(&hours, |hour| format!("{hour:02}"))),
        }
    }

    fn days(&self) -> String {
        let (day, weekday) = (self.field(Part::DayOfMonth), self.field(Part::Weekday));
        let numbers = numbers(day);
        let of_month = format!("on {} {} of the month", plural("day", numbers.len()), ranges(&numbers, u8::to_string));
        let of_week = format!("on {}", weekdays(weekday));
        match (day.is_all(), weekday.is_all()) {
            (true, true) => "every day".into(),
            // Either day will do, so one that leaves nothing out makes it every day.
            (true, false) | (false, true) if self.takes_either_day() => "every day".into(),
            (true, false) => of_week,
            (false, true) => of_month,
            (false, false) if self.takes_either_day() => format!("{of_month}, and also {of_week}"),
            (false, false) => format!("{of_month} if that is a {}", listed_with(&names(weekday, &WEEKDAYS, 0), "or")),
        }
    }

    fn in_months(&self) -> Option<String> {
        let month = self.field(Part::Month);
        (!month.is_all()).then(|| format!("in {}", months(month)))
    }
}

/// The months of a field, by name.
pub(super) fn months(field: Field) -> String {
    let names = |number: &u8| MONTHS[usize::from(*number - 1) % MONTHS.len()].to_owned();
    ranges(&numbers(field), names)
}

fn weekdays(field: Field) -> String {
    let plurals: Vec<String> = names(field, &WEEKDAYS, 0).iter().map(|name| format!("{name}s")).collect();
    match numbers(field).as_slice() {
        [1, 2, 3, 4, 5] => "weekdays (Monday to Friday)".into(),
        _ => listed(&plurals),
    }
}

fn names(field: Field, names: &[&str], least: u8) -> Vec<String> {
    field.numbers().map(|number| names[usize::from(number - least) % names.len()].to_owned()).collect()
}

fn numbers(field: Field) -> Vec<u8> {
    field.numbers().collect()
}

/// The step of a field that goes evenly round its whole circle, from 0 on; one number alone is no step.
fn evenly(field: Field, circle: u8) -> Option<u8> {
    let numbers = numbers(field);
    let step = circle.checked_div(u8::try_from(numbers.len()).ok()?)?;
    let even = numbers.len() > 1 && numbers.iter().copied().eq((0..circle).step_by(usize::from(step.max(1))));
    even.then_some(step)
}

/// `1, 3 to 5 and 9`; three in a row make a range.
fn ranges(numbers: &[u8], name: impl Fn(&u8) -> String) -> String {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *number => *end = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let written = runs.iter().flat_map(|(from, to)| match to - from {
        0 => vec![name(from)],
        1 => vec![name(from), name(to)],
        _ => vec![format!("{} to {}", name(from), name(to))],
    });
    listed(&written.collect::<Vec<_>>())
}

fn listed(words: &[String]) -> String {
    listed_with(words, "and")
}

fn listed_with(words: &[String], joint: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {joint} {last}", first.join(", ")),
    }
}

fn plural(word: &str, count: usize) -> String {
    format!("{word}{}", if count == 1 { "" } else { "s" })
}

fn ordinal(number: u8) -> String {
    match number {
        2 => "second".into(),
        3 => "third".into(),
        4 => "fourth".into(),
        _ => format!("{number}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_as_english() {
        let check = |line: &str, expected: &str| assert_eq!(line.parse::<Line>().unwrap().description(), expected, "{line}");
        check("30 3 * * *", "At 03:30 every day.");
        check("@daily", "At 00:00 every day.");
        check("@hourly", "At every full hour.");
        check("@weekly", "At 00:00 on Sundays.");
        check("@monthly", "At 00:00 on day 1 of the month.");
        check("@yearly", "At 00:00 on day 1 of the month in January.");
        check("* * * * *", "Every minute.");
        check("*/15 * * * *", "Every 15 minutes.");
        check("*/15 9-17 * * mon-fri", "Every 15 minutes, in hours 09 to 17, on weekdays (Monday to Friday).");
        check("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour.");
        check("5 * * * *", "At minute 5 of every hour.");
        check("0 */6 * * *", "At 00:00, 06:00, 12:00 and 18:00 every day.");
        check("0 */2 * * *", "At the full hour, in every second hour from midnight on, every day.");
        check("0,30 2,14 * * *", "At 02:00, 02:30, 14:00 and 14:30 every day.");
        check("0 3 13 * 5", "At 03:00 on day 13 of the month, and also on Fridays.");
        check(
            "0 3 */2 * 5",
            "At 03:00 on days 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 of the month if that is a Friday.",
        );
        check("0 3 1-31 * 5", "At 03:00 every day.");
        check("0 3 1,15-17 6-8,12 *", "At 03:00 on days 1 and 15 to 17 of the month in June to August and December.");
        check("0 3 * * 0,6", "At 03:00 on Sundays and Saturdays.");
    }
}
