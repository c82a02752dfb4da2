//! Producers' names: one connection at a time appends under one.

use std::collections::{HashMap, HashSet};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::lock;
use crate::api::error::{Code, ErrorBody};
use crate::sys::wait::has_hung_up;

/// A producer's name in its topic.
type Name = (String, String);

/// How long to wait for a name whose holder has hung up: its last appends may still be written.
const PARTING: Duration = Duration::from_secs(5);

/// The names that connections hold now.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each with the connection that holds it.
    taken: Mutex<HashMap<Name, Arc<UnixStream>>>,
    freed: Condvar,
}

/// The names of one connection, until it ends.
pub(super) struct OwnNames<'a> {
    names: &'a Names,
    stream: Arc<UnixStream>,
    own: HashSet<Name>,
    most: usize,
}

impl Names {
    /// Takes a name for a connection. If its holder has hung up, the end of that one's session is
    /// waited for: whoever runs a producer twice in a row must find the name free.
    fn take(&self, name: &Name, stream: &Arc<UnixStream>) -> bool {
        let deadline = Instant::now() + PARTING;
        let mut taken = lock(&self.taken);
        while let Some(holder) = taken.get(name) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !has_hung_up(holder) {
                return false;
            }
            let waited = self.freed.wait_timeout(taken, left);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.insert(name.clone(), Arc::clone(stream));
        true
    }
}

impl<'a> OwnNames<'a> {
    /// Those of a connection that has none yet, and may have so many.
    pub fn new(names: &'a Names, stream: Arc<UnixStream>, most: usize) -> OwnNames<'a> {
        OwnNames { names, stream, own: HashSet::new(), most }
    }

    /// Takes a name for this connection, if it has not got it already.
    pub fn take(&mut self, topic: &str, producer: &str) -> Result<(), ErrorBody> {
        let name = (topic.to_owned(), producer.to_owned());
        if self.own.contains(&name) {
            return Ok(());
        }
        if self.own.len() >= self.most {
            let most = self.most;
            let message = format!("a connection appends under at most {most} names (--max-names)");
            return Err(ErrorBody::new(Code::TooLarge, message));
        }
        if !self.names.take(&name, &self.stream) {
            let message = format!(
                "{topic}: another connection appends as producer {producer}; try again when it has ended"
            );
            return Err(ErrorBody::new(Code::ProducerInUse, message));
        }
        self.own.insert(name);
        Ok(())
    }
}

impl Drop for OwnNames<'_> {
    fn drop(&mut self) {
        let mut taken = lock(&self.names.taken);
        for name in &self.own {
            taken.remove(name);
        }
        self.names.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> (Arc<UnixStream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Arc::new(ours), theirs)
    }

    #[test]
    fn a_name_is_one_connections_until_it_ends() {
        let names = Names::default();
        let ((first, _client), (second, _other_client)) = (connection(), connection());
        let mut one = OwnNames::new(&names, first, 1);
        let mut other = OwnNames::new(&names, second, 3);
        assert_eq!(one.take("t", "p"), Ok(()));
        assert_eq!(one.take("t", "p"), Ok(()));
        assert_eq!(other.take("t", "p").map_err(|error| error.code), Err(Code::ProducerInUse));
        assert_eq!(other.take("u", "p"), Ok(()));
        drop(one);
        assert_eq!(other.take("t", "p"), Ok(()));
        assert_eq!(other.take("t", "q"), Ok(()));
        assert_eq!(other.take("t", "more").map_err(|error| error.code), Err(Code::TooLarge));
    }

    #[test]
    fn the_name_of_one_who_hung_up_is_waited_for() {
        let names = Names::default();
        let ((first, client), (second, _other_client)) = (connection(), connection());
        let mut one = OwnNames::new(&names, first, 1);
        let mut other = OwnNames::new(&names, second, 1);
        assert_eq!(one.take("t", "p"), Ok(()));
        // Not gone: it may still wait for an answer.
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(other.take("t", "p").map_err(|error| error.code), Err(Code::ProducerInUse));
        drop(client);
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| other.take("t", "p"));
            drop(one);
            assert_eq!(taking.join().unwrap(), Ok(()));
        });
    }
}
