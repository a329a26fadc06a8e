//! A second opinion on every zone and every change of clocks from 2000 to 2037.
//!
//! Around each change a family of lines is asked of us and of croner, from hours before it to hours after. Where we
//! differ by choice, [`Choice`] says how, and what is right by our choice is put together from other answers of croner
//! or from the change itself; everything else is equal, or the test fails. docs/SCHEDULES.md lists the choices.

use std::collections::{BTreeMap, BTreeSet};

use croner::Cron;
use croner::parser::CronParser;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tminus::core::calendar::Line;

use super::zones::{Change, Clocks, clocks};

/// From the first instant of 2000 to the first of 2038.
const YEARS: (i16, i16) = (2000, 2038);

/// croner looks this far for the end of a gap.
const CRONER_LOOKS_FOR: SignedDuration = SignedDuration::from_hours(2);

/// Where we differ from croner by choice, and what is right instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    /// None: croner's own answer.
    Same,
    /// Several fixed times in one line (`0,30 2 * * *`) are fixed times for us and an interval for croner. Right is
    /// what croner says of each time alone, put together.
    SeveralTimes,
    /// A day field that begins with a star is no restriction, so that both have to match, as in Debian's cron; croner
    /// lets either do. Right is croner's answer with its option for both.
    StarredDay,
    /// A fixed time in a gap runs at its end for us, also where the gap is longer than two hours or its end is on a day
    /// that the line does not name; croner drops that run. Right is croner's answer and the end of the gap.
    FarEnd,
}

/// A line to ask, and how far around a change.
struct Question {
    line: String,
    hours: i64,
    choice: Choice,
    /// What croner is asked instead of the line.
    instead: Vec<String>,
}

/// The family of lines for one change: at its own minutes, beside it, on its day and weekday, and intervals across it.
fn questions(change: Change) -> Vec<Question> {
    let (before, after) = change.shown();
    let (first, end) = if change.is_gap() { (before, after) } else { (after, before) };
    let moved = |from: DateTime, minutes: i64| from.saturating_add(SignedDuration::from_mins(minutes));
    let (middle, late) = (moved(first, width(change).as_mins() / 2), moved(end, -1));
    let at = |time: DateTime| format!("{} {}", time.minute(), time.hour());
    let (hour, next) = (middle.hour(), (middle.hour() + 1) % 24);
    let (day, week) = (late.day(), Weekday::to_sunday_zero_offset(late.weekday()));
    let same = |line: String, hours: i64| Question { instead: vec![line.clone()], line, hours, choice: Choice::Same };
    let several =
        |line: String, instead: [String; 2]| Question { line, hours: 26, choice: Choice::SeveralTimes, instead: instead.into() };
    let times = [first, middle, late, end, moved(first, -1), moved(first, -60)];
    let mut asked: Vec<Question> = times.iter().map(|time| same(format!("{} * * *", at(*time)), 26)).collect();
    let days = [
        format!("{day} * *"),
        format!("* * {week}"),
        format!("{day} * {}", (week + 2) % 7),
        format!("{day} {} *", late.month()),
        format!("1-15 * {week}"),
    ];
    asked.extend(days.iter().map(|days| same(format!("{} {days}", at(late)), 26)));
    asked.extend(["@daily", "@weekly", "@monthly", "@yearly"].map(|word| same(word.into(), 26)));
    asked.extend(["*/15 * * * *", "@hourly", "*/7 * * * *"].map(|line| same(line.into(), 3)));
    asked.push(same(format!("*/20 {},{} * * *", hour.min(next), hour.max(next)), 3));
    asked.push(same(format!("{} */2 * * *", middle.minute()), 3));
    asked.push(several(format!("0,30 {hour} * * *"), [0, 30].map(|minute| format!("{minute} {hour} * * *"))));
    let hours = [hour, next].map(|hour| format!("{} {hour} * * *", middle.minute()));
    asked.push(several(format!("{} {},{} * * *", middle.minute(), hour.min(next), hour.max(next)), hours));
    let starred = format!("{} */2 * {week}", at(late));
    asked.push(Question { instead: vec![starred.clone()], line: starred, hours: 26, choice: Choice::StarredDay });
    asked
}

fn width(change: Change) -> SignedDuration {
    change.after.duration_since(change.before).abs()
}

/// Fires, counted from the change on, so that the same change elsewhere has the same.
type Answers = BTreeSet<SignedDuration>;

/// What croner says of each line, kept for all changes that clocks show alike: croner sees nothing of a zone but what its
/// clocks show, and a window has no other change in it.
#[derive(Default)]
struct Opinions(BTreeMap<(DateTime, DateTime), BTreeMap<Asked, Answers>>);

/// A line, the hours around the change, and whether both day fields have to match.
type Asked = (String, i64, bool);

impl Opinions {
    /// croner's own answer, and what is right by our choices.
    fn of(&mut self, zone: &TimeZone, (change, question): (Change, &Question)) -> (Answers, Answers) {
        let starred = question.choice == Choice::StarredDay;
        let own = self.ask(zone, change, (&question.line, question.hours, false)).0;
        let mut right = Answers::new();
        for line in &question.instead {
            let (answers, cron) = self.ask(zone, change, (line, question.hours, starred));
            right.extend(answers);
            right.extend(is_dropped(&cron, change).then_some(SignedDuration::ZERO));
        }
        (own, right)
    }

