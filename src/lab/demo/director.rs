//! The people of the demo, through the daemon's API as a person would: sign off, rehearse the halt, say go.
//!
//! Invariant: nothing is done here that the command line could not do.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::papers;

/// A person at the control listener.
pub(super) struct Director {
    client: reqwest::Client,
    base: String,
}

/// What an order came to: the status and the answer's sentence.
pub(super) type Answered = Result<String, String>;

impl Director {
    pub(super) fn at(control: SocketAddr) -> Result<Self, String> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build();
        Ok(Self { client: client.map_err(|error| error.to_string())?, base: format!("http://{control}/api/v1") })
    }

    /// The client behind it, for whoever asks others than the daemon.
    pub(super) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// How a release stands; `None` while the daemon does not answer.
    pub(super) async fn status(&self, release: &str) -> Option<Value> {
        self.get(&format!("/releases/{release}")).await
    }

    /// The timeline from its beginning.
    pub(super) async fn events(&self) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().and_then(|event| event.get("id")).and_then(Value::as_i64).unwrap_or(0);
            let page = self.get(&format!("/events?after={after}&limit=500")).await;
            let rows = page.as_ref().and_then(|page| page.get("events")).and_then(Value::as_array).cloned().unwrap_or_default();
            if rows.is_empty() {
                return all;
            }
            all.extend(rows);
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(papers::LEAD).send().await.ok()?;
        if answer.status().is_success() { answer.json().await.ok() } else { None }
    }

    /// The SRE signs an item.
    pub(super) async fn sign_off(&self, release: &str, item: &str) -> Answered {
        let body = json!({"reason": "load test of last week: 640 requests/s at 8 instances"});
        self.put(papers::SRE, &format!("/releases/{release}/sign-offs/{item}"), &body).await
    }

    /// The lead pulls the brake and lets it go, so that everybody knows it works.
    pub(super) async fn rehearse_halt(&self, app: &str) -> Answered {
        let path = format!("/halts/{app}");
        self.put(papers::LEAD, &path, &json!({"reason": "rehearsal before the launch"})).await?;
        let lift = self.client.delete(format!("{}{path}", self.base)).bearer_auth(papers::LEAD);
        answered(lift.json(&json!({"reason": "rehearsal is over"})).send().await).await
    }

    /// The lead says go.
    pub(super) async fn go(&self, release: &str) -> Answered {
        self.put(papers::LEAD, &format!("/releases/{release}/phases/go"), &json!({"reason": "every item is green"})).await
    }

    async fn put(&self, token: &str, path: &str, body: &Value) -> Answered {
        let order = self.client.put(format!("{}{path}", self.base)).bearer_auth(token);
        answered(order.json(body).send().await).await
    }
}

async fn answered(answer: reqwest::Result<reqwest::Response>) -> Answered {
    let answer = answer.map_err(|error| format!("the daemon did not answer: {error}"))?;
    let (good, body) = (answer.status().is_success(), answer.json::<Value>().await.unwrap_or_default());
    let part = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let sentence = part("message").or_else(|| part("detail")).unwrap_or_else(|| body.to_string());
    if good { Ok(sentence) } else { Err(sentence) }
}
