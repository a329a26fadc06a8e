//! All metrics sources: every ask of a tick in one go, each source asked once for all that is wanted of it.
//!
//! A file is read once, pushed counts are walked once, a Prometheus gets each distinct expression once, a few at a
//! time, and CloudWatch is asked for up to five hundred series in a call, whatever sources of an account they are from. Not here: what the numbers mean. Invariant: answers come in the order of the asks, one each; one source that
//! fails never spoils another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use reqwest::Client;

use super::cloudwatch::{self, Clouds, Wanted};
use super::error::ObserveError;
use super::prometheus::{self, Prometheus};
use super::push;
use super::series::{Ask, Purpose, Series, Span, Tick};
use super::{Substitution, file};
use crate::core::checklist::Outcome;
use crate::core::words::Name;
use crate::shell::spec::{AwsAccount, CloudWatchMetric, QuerySpec, SourceSpec, SourceSystem};

/// Range queries at a time per Prometheus; its own default allows 20 for everybody.
const QUERIES_AT_ONCE: usize = 4;

/// The sources of the documents in force.
pub struct Sources {
    specs: BTreeMap<Name, SourceSpec>,
    client: Client,
    clouds: Arc<Clouds>,
}

type Answer = Result<Series, ObserveError>;

/// An ask with its query as it is sent, and the place of its answer.
struct Placed {
    place: usize,
    filled: Filled,
    span: Span,
    purpose: Purpose,
}

/// A query with its placeholders filled.
enum Filled {
    Text(String),
    Metric(CloudWatchMetric),
}

impl Filled {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Metric(metric) => &metric.metric,
        }
    }
}

impl Sources {
    /// Takes the documents.
    pub fn new(specs: BTreeMap<Name, SourceSpec>) -> Result<Self, ObserveError> {
        Self::over(specs, Arc::default())
    }

    /// Takes the documents, with accounts as they are known.
    pub fn over(specs: BTreeMap<Name, SourceSpec>, clouds: Arc<Clouds>) -> Result<Self, ObserveError> {
        Ok(Self { specs, client: prometheus::client()?, clouds })
    }

    /// Takes other documents; accounts keep what they have read.
    pub fn renewed(&self, specs: BTreeMap<Name, SourceSpec>) -> Result<Self, ObserveError> {
        Self::over(specs, self.clouds.clone())
    }

    /// How alarms are: green, red or unknown, and the figures. Those that are asked for at once share calls.
    pub async fn alarms(&self, source: &Name, names: &[String]) -> Result<(Outcome, String), ObserveError> {
        let Some(SourceSystem::CloudWatch { account, .. }) = self.specs.get(source).map(|spec| &spec.system) else {
            return Err(ObserveError::NoAlarms(source.clone()));
        };
        let account = self.clouds.account(account);
        let alarms = account.alarms(names).await;
        Ok(cloudwatch::verdict(names, (&alarms, account.region())))
    }

    /// Answers every ask, in order. What push sources hold comes with the tick.
    pub async fn series(&self, asks: &[Ask], tick: Tick<'_>) -> Vec<Answer> {
        let mut answers: Vec<Answer> = vec![];
        let mut by_source: BTreeMap<&Name, Vec<Placed>> = BTreeMap::new();
        for (place, ask) in asks.iter().enumerate() {
            match self.place(ask, place, tick.now) {
                Ok((source, placed)) => {
                    by_source.entry(source).or_default().push(placed);
                    answers.push(Err(ObserveError::Internal("it was not asked".into())));
                }
                Err(error) => answers.push(Err(error)),
            }
        }
        // A loop, not a closure: a future over a borrowing closure cannot be sent to another thread.
        let mut asked = Vec::new();
        for (name, placed) in &by_source {
            asked.push(self.ask(name, placed, tick));
        }
        for (place, answer) in futures_util::future::join_all(asked).await.into_iter().flatten() {
            if let Some(slot) = answers.get_mut(place) {
                *slot = answer;
            }
        }
        answers
    }

