//! A ThrottlePolicy document as the core sees it.

use crate::core::throttle;
use crate::shell::settings::kinds::throttle::{NoClientId, Rule, ThrottlePolicy};

/// Converts a policy; rules are labelled by their place in it.
pub fn policy(from: &ThrottlePolicy) -> throttle::Policy {
    throttle::Policy {
        name: from.name.clone(),
        rules: from.rules.iter().enumerate().map(|(at, rule)| convert_rule(format!("{}/rules[{at}]", from.name), rule)).collect(),
        global: from.global.as_ref().map(|global| global.percent.0),
        no_client_id: match from.no_client_id {
            NoClientId::HoldBack => throttle::NoClientId::HoldBack,
            NoClientId::Random => throttle::NoClientId::Random,
        },
        lift: from.lift.as_ref().map(|lift| throttle::Lift { roles: lift.roles.clone(), count: lift.count }).unwrap_or_default(),
    }
}

fn convert_rule(label: String, from: &Rule) -> throttle::Rule {
    throttle::Rule {
        label,
        app: from.app.clone(),
        version: from.version.clone(),
        channel: from.channel.clone(),
        percent: from.percent.0,
        except_channels: from.except_channels.clone(),
        fallback: from.fallback.clone(),
        salt: from.salt.as_ref().map(|salt| salt.0.clone()),
    }
}
