//! A request for a throttle decision, answered from what the last decision put on the table.

use tminus::core::throttle::{Decision, Force, Reason, Request, Table, TableInput};
use tminus::core::words::{Name, Version, since};

use super::stage::Stage;
use super::words::Words;

/// The lines of `ask app= version= channel= [client=|clients=] [force=]`.
pub(super) fn lines(stage: &Stage, words: &mut Words) -> Result<Vec<String>, String> {
    let table = table(stage)?;
    let force = words.value("force");
    let request = Request {
        app: words.parsed_name("app")?,
        version: Version::new(&words.value("version").ok_or("version= is missing")?).map_err(|error| error.to_string())?,
        channel: words.parsed_name("channel")?,
        client: words.value("client"),
        force: Force::parse(force.as_deref()),
    };
    let Some(clients) = words.parsed::<u32>("clients")? else { return Ok(vec![answer(&table.decide(&request, 0))]) };
    let of = |number: u32| table.decide(&Request { client: Some(format!("client-{number}")), ..request.clone() }, 0);
    let answers: Vec<Decision> = (0..clients).map(of).collect();
    let served = answers.iter().filter(|decision| decision.serve).count();
    let kinds: std::collections::BTreeSet<String> = answers.iter().map(answer).collect();
    Ok(std::iter::once(format!("{served} of {clients} clients are served")).chain(kinds).collect())
}

/// The lines of `grid APP VERSION.. on CHANNEL..`: where each version is sent on each channel, as the story's tables show
/// it: `-` nothing, `2.0.3!` only for people who ask by hand, `halt` not even for them.
pub(super) fn grid(stage: &Stage, words: &mut Words) -> Result<Vec<String>, String> {
    let (table, app) = (table(stage)?, words.name("an app")?);
    let rest = words.rest();
    let (versions, channels) = rest.split_at(rest.iter().position(|word| word == "on").ok_or("`on CHANNEL` is missing")?);
    let row = |first: &str, cells: Vec<String>| {
        let cells: Vec<_> = cells.iter().map(|cell| format!("{cell:<7}")).collect();
        format!("{first:<12} {}", cells.join(" ")).trim_end().to_owned()
    };
    let mut lines = vec![row("", versions.to_vec())];
    for channel in &channels[1..] {
        let cell = |version: &String| cell(&table, (&app, version, channel));
        lines.push(row(channel, versions.iter().map(cell).collect::<Result<_, _>>()?));
    }
    Ok(lines)
}

fn cell(table: &Table, (app, version, channel): (&Name, &str, &str)) -> Result<String, String> {
    let version = Version::new(version).map_err(|error| error.to_string())?;
    let request =
        Request { app: app.clone(), version, channel: super::words::name_of(channel)?, client: None, force: Force::None };
    let answer = table.decide(&request, 0);
    let forced = table.decide(&Request { force: Force::Serve, ..request }, 0);
    let shown = |version: Option<&Version>| version.map_or("?".to_owned(), Version::to_string);
    Ok(match (answer.serve, forced.serve, answer.reason) {
        (_, _, Reason::Halt) => "halt".into(),
        (true, _, _) => shown(answer.version.as_ref()),
        (false, true, _) => format!("{}!", shown(forced.version.as_ref())),
        (false, false, _) => "-".into(),
    })
}

fn table(stage: &Stage) -> Result<Table, String> {
    let decision = stage.last.as_ref().ok_or("nothing was decided yet")?;
    let now = stage.now()?;
    let next_change_secs = decision.next_change().map(|at| u32::try_from(since(at, now).as_secs()).unwrap_or(u32::MAX));
    Ok(Table::build(TableInput {
        policies: stage.config.throttles.values().cloned().collect(),
        offers: decision.offers.clone(),
        halts: decision.halts.clone(),
        revision: String::new(),
        next_change_secs,
    }))
}

fn answer(decision: &Decision) -> String {
    let version = decision.version.as_ref();
    let (reason, percent) = (decision.reason.word(), decision.percent);
    let rule = decision.rule.as_ref().map_or(String::new(), |rule| format!(", rule {rule}"));
    let what = match (decision.serve, version) {
        (true, Some(version)) => format!("served {version}"),
        (true, None) => "served whatever is on offer elsewhere".into(),
        (false, Some(version)) => format!("held back, takes {version} instead"),
        (false, None) => "held back, keeps what it has".into(),
    };
    format!("{what} ({reason}, {percent} %{rule})")
}

impl Words {
    fn parsed_name(&mut self, key: &str) -> Result<Name, String> {
        super::words::name_of(&self.value(key).ok_or(format!("{key}= is missing"))?)
    }
}