    fn place<'a>(&'a self, ask: &Ask, place: usize, now: Timestamp) -> Result<(&'a Name, Placed), ObserveError> {
        let has = |(name, spec): &(&Name, &SourceSpec)| {
            ask.source.as_ref().is_none_or(|source| source == *name) && spec.queries.contains_key(&ask.query)
        };
        let unknown = || ObserveError::UnknownQuery(ask.query.clone());
        let (name, spec) = self.specs.iter().find(has).ok_or_else(unknown)?;
        let query = spec.queries.get(&ask.query).ok_or_else(unknown)?;
        let wrong = || ObserveError::WrongKind { query: ask.query.clone(), source_name: name.clone() };
        let filled = fill(query, &spec.system, &ask.with)?.ok_or_else(wrong)?;
        Ok((name, Placed { place, filled, span: Span { to: ask.span.to.min(now), ..ask.span }, purpose: ask.purpose }))
    }

    async fn ask(&self, name: &Name, placed: &[Placed], tick: Tick<'_>) -> Vec<(usize, Answer)> {
        match self.specs.get(name).map(|spec| &spec.system) {
            Some(SourceSystem::Prometheus { url }) => {
                self.ask_prometheus(&Prometheus { name, url, client: &self.client }, placed).await
            }
            Some(SourceSystem::File { path }) => {
                let wanted: Vec<file::Wanted> = placed
                    .iter()
                    .map(|placed| file::Wanted {
                        series: placed.filled.text().to_owned(),
                        span: placed.span,
                        purpose: placed.purpose,
                    })
                    .collect();
                let (path, now) = (path.clone(), tick.now);
                let read = tokio::task::spawn_blocking(move || file::read(&path, &wanted, now)).await;
                match read {
                    Ok(answers) => placed.iter().map(|placed| placed.place).zip(answers).collect(),
                    Err(error) => everywhere(placed, &ObserveError::Internal(error.to_string())),
                }
            }
            Some(SourceSystem::Push { senders }) => {
                let nothing = push::Book::default();
                let book = tick.pushed.get(name).map_or(&nothing, |book| &**book);
                let mut complete = BTreeMap::new();
                let answer = |placed: &Placed| {
                    let key = (push::span_for(book, placed.span, placed.purpose), placed.purpose);
                    let periods = complete.entry(key).or_insert_with(|| push::complete_periods(book, senders, key.0));
                    (placed.place, Ok(push::align(book, placed.filled.text(), periods, key)))
                };
                placed.iter().map(answer).collect()
            }
            Some(SourceSystem::CloudWatch { account, settles }) => {
                self.ask_cloudwatch((name, account), placed, (*settles, tick.now)).await
            }
            None => everywhere(placed, &ObserveError::Internal("its source is gone".into())),
        }
    }

    async fn ask_cloudwatch(
        &self,
        (name, account): (&Name, &AwsAccount),
        placed: &[Placed],
        clock: (Duration, Timestamp),
    ) -> Vec<(usize, Answer)> {
        let (mut answers, mut places, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for Placed { place, filled, span, purpose } in placed {
            let Filled::Metric(metric) = filled else { continue };
            match Wanted::new(metric.clone(), (*span, *purpose), clock) {
                Ok(one) => {
                    places.push(*place);
                    wanted.push(one);
                }
                Err(error) => answers.push((*place, Err(error))),
            }
        }
        let asked: Vec<(&Name, &Wanted)> = wanted.iter().map(|wanted| (name, wanted)).collect();
        answers.extend(places.into_iter().zip(self.clouds.account(account).read(&asked).await));
        answers
    }

    /// Each distinct expression and span once, a few at a time.
    async fn ask_prometheus(&self, source: &Prometheus<'_>, placed: &[Placed]) -> Vec<(usize, Answer)> {
        let mut distinct: BTreeMap<(&str, Span, Purpose), Vec<usize>> = BTreeMap::new();
        for placed in placed {
            distinct.entry((placed.filled.text(), placed.span, placed.purpose)).or_default().push(placed.place);
        }
        let mut asked = Vec::new();
        for ((text, span, purpose), places) in distinct {
            asked.push(async move {
                let answer = source.range(text, span, purpose).await;
                places.into_iter().map(|place| (place, answer.clone())).collect::<Vec<_>>()
            });
        }
        stream::iter(asked).buffer_unordered(QUERIES_AT_ONCE).concat().await
    }
}

/// The query to send; `None`: it is not of this system's kind.
fn fill(query: &QuerySpec, system: &SourceSystem, with: &Substitution) -> Result<Option<Filled>, ObserveError> {
    match (system, query) {
        (SourceSystem::Prometheus { .. }, QuerySpec::PromQl(text)) => Ok(Some(Filled::Text(with.fill_promql(text)?))),
        (SourceSystem::File { .. } | SourceSystem::Push { .. }, QuerySpec::Series(text)) => {
            Ok(Some(Filled::Text(with.fill_plain(text)?)))
        }
        (SourceSystem::CloudWatch { .. }, QuerySpec::CloudWatch(metric)) => {
            Ok(Some(Filled::Metric(cloudwatch::filled(metric, with)?)))
        }
        _ => Ok(None),
    }
}

fn everywhere(placed: &[Placed], error: &ObserveError) -> Vec<(usize, Answer)> {
    placed.iter().map(|placed| (placed.place, Err(error.clone()))).collect()
}
