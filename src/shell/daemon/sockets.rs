//! The two listening sockets: handed over by a service manager, or bound here.
//!
//! Sockets that are handed over outlive the process: what connects between two processes waits in them and is answered
//! by the next. Both come or none, in the form of sd_listen_fds(3). Not here: whether an address may be listened on.
//! Invariant: what is returned is listening for TCP, and a hand-over that does not fit is refused, never half used.

use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted; the kernel lowers it to net.core.somaxconn, which is 4,096 as well.
/// A restart under 2,000 new connections a second may take two seconds with it.
const BACKLOG: u32 = 4_096;

/// The names that the two sockets have in LISTEN_FDNAMES, in the order in which they are taken without names.
const NAMES: [&str; 2] = ["control", "decision"];

/// Why a hand-over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The variables cannot be read.
    #[error("LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES do not fit together: {0}")]
    Variables(io::Error),
    /// One, or more than two.
    #[error("{0} sockets were handed over, and tminus takes two: control and decision; see deploy/systemd")]
    Count(usize),
    /// Only one of the names is ours, or one is there twice.
    #[error("sockets named {0:?} were handed over, and tminus takes one named control and one named decision")]
    Names(Vec<String>),
    /// UDP, a Unix socket, a file, or a connection.
    #[error("the {name} socket that was handed over cannot be used: {error}")]
    Socket {
        /// Which.
        name: &'static str,
        /// What it is instead.
        error: io::Error,
    },
}

/// The sockets that were handed over to this process, control first; `None` when none were.
pub(super) fn handed_over() -> Result<Option<[TcpListener; 2]>, HandOverError> {
    // Compares LISTEN_PID with this process: what a parent was given is not ours.
    if sd_notify::listen_fds().map_err(HandOverError::Variables)?.len() == 0 {
        return Ok(None);
    }
    let named = sd_notify::listen_fds_with_names().map_err(HandOverError::Variables)?;
    let names: Vec<String> = named.map(|(_, name)| name).collect();
    let order = order(&names)?;
    // Takes LISTEN_PID and LISTEN_FDS out of the environment as well.
    let mut sockets = ListenFd::from_env();
    let mut take = |at: usize| {
        let name = NAMES[at];
        listener(&mut sockets, order[at]).map_err(|error| HandOverError::Socket { name, error })
    };
    Ok(Some([take(0)?, take(1)?]))
}

/// Where control and decision stand among the names. A socket without `FileDescriptorName=` has its unit's name: then
/// the order of the unit counts.
fn order(names: &[String]) -> Result<[usize; 2], HandOverError> {
    if names.len() != NAMES.len() {
        return Err(HandOverError::Count(names.len()));
    }
    if names.iter().all(|name| !NAMES.contains(&name.as_str())) {
        return Ok([0, 1]);
    }
    let place = |wanted| names.iter().position(|name| name == wanted);
    match NAMES.map(place) {
        [Some(control), Some(decision)] => Ok([control, decision]),
        _ => Err(HandOverError::Names(names.to_vec())),
    }
}

fn listener(sockets: &mut ListenFd, at: usize) -> io::Result<TcpListener> {
    let gone = || io::Error::other("it is not there");
    let socket = sockets.take_tcp_listener(at)?.ok_or_else(gone)?;
    if !socket_acceptconn(&socket)? {
        return Err(io::Error::other("it is a connection, or does not listen; a unit has Accept=no"));
    }
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Binds an address; port 0 picks one.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of the process before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beat_order_and_both_must_be_there() {
        let read = |names: &[&str]| order(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).ok();
        for (names, expected) in [
            (&["control", "decision"][..], Some([0, 1])),
            (&["decision", "control"], Some([1, 0])),
            (&["unknown", "unknown"], Some([0, 1])),
            (&["tminus.socket", "tminus.socket"], Some([0, 1])),
            (&["control", "control"], None),
            (&["control", "other"], None),
            (&["control"], None),
            (&["control", "decision", "other"], None),
        ] {
            assert_eq!(read(names), expected, "{names:?}");
        }
    }
}
