//! How a request was answered, and how that is said in `Cache-Status` (RFC 9211).

use std::fmt::Write;

use hyper::StatusCode;

/// Why a request was forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Nothing was stored.
    UriMiss,
    /// Another variant was stored.
    VaryMiss,
    /// What was stored is stale.
    Stale,
    /// It may not be answered from a shared store.
    Bypass,
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// From the store.
    Hit {
        /// Seconds that it stays fresh.
        ttl_secs: i64,
    },
    /// From an origin, or not at all.
    Forwarded {
        /// Why.
        why: Why,
        /// What the origin said; `None`: it did not.
        status: Option<StatusCode>,
        /// Whether the response is stored now.
        stored: bool,
        /// Whether it waited for another's fetch.
        collapsed: bool,
        /// What went wrong here.
        detail: Option<&'static str>,
    },
}

impl How {
    /// The list member of this cache.
    pub(super) fn cache_status(&self, cache: &str) -> String {
        match self {
            Self::Hit { ttl_secs } => format!("{cache}; hit; ttl={ttl_secs}"),
            Self::Forwarded { why, status, stored, collapsed, detail } => {
                let mut text = format!("{cache}; fwd={}", why.token());
                // Writing to a string does not fail.
                let _ = status.map(|status| write!(text, "; fwd-status={}", status.as_u16()));
                text.push_str(if *stored { "; stored" } else { "" });
                text.push_str(if *collapsed { "; collapsed" } else { "" });
                let _ = detail.map(|detail| write!(text, "; detail={detail}"));
                text
            }
        }
    }
}

impl Why {
    fn token(self) -> &'static str {
        match self {
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Bypass => "bypass",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_status_reads_as_the_rfc_writes_it() {
        assert_eq!(How::Hit { ttl_secs: 60 }.cache_status("edge1"), "edge1; hit; ttl=60");
        let stored =
            How::Forwarded { why: Why::UriMiss, status: Some(StatusCode::OK), stored: true, collapsed: true, detail: None };
        assert_eq!(stored.cache_status("edge1"), "edge1; fwd=uri-miss; fwd-status=200; stored; collapsed");
        let refused =
            How::Forwarded { why: Why::Stale, status: None, stored: false, collapsed: false, detail: Some("overwhelmed") };
        assert_eq!(refused.cache_status("edge1"), "edge1; fwd=stale; detail=overwhelmed");
    }
}
