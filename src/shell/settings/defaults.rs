//! Defaults of keys that may be left out; the same values stand in the descriptions of the keys.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::words::{Lasting, Listen, PercentNumber};
use crate::core::words::Percent;

/// So many seconds.
pub fn secs<const N: u64>() -> Lasting {
    Lasting(Duration::from_secs(N))
}

/// So many minutes.
pub fn mins<const N: u64>() -> Lasting {
    Lasting(Duration::from_secs(N * 60))
}

/// So many days.
pub fn days<const N: u64>() -> Lasting {
    Lasting(Duration::from_secs(N * 86_400))
}

/// A port of this machine, not reachable from others.
pub fn port<const N: u16>() -> Listen {
    Listen(SocketAddr::from((Ipv4Addr::LOCALHOST, N)))
}

/// All of them.
pub fn full() -> PercentNumber {
    PercentNumber(Percent::FULL)
}
