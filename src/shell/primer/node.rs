//! One cache node: a full GET for an object, sent to the node's address whatever the URL's name resolves to.
//!
//! `http://` goes in the clear to the address with the URL's Host; `https://` keeps Host and SNI, only name
//! resolution is replaced. Redirects are objects of their own and are not followed; bodies are read to their end,
//! measured and dropped. Not here: retries and verdicts. Invariant: a GET without Range, from `tminus/`, marked.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::write::MultiGzDecoder;
use futures_util::StreamExt;
use reqwest::dns::{Addrs, Resolve, Resolving};
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Client, Url};
use sha2::{Digest, Sha256};

use super::PRIME_HEADER;
use crate::core::priming::{Bytes, Headers, Object, Variant};
use crate::core::words::Name;
use crate::shell::clock;
use crate::shell::spec::NodeSpec;

/// A node must accept within this.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// And never be silent for longer than this, before or within a body.
const SILENT_AT_MOST: Duration = Duration::from_secs(30);
/// Longest whole answer: at 1 MB/s that is close to a gigabyte; what drips slower is no cache.
const ANSWER_WITHIN: Duration = Duration::from_mins(15);
/// So many failed connections in a row, and the node counts as lost: one attempt a second, the rest fails at once.
const LOST_AFTER: u32 = 8;
const TRY_LOST_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Node {
    pub(super) name: Name,
    host: String,
    port: Option<u16>,
    client: Client,
    lost: Mutex<Lost>,
}

#[derive(Default)]
struct Lost {
    failures: u32,
    tried_at: Duration,
    reason: String,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) first_byte: Duration,
    body: Vec<Measured>,
}

/// Length and, where it was asked for, SHA-256 in lower-case hex.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    size: u64,
    sha256: Option<String>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The node did not take the connection: the origin has nothing to do with it.
    Unreachable(String),
    /// The answer broke off or did not come.
    Broken(String),
    /// It cannot be asked for at all.
    Unsendable(String),
}

impl Trouble {
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Unreachable(reason) | Self::Broken(reason) | Self::Unsendable(reason) => reason,
        }
    }
}

impl Node {
    pub(super) fn new(spec: &NodeSpec, in_flight: u32) -> Result<Self, String> {
        let (host, port) = host_and_port(&spec.connect).ok_or_else(|| format!("{:?} is not host:port", spec.connect))?;
        let resolver = NodeResolver { host: host.trim_matches(['[', ']']).into(), port: port.unwrap_or(0) };
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(SILENT_AT_MOST)
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(in_flight as usize)
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Self { name: spec.name.clone(), host, port, client, lost: Mutex::default() })
    }

    /// Why it is not worth connecting now, if it is not.
    pub(super) fn lost(&self, now: Duration) -> Option<String> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.failures < LOST_AFTER || now.saturating_sub(lost.tried_at) >= TRY_LOST_EVERY {
            lost.tried_at = now;
            return None;
        }
        Some(format!("the node cannot be reached: {}", lost.reason))
    }

    pub(super) async fn get(&self, object: &Object, variant: &Variant) -> Result<Reply, Trouble> {
        let (url, headers) = self.request(object.url(), variant).map_err(Trouble::Unsendable)?;
        let sent_at = clock::monotonic();
        let response = self.client.get(url).headers(headers).send().await.map_err(|error| self.trouble(&error))?;
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).failures = 0;
        let first_byte = sent_at.elapsed();
        let status = response.status().as_u16();
        let headers = Headers::new(
            response
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())),
        );
        let mut meter = Meter::new(object.bytes(), &headers);
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            meter.take(&chunk.map_err(|error| Trouble::Broken(format!("the answer broke off: {}", chain(&error))))?);
        }
        Ok(Reply { status, headers, first_byte, body: meter.finish() })
    }

    fn request(&self, text: &str, variant: &Variant) -> Result<(Url, HeaderMap), String> {
        let mut url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        let host = url.host_str().ok_or("the URL has no host")?.to_owned();
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        if url.scheme() == "https" {
            if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
                return Err("an https:// URL with an address instead of a name cannot be sent to another address".into());
            }
            // Without a port the resolver's is used; the Host header below still carries the URL's.
            url.set_port(None).map_err(|()| "the URL takes no port".to_owned())?;
        } else {
            url.set_host(Some(&self.host)).map_err(|error| error.to_string())?;
            url.set_port(self.port).map_err(|()| "the URL takes no port".to_owned())?;
        }
        Ok((url, headers(&authority, variant)?))
    }

    fn trouble(&self, error: &reqwest::Error) -> Trouble {
        let reason = chain(error);
        if !error.is_connect() {
            return Trouble::Broken(reason);
        }
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.failures = lost.failures.saturating_add(1);
        lost.reason.clone_from(&reason);
        Trouble::Unreachable(reason)
    }
}