    fn ask(&mut self, zone: &TimeZone, change: Change, (line, hours, starred): (&str, i64, bool)) -> (Answers, Cron) {
        let cron = CronParser::builder().dom_and_dow(starred).build().parse(line).unwrap();
        let alike = self.0.entry(change.shown()).or_default();
        let known = alike.entry((line.to_owned(), hours, starred));
        (known.or_insert_with(|| answers(&cron, zone, (change, hours))).clone(), cron)
    }
}

/// Fires that croner finds around a change. Where it gives up it looks for the end of a gap: it is set behind it.
fn answers(cron: &Cron, zone: &TimeZone, (change, hours): (Change, i64)) -> Answers {
    let (from, to) = window(change, hours);
    let (mut last, mut inclusive, mut found) = (from, false, Answers::new());
    while let Some(next) = match cron.find_next_occurrence(&last.to_zoned(zone.clone()), inclusive) {
        Ok(next) => Some(next.timestamp()).filter(|next| *next <= to),
        Err(_) if last < change.at => cron
            .find_next_occurrence(&change.at.to_zoned(zone.clone()), true)
            .ok()
            .map(|next| next.timestamp())
            .filter(|next| *next <= to),
        Err(error) => panic!("croner gives up on {} after {last}: {error}", cron.pattern),
    } {
        found.insert(next.duration_since(change.at));
        (last, inclusive) = (next, false);
    }
    found
}

/// [`Choice::FarEnd`]: a fixed line with a time in the gap, whose end is too far for croner or on another day.
fn is_dropped(cron: &Cron, change: Change) -> bool {
    let (from, to) = change.shown();
    let carried = |shown: DateTime| shown.to_zoned(TimeZone::UTC).unwrap();
    let next = |from: DateTime| cron.find_next_occurrence(&carried(from), true).unwrap().datetime();
    let in_gap = || next(from) < to;
    let end_is_named = || next(to.date().to_datetime(jiff::civil::Time::midnight())).date() == to.date();
    let is_fixed = cron.determine_job_type() == croner::JobType::FixedTime;
    is_fixed && change.is_gap() && in_gap() && (width(change) > CRONER_LOOKS_FOR || !end_is_named())
}

fn window(change: Change, hours: i64) -> (Timestamp, Timestamp) {
    let hours = SignedDuration::from_hours(hours) + width(change);
    (change.at.checked_sub(hours).unwrap(), change.at.checked_add(hours).unwrap())
}

/// How often each choice was asked for, and how often croner's own answer was another.
type Count = BTreeMap<Choice, (u32, u32)>;

/// Compares every change of some clocks.
fn compare(all: &[Clocks]) -> Count {
    let (mut opinions, mut lines, mut count) = (Opinions::default(), BTreeMap::<String, Line>::new(), Count::new());
    for clocks in all {
        for (at, change) in clocks.changes.iter().enumerate() {
            let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| clocks.changes.get(at));
            let (from, to) = window(*change, 26);
            assert!(beside.into_iter().all(|other| other.at < from || other.at > to), "two changes at once: {change:?}");
            for question in questions(*change) {
                let (own, right) = opinions.of(&clocks.zone, (*change, &question));
                let line = lines.entry(question.line.clone()).or_insert_with(|| question.line.parse().unwrap());
                let ours = ours(line, &clocks.names[0], (*change, question.hours));
                assert_eq!(ours, right, "{} in {} at {change:?}", question.line, clocks.names[0]);
                let dropped = question.choice == Choice::Same && ours != own;
                let (asked, differs) = count.entry(if dropped { Choice::FarEnd } else { question.choice }).or_default();
                *asked += 1;
                *differs += u32::from(ours != own);
            }
        }
    }
    count
}

fn ours(line: &Line, zone: &str, (change, hours): (Change, i64)) -> Answers {
    let (from, to) = window(change, hours);
    let schedule = line.clone().in_zone(zone).unwrap();
    schedule.fires_after(from).take_while(|fire| *fire <= to).map(|fire| fire.duration_since(change.at)).collect()
}

#[test]
fn we_agree_with_croner_around_every_change_of_clocks_but_for_what_we_chose() {
    let all = clocks(YEARS);
    let (names, changes) =
        all.iter().fold((0, 0), |(names, changes), clocks| (names + clocks.names.len(), changes + clocks.changes.len()));
    assert!(names > 590 && changes > 6_000, "{names} zones, {changes} changes: the database is not all here");
    let (one, other) = all.split_at(all.len() / 2);
    let counts =
        std::thread::scope(|scope| [one, other].map(|half| scope.spawn(|| compare(half))).map(|half| half.join().unwrap()));
    let mut count = Count::new();
    for (choice, (asked, differs)) in counts.into_iter().flatten() {
        let sum = count.entry(choice).or_default();
        *sum = (sum.0 + asked, sum.1 + differs);
    }
    println!("{names} zones, {changes} changes of {} clocks: {count:?}", all.len());
    for choice in [Choice::SeveralTimes, Choice::StarredDay, Choice::FarEnd] {
        assert!(
            count.get(&choice).is_some_and(|(_, differs)| *differs > 0),
            "{choice:?} makes no difference any more: {count:?}"
        );
    }
}
