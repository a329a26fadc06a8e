//! URLs, addresses, names and hashes in other forms.

use std::net::{Ipv6Addr, SocketAddr};

use crate::shell::settings::hidden::{self, shortened};
use crate::shell::settings::words::format;

/// The fix for a URL.
pub fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = ["https", "http"].iter().find_map(|scheme| {
        let rest =
            text.get(scheme.len()..).filter(|_| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        let rest = rest.filter(|rest| rest.starts_with([':', '/', ';']))?.trim_start_matches([':', '/', ';']);
        Some(format!("{scheme}://{rest}"))
    });
    let written = match (bare, text.split_once("://")) {
        (Some(written), _) => written,
        (None, Some((_, rest))) => format!("https://{rest}"),
        (None, None) => format!("https://{text}"),
    };
    proposed("tminus-url", &written.replace(' ', "%20"))
}

/// The fix for a node's address.
pub fn host_port(text: &str) -> Option<String> {
    let host = text.trim();
    let (host, port) = match host.split_once("://") {
        Some((scheme, rest)) => (rest, if scheme == "http" { 80 } else { 443 }),
        None => (host, 443),
    };
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    if host.parse::<Ipv6Addr>().is_ok() {
        return proposed("tminus-host-port", &format!("[{host}]:{port}"));
    }
    let written = [host.to_owned(), format!("{host}:{port}")];
    written.iter().find_map(|written| proposed("tminus-host-port", written)).or_else(|| {
        let digits = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        digits.then(|| "write a port from 1 to 65535".into())
    })
}

/// The fix for an address to listen on.
pub fn listen(text: &str) -> Option<String> {
    let text = text.trim();
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host = if host.is_empty() || host.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { host };
    let written = format!("{host}:{port}");
    written.parse::<SocketAddr>().ok().map(|_| format!("write `{written}`"))
}

/// The fix for a name: it is short, on one line, and has no white space around it.
pub fn name(text: &str) -> Option<String> {
    if text.len() > 200 {
        return Some("write a shorter name".into());
    }
    let trimmed = text.trim();
    match trimmed.chars().find(|c| c.is_control()) {
        Some('\n') => Some("write it on one line".into()),
        Some(c) => Some(format!("take the control character {} out", hidden::name(c))),
        None => (trimmed != text).then(|| proposed("tminus-name", trimmed))?,
    }
}

/// The fix for a hash. What stands there may be the secret itself, so it is not repeated.
pub fn sha256(text: &str) -> String {
    let bare = text.trim().trim_start_matches("sha256:").trim_start_matches("sha256-");
    let is_hash = bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        return "write the 64 digits alone".into();
    }
    "write what `printf %s \"$TOKEN\" | sha256sum` prints; if this is the token itself, it is known now: replace it".into()
}

/// The fix, if the format's reader takes it.
fn proposed(name: &str, written: &str) -> Option<String> {
    let read = format(name)?.read;
    (written.len() <= 200 && read(written).is_ok()).then(|| format!("write `{}`", shortened(written, 100)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_find_their_form() {
        for (text, expected) in [
            ("example.com/health", Some("write `https://example.com/health`")),
            ("http:/example.com", Some("write `http://example.com`")),
            ("HTTPS://example.com", Some("write `https://example.com`")),
            ("ftp://example.com/x", Some("write `https://example.com/x`")),
            ("https://example.com/a b", Some("write `https://example.com/a%20b`")),
            ("", None),
        ] {
            assert_eq!(url(text).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("10.0.0.11", Some("write `10.0.0.11:443`")),
            ("http://10.0.0.11/", Some("write `10.0.0.11:80`")),
            ("https://edge1:8443/x", Some("write `edge1:8443`")),
            ("fe80::1", Some("write `[fe80::1]:443`")),
            ("edge1:99999", Some("write a port from 1 to 65535")),
            ("a b", None),
        ] {
            assert_eq!(host_port(text).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            (":8017", Some("write `127.0.0.1:8017`")),
            ("8017", Some("write `127.0.0.1:8017`")),
            ("localhost:8017", Some("write `127.0.0.1:8017`")),
            ("localhost", None),
        ] {
            assert_eq!(listen(text).as_deref(), expected, "{text}");
        }
        assert_eq!(
            (name(" a ").as_deref(), name("a\u{1}")),
            (Some("write `a`"), Some("take the control character U+0001 out".into()))
        );
        assert!(!sha256("hunter2").contains("hunter2"));
    }
}
