//! One receiver of announcements: its id across restarts, its label for people and the way there.
//!
//! Invariant: neither id, label nor `Debug` contains more of a webhook's URL than its origin.

use std::fmt;

use reqwest::Url;
use sha2::{Digest, Sha256};

use super::webhook;
use crate::core::words::Name;
use crate::shell::spec::NotifyTarget;

/// A receiver.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// `notifier/kind-hash` of its definition: stays the same when others are added before it.
    pub(super) id: String,
    /// For people.
    pub(super) label: String,
    /// How to reach it. A problem here is told at each delivery: one mistyped target must not silence the others.
    pub(super) way: Result<Way, String>,
}

/// How to reach a receiver.
#[derive(Clone)]
pub(super) enum Way {
    /// POST there.
    Webhook(Url),
    /// Run this.
    Command(Vec<String>),
}

impl Target {
    /// From a document; `environment` has the variables of `url_env`.
    pub(super) fn of(notifier: &Name, to: &NotifyTarget, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let (kind, definition, label, way) = match to {
            NotifyTarget::Webhook(text) => {
                let url = parse(text).ok_or_else(|| "the webhook is not an http or https URL".into());
                let label = url.as_ref().map_or("webhook".into(), |url| format!("webhook {}", webhook::origin(url)));
                ("webhook", text.clone(), label, url.map(Way::Webhook))
            }
            NotifyTarget::WebhookEnv(variable) => {
                ("webhook-env", variable.clone(), format!("webhook of {variable}"), from_environment(variable, environment))
            }
            NotifyTarget::Command(arguments) => {
                let program = arguments.first().cloned().unwrap_or_default();
                let way =
                    if program.is_empty() { Err("the command is empty".into()) } else { Ok(Way::Command(arguments.clone())) };
                ("command", arguments.join("\0"), format!("command {program}"), way)
            }
        };
        let hash = Sha256::digest(definition);
        let id = format!("{}/{kind}-{:02x}{:02x}{:02x}{:02x}", notifier.folded(), hash[0], hash[1], hash[2], hash[3]);
        Self { id, label: format!("{notifier}: {label}"), way }
    }
}

fn from_environment(variable: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Way, String> {
    let value = environment(variable).filter(|value| !value.trim().is_empty());
    let value = value.ok_or_else(|| format!("the environment variable {variable} is not set: set it and start tminus again"))?;
    let url =
        parse(value.trim()).ok_or_else(|| format!("the environment variable {variable} does not hold an http or https URL"))?;
    Ok(Way::Webhook(url))
}

fn parse(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(url) => write!(f, "Webhook({})", webhook::origin(url)),
            Self::Command(command) => f.debug_tuple("Command").field(command).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "https://user:canary@hooks.example.com/services/canary?key=canary";

    fn of(to: &NotifyTarget) -> Target {
        let environment = |name: &str| match name {
            "ROOM_URL" => Some(SECRET.to_owned()),
            "TYPO" => Some("canary".to_owned()),
            _ => None,
        };
        Target::of(&Name::new("On-Call").unwrap(), to, &environment)
    }

    #[test]
    fn secrets_do_not_show() {
        for to in [
            NotifyTarget::Webhook(SECRET.into()),
            NotifyTarget::WebhookEnv("ROOM_URL".into()),
            NotifyTarget::WebhookEnv("TYPO".into()),
            NotifyTarget::Webhook("canary".into()),
        ] {
            let shown = format!("{:?}", of(&to));
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn a_variable_is_named_when_it_is_missing_or_wrong() {
        for variable in ["MISSING", "TYPO"] {
            let problem = of(&NotifyTarget::WebhookEnv(variable.into())).way.unwrap_err();
            assert!(problem.contains(variable), "{problem}");
        }
    }

    #[test]
    fn unusable_targets_say_so() {
        for to in [
            NotifyTarget::Webhook("ftp://example.com/".into()),
            NotifyTarget::Webhook("mailto:a@example.com".into()),
            NotifyTarget::Command(Vec::new()),
        ] {
            assert!(of(&to).way.is_err(), "{to:?}");
        }
    }

    #[test]
    fn ids_follow_the_definition() {
        let id = |to: NotifyTarget| of(&to).id;
        let command = |argument: &str| NotifyTarget::Command(vec!["page".into(), argument.into()]);
        assert_eq!(id(command("a")), id(command("a")));
        assert_ne!(id(command("a")), id(command("b")));
        assert_ne!(id(NotifyTarget::Webhook("ROOM_URL".into())), id(NotifyTarget::WebhookEnv("ROOM_URL".into())));
        assert!(id(command("a")).starts_with("on-call/command-"));
    }
}
