//! The lock that keeps a second process out of a folder.
//!
//! Not here: what is said to whoever comes second. Invariant: while the file of a lock that was taken lives, no other process
//! has it; the kernel gives it back when its holder ends, however it ends.

use std::fs::File;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::shell::clock;

/// How long a lock that somebody has is asked for again. A child between fork and exec has what its parent had, so a daemon
/// that was killed just then seems to live on for a moment; who starts at once must not give up over that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Time between two looks.
const GRAIN: Duration = Duration::from_millis(20);

/// Takes the lock on an open file; `WOULDBLOCK`: another process has it, and not just for a moment.
///
/// Blocks the thread for as long as it is patient: for the start of a process, before anything is served.
pub fn take(file: &File) -> Result<(), Errno> {
    let started = clock::monotonic();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if started.elapsed() < PATIENCE => std::thread::sleep(GRAIN),
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_given_back_in_a_moment_is_waited_for() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let open = || File::options().write(true).open(path.path()).unwrap();
        let first = open();
        take(&first).unwrap();
        let second = std::thread::spawn({
            let file = open();
            move || take(&file)
        });
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }
}
