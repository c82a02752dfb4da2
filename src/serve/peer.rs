//! The other end of a connection, as the service knows its clients.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::broker::Access;
use crate::broker::groups::Peer;
use crate::sys::socket::peer;
use crate::sys::wait::has_hung_up;

/// The other end of a connection.
#[derive(Debug)]
pub(super) struct Connected {
    pid: Option<i32>,
    stream: Arc<UnixStream>,
}

impl Connected {
    /// The other end of `stream`.
    pub fn new(stream: &Arc<UnixStream>) -> Connected {
        Connected { pid: peer(stream).map(|peer| peer.pid), stream: Arc::clone(stream) }
    }
}

impl Peer for Connected {
    /// Whether it has closed the connection, also if its session has not come to see that yet.
    fn is_gone(&self) -> bool {
        has_hung_up(&self.stream)
    }

    fn pid(&self) -> Option<i32> {
        self.pid
    }
}

/// What the other end of `stream` may do.
pub(super) fn access_of(stream: &UnixStream) -> Access {
    Access::of(peer(stream).map(|peer| (peer.uid, peer.gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ended_only_its_side_may_still_wait_for_an_answer() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let connected = Connected::new(&Arc::new(ours));
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(!connected.is_gone());
        drop(theirs);
        assert!(connected.is_gone());
    }
}
