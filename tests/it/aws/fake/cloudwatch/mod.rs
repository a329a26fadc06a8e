//! A strict CloudWatch: the protocol the SDK speaks (RPC v2 with CBOR) over HTTP, with the refusals, pages, late samples and
//! alarms of the real one.
//!
//! [`sky`] is what it knows and how it behaves, `cbor` what it reads and writes, `answers` operation by operation.

mod answers;
mod cbor;
mod queries;
pub mod sky;

use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tminus::shell::clock;

use self::cbor::Value;
use self::sky::{Sky, Trouble};

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct CloudWatch {
    pub address: String,
    sky: Arc<Mutex<Sky>>,
}

/// Why a request is refused: code and message.
type Refusal = (&'static str, String);

impl CloudWatch {
    pub async fn serve() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let sky = Arc::new(Mutex::new(Sky::default()));
        let router = Router::new().route("/service/{service}/operation/{operation}", post(attend));
        let router = router.layer(DefaultBodyLimit::max(1 << 20)).with_state(sky.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, sky }
    }

    /// What it knows; one guard at a time.
    pub fn sky(&self) -> MutexGuard<'_, Sky> {
        self.sky.lock().unwrap()
    }

    /// How often an operation was called.
    pub fn called(&self, operation: &str) -> u32 {
        self.sky().called(operation)
    }

    /// How many series were asked for.
    pub fn series(&self) -> u32 {
        self.sky().series
    }
}

async fn attend(
    State(sky): State<Arc<Mutex<Sky>>>,
    Path((service, operation)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = clock::now().as_second();
    let (trouble, delay, answer) = {
        let mut sky = sky.lock().unwrap();
        let trouble = sky.came(&operation);
        sky.zipped += u32::from(headers.contains_key("content-encoding"));
        let answer = match trouble {
            Some(Trouble::Throttles) => Err(("Throttling", "Rate exceeded".to_owned())),
            _ => request(&service, &headers, &body).and_then(|input| answers::answer(&mut sky, &operation, (&input, now))),
        };
        (trouble, sky.delay, answer)
    };
    tokio::time::sleep(delay).await;
    match (trouble, answer) {
        (Some(Trouble::LosesAnswers), _) => (StatusCode::BAD_GATEWAY, "the answer is lost").into_response(),
        (Some(Trouble::Hangs), _) => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        (_, Ok(output)) => sent(StatusCode::OK, &output, None),
        (_, Err((code, message))) => {
            let kind = format!("com.amazonaws.cloudwatch#{code}");
            let body = Value::map([("__type", Value::Text(kind)), ("message", Value::Text(message))]);
            sent(StatusCode::BAD_REQUEST, &body, Some(format!("{code};Sender")))
        }
    }
}

/// The input of a request that is signed and said as it should be.
fn request(service: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unknown = |message: &str| ("UnknownOperationException", message.to_owned());
    if service != "GraniteServiceVersion20100801" || header("smithy-protocol") != "rpc-v2-cbor" {
        return Err(unknown("no such service or protocol"));
    }
    if header("content-type") != "application/cbor" {
        return Err(unknown("not CBOR"));
    }
    let signed = header("authorization");
    let parts = ["AWS4-HMAC-SHA256 Credential=", "/us-west-2/monitoring/aws4_request", "SignedHeaders=", "Signature="];
    if parts.iter().any(|part| !signed.contains(part)) || header("x-amz-date").len() != 16 {
        return Err(("MissingAuthenticationToken", "not signed for this service and region".to_owned()));
    }
    let mut plain = Vec::new();
    match header("content-encoding") {
        "" => plain.extend_from_slice(body),
        "gzip" => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut plain)),
        other => return Err(("SerializationException", format!("{other} is not read"))),
    }
    cbor::decode(&plain).ok_or_else(|| ("SerializationException", "the body is no CBOR".to_owned()))
}

fn sent(status: StatusCode, body: &Value, error: Option<String>) -> Response {
    let mut response = (status, cbor::encode(body)).into_response();
    let headers = response.headers_mut();
    headers.insert("content-type", "application/cbor".parse().unwrap());
    headers.insert("smithy-protocol", "rpc-v2-cbor".parse().unwrap());
    headers.insert("x-amzn-requestid", "1".parse().unwrap());
    if let Some(error) = error {
        headers.insert("x-amzn-query-error", error.parse().unwrap());
    }
    response
}
