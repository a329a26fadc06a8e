//! Takes what was read into force, or says why not: to the store, the rooms, the timeline, the log, and who waits.
//!
//! Order matters: durable first, so that a restart knows what was in force; then the rooms; then the decision, which is the
//! audit row of the change. Not here: whether it may be taken, and what people are told. Invariant: a change with an error
//! changes nothing but what is said about it.

use std::sync::Arc;

use super::documents::{self, Key};
use super::engine::Engine;
use super::reload::{News, Waiting};
use super::reload_needed::objections;
use super::reload_weigh::{Material, Refusal, Weighed};
use crate::core::decide::{Command, Order, Person, Told};
use crate::core::words::Name;
use crate::shell::clock;
use crate::shell::control::{NotRemoved, Reloaded};
use crate::shell::settings::{Finding, Kind, Severity};
use crate::shell::store::NewEvent;
use crate::shell::telemetry;

impl Engine {
    /// The watch has news.
    pub(super) async fn reload(&mut self, news: News) {
        match news {
            News::Changed => self.reloader.weigh(self.material()),
            News::Weighed(read) => self.weighed(*read).await,
        }
    }

    fn material(&self) -> Material {
        Material {
            options: self.options.clone(),
            current: self.library.current(),
            state: Arc::new(self.state.clone()),
            beside: self.reloader.beside(),
            version: self.library.version(),
            now: clock::now(),
        }
    }

    async fn weighed(&mut self, mut read: Weighed) {
        let waiting = self.reloader.answering();
        self.reloader.settle(&read);
        if read.version != self.library.version() || (!read.settled && !waiting.is_empty()) {
            return self.reloader.again(waiting);
        }
        if !read.settled {
            // The next look sees a difference still.
            return;
        }
        let outcome = std::mem::replace(&mut read.outcome, Err(Refusal::default()));
        let outcome = outcome.and_then(|next| {
            // What began since it was compared counts too.
            let found = if read.decisions == self.state.decisions {
                Vec::new()
            } else {
                objections(&self.library.current(), &next, &self.state)
            };
            if found.is_empty() { Ok(next) } else { Err(Refusal { findings: found, sources: Vec::new() }) }
        });
        let answer = match outcome {
            Ok(next) => self.take(next, (read, &waiting)).await,
            Err(refusal) => Err(self.refuse(refusal.findings, read).await),
        };
        for (_, reply) in waiting {
            // Who asked may have gone.
            let _ = reply.send(answer.clone());
        }
    }

    async fn take(&mut self, next: documents::InForce, (read, waiting): (Weighed, &[Waiting])) -> Result<Reloaded, Vec<Finding>> {
        let now = clock::now();
        let difference = self.library.difference(&next, &self.state);
        let before = self.library.papers().clone();
        let store = &mut self.store;
        if difference.is_change()
            && let Err(error) = tokio::task::block_in_place(|| store.put_in_force(&documents::in_force(&next)))
        {
            let finding = documents::not_stored(&error.to_string());
            // Nobody changes a file because the disk is full: it is tried again by itself.
            self.reloader.want_later();
            return Err(self.refuse(vec![finding], read).await);
        }
        let reloaded = self.library.take(next, read.gone, (&self.state, now));
        let papers = self.library.papers();
        let is_news = reloaded.is_change()
            || before.vanished != papers.vanished
            || before.rejected_at.is_some()
            || before.at_restart != papers.at_restart;
        telemetry::documents_read(if reloaded.is_change() { "changed" } else { "unchanged" });
        if is_news {
            self.say(what_changed(&reloaded), waiting);
            self.rewire();
            self.tick("reload", Vec::new()).await;
        }
        Ok(reloaded)
    }

    async fn refuse(&mut self, findings: Vec<Finding>, read: Weighed) -> Vec<Finding> {
        telemetry::documents_read("rejected");
        let before = self.library.papers().vanished.clone();
        let is_news = self.library.reject(findings.clone(), read.gone, (&self.state, clock::now()));
        if is_news {
            let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
            let first = errors.first().map(|first| first.brief()).unwrap_or_default();
            tracing::error!(
                errors = errors.len(),
                first,
                "the documents were changed and have errors; those before stay in force"
            );
        }
        if is_news || before != self.library.papers().vanished {
            self.tick("reload", Vec::new()).await;
        }
        findings
    }

    /// The rooms follow the documents.
    pub(super) fn rewire(&mut self) {
        let settings = self.library.settings();
        self.tick = settings.tick;
        self.upkeep.follow(settings.retention, settings.tick);
        self.reloader.keep_pace(settings.tick);
        let people = self.people.load().changed_to(self.library.people());
        self.people.store(Arc::new(people));
        self.pushed.rewire();
        self.observers.rewire(self.library.documents());
        self.actuators.rewire(self.library.documents());
    }

    /// Puts a line into the timeline with the next decision.
    fn say(&mut self, message: String, waiting: &[Waiting]) {
        let by = waiting.iter().find_map(|(by, _)| by.as_ref()).map(|by| by.name.clone());
        tracing::info!(change = message, "the documents were read again");
        self.news.push(NewEvent { at: clock::now(), release: None, kind: "reload".into(), message, by });
    }

    /// Reads the files again when what has to be kept is not what is kept.
    pub(super) fn keep_documents(&mut self) {
        if self.library.keeps_wrongly(&self.state, clock::now()) {
            self.reloader.want();
        }
    }

    /// Takes a document out of force that stands in no file.
    pub(super) async fn remove(&mut self, by: Person, (kind, name): (&str, Name), reason: String) -> Result<Told, NotRemoved> {
        let Some(kind) = Kind::of(kind) else {
            let message = format!("there is no kind of document called {kind}; nothing was changed");
            return Err(NotRemoved::Refused(Told { code: "unknown_document".into(), message }));
        };
        let wanted: Key = (kind, name);
        let (next, releases) = self.library.without(&wanted, &self.state)?;
        let store = &mut self.store;
        let stored = tokio::task::block_in_place(|| {
            store.remove_document(kind.word(), &wanted.1)?;
            store.put_in_force(&documents::in_force(&next))
        });
        stored.map_err(|error| NotRemoved::Findings(vec![documents::not_stored(&error.to_string())]))?;
        self.library.remove(next);
        self.rewire();
        let (reply, answer) = tokio::sync::oneshot::channel();
        let order = Order::Removed { document: documents::spelt(&wanted), releases };
        self.tick("reload", vec![(Command { by, order, reason }, reply)]).await;
        let lost = |_| Told { code: "removed".into(), message: format!("{} is removed", documents::spelt(&wanted)) };
        answer.await.unwrap_or_else(|error| Err(lost(error))).map_err(NotRemoved::Refused)
    }
}

/// The line of the timeline.
fn what_changed(reloaded: &Reloaded) -> String {
    let parts = [
        ("created", &reloaded.created),
        ("changed", &reloaded.changed),
        ("removed", &reloaded.removed),
        ("vanished, in force as they last were", &reloaded.vanished),
        ("takes effect at the next start", &reloaded.at_restart),
        ("void", &reloaded.voided),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", names.join(", ")))
        .collect();
    if said.is_empty() {
        "The documents are in force as the files say.".into()
    } else {
        format!("Documents: {}.", said.join("; "))
    }
}