fn headers(authority: &str, variant: &Variant) -> Result<HeaderMap, String> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| format!("{text:?}: {error}"));
    let mut headers = HeaderMap::new();
    headers.insert(HOST, value(authority)?);
    headers.insert(PRIME_HEADER, value("1")?);
    headers.insert(USER_AGENT, value(super::USER_AGENT)?);
    for (name, text) in variant.headers() {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|error| format!("{name:?}: {error}"))?;
        // A device class goes by the user agent; ours stays in it, so that counts can tell.
        let text = if key == USER_AGENT { format!("{text} {}", super::USER_AGENT) } else { text.clone() };
        headers.insert(key, value(&text)?);
    }
    Ok(headers)
}

fn host_and_port(connect: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match connect.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) => {
            (host, Some(port.parse().ok()?))
        }
        _ => (connect, None),
    };
    // A bare IPv6 address has colons and no brackets.
    let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
    let names_a_host = Url::parse(&format!("http://{host}/"))
        .is_ok_and(|url| url.host_str().is_some_and(|found| found.eq_ignore_ascii_case(&host)));
    names_a_host.then_some((host, port))
}

struct NodeResolver {
    host: String,
    port: u16,
}

impl Resolve for NodeResolver {
    fn resolve(&self, _: reqwest::dns::Name) -> Resolving {
        let (host, port) = (self.host.clone(), self.port);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Reply {
    /// What differs from what the bytes must be: expected and actual. With gzip on the wire the decoded bytes may match
    /// instead, since a manifest describes the object and not its coding.
    pub(super) fn mismatch(&self, wanted: &Bytes) -> Option<(String, String)> {
        let fits = |body: &&Measured| {
            wanted.size.is_none_or(|size| size == body.size) && (wanted.sha256.is_none() || wanted.sha256 == body.sha256)
        };
        if self.body.iter().find(fits).is_some() {
            return None;
        }
        // The decoded bytes are what people compare with the object.
        let body = self.body.last()?;
        match (&wanted.sha256, &body.sha256) {
            (Some(expected), Some(actual)) if expected != actual => {
                Some((format!("sha256:{expected}"), format!("sha256:{actual}{}", self.coding())))
            }
            _ => Some((format!("{} bytes", wanted.size.unwrap_or_default()), format!("{} bytes{}", body.size, self.coding()))),
        }
    }

    /// A coding that was not undone, for the message: its bytes cannot match an object's.
    fn coding(&self) -> String {
        let coding = self.headers.last("content-encoding").filter(|coding| !coding.eq_ignore_ascii_case("identity"));
        match coding {
            Some(coding) if self.body.len() == 1 => format!(" as {coding}"),
            _ => String::new(),
        }
    }
}

/// Measures a body as it passes: as sent, and decoded where it is gzip and there is something to compare.
struct Meter {
    raw: Count,
    decoded: Option<MultiGzDecoder<Count>>,
}

struct Count {
    size: u64,
    hash: Option<Sha256>,
}

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.size += bytes.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Meter {
    fn new(wanted: &Bytes, headers: &Headers) -> Self {
        let count = || Count { size: 0, hash: wanted.sha256.as_ref().map(|_| Sha256::new()) };
        let gzip = headers.last("content-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let compared = wanted.size.is_some() || wanted.sha256.is_some();
        Self { raw: count(), decoded: (gzip && compared).then(|| MultiGzDecoder::new(count())) }
    }

    fn take(&mut self, chunk: &[u8]) {
        // Counting cannot fail; bytes that are no gzip are no decoded match, the raw ones may be.
        let _ = self.raw.write_all(chunk);
        if self.decoded.as_mut().is_some_and(|decoder| decoder.write_all(chunk).is_err()) {
            self.decoded = None;
        }
    }

    fn finish(self) -> Vec<Measured> {
        let decoded = self.decoded.and_then(|decoder| decoder.finish().ok());
        std::iter::once(self.raw).chain(decoded).map(Count::measured).collect()
    }
}

impl Count {
    fn measured(self) -> Measured {
        let hex = |hash: Sha256| {
            hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
                // Writing into a text cannot fail.
                let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
                text
            })
        };
        Measured { size: self.size, sha256: self.hash.map(hex) }
    }
}

/// An error with its causes, without the URL, which stands beside it in every report.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&dyn Error> = Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(connect: &str) -> Node {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Node::new(&NodeSpec { name: Name::new("edge1").unwrap(), connect: connect.into() }, 4).unwrap()
    }

    #[test]
    fn requests_go_to_the_node_and_keep_the_host() {
        let check = |connect: &str, url: &str, to: &str, host: &str| {
            let (sent, headers) = node(connect).request(url, &Variant::default()).unwrap();
            assert_eq!((sent.as_str(), headers[HOST].to_str().unwrap()), (to, host));
        };
        check("10.0.0.1:8080", "http://a.example/x?y", "http://10.0.0.1:8080/x?y", "a.example");
        check("10.0.0.1", "http://a.example:81/x", "http://10.0.0.1/x", "a.example:81");
        check("[::1]:8080", "http://127.0.0.1:9/x", "http://[::1]:8080/x", "127.0.0.1:9");
        check("edge.internal:80", "http://a.example/", "http://edge.internal/", "a.example");
        check("10.0.0.1:8443", "https://a.example:444/x", "https://a.example/x", "a.example:444");
    }

    #[test]
    fn what_cannot_be_sent_is_told() {
        assert!(node("10.0.0.1:443").request("https://10.0.0.2/x", &Variant::default()).is_err());
        for connect in ["", ":80", "a:b", "a:99999", "a b:80"] {
            assert!(host_and_port(connect).is_none(), "{connect:?}");
        }
        assert_eq!(host_and_port("::1"), Some(("[::1]".into(), None)));
    }

    #[test]
    fn a_variant_of_the_user_agent_keeps_ours() {
        let phone = Variant::new([("user-agent".to_owned(), "Phone/1".to_owned())]).unwrap();
        let (_, headers) = node("a:1").request("http://a/", &phone).unwrap();
        assert_eq!(headers[USER_AGENT].to_str().unwrap(), format!("Phone/1 {}", crate::shell::primer::USER_AGENT));
    }

    #[test]
    fn decoded_bytes_may_match_instead() {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        coder.write_all(b"hello").unwrap();
        let body = coder.finish().unwrap();
        let wanted =
            Bytes { size: Some(5), sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".into()) };
        let reply = |body: &[u8], coding: &str| {
            let headers = Headers::new([("Content-Encoding".into(), coding.into())]);
            let mut meter = Meter::new(&wanted, &headers);
            body.chunks(3).for_each(|chunk| meter.take(chunk));
            Reply { status: 200, headers, first_byte: Duration::ZERO, body: meter.finish() }
        };
        assert_eq!(reply(&body, "gzip").mismatch(&wanted), None);
        assert_eq!(reply(b"hello", "identity").mismatch(&wanted), None);
        assert_eq!(reply(b"hello", "gzip").mismatch(&wanted), None, "labelled gzip but plain");
        let (expected, actual) = reply(b"hellO", "identity").mismatch(&wanted).unwrap();
        assert!(expected.starts_with("sha256:2cf2") && actual.starts_with("sha256:") && expected != actual);
        assert!(reply(&body, "br").mismatch(&wanted).is_some());
    }
}
