//! Producers' names: one client at a time appends under one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;
use super::groups::Peer;
use super::lock;

/// A producer's name in its topic.
type Name = (String, String);

/// How long to wait for a name whose holder has hung up: its last appends may still be written.
const PARTING: Duration = Duration::from_secs(5);

/// The names that clients hold now.
#[derive(Debug, Default)]
pub struct Names {
    /// Each with the client that holds it.
    taken: Mutex<HashMap<Name, Arc<dyn Peer>>>,
    freed: Condvar,
}

/// The names of one client, until it ends.
pub struct OwnNames<'a> {
    names: &'a Names,
    peer: Arc<dyn Peer>,
    own: HashSet<Name>,
    most: usize,
}

impl Names {
    /// Takes a name for a client. If its holder is gone, what serves that one is waited for to come
    /// to its end: whoever runs a producer twice in a row must find the name free.
    fn take(&self, name: &Name, peer: &Arc<dyn Peer>) -> bool {
        let deadline = Instant::now() + PARTING;
        let mut taken = lock(&self.taken);
        while let Some(holder) = taken.get(name) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !holder.is_gone() {
                return false;
            }
            let waited = self.freed.wait_timeout(taken, left);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.insert(name.clone(), Arc::clone(peer));
        true
    }
}

impl<'a> OwnNames<'a> {
    /// Those of a client that has none yet, and may have so many.
    pub fn new(names: &'a Names, peer: Arc<dyn Peer>, most: usize) -> OwnNames<'a> {
        OwnNames { names, peer, own: HashSet::new(), most }
    }

    /// Takes a name for this client, if it has not got it already.
    ///
    /// # Errors
    /// When it has as many as it may, or another client has the name.
    pub fn take(&mut self, topic: &str, producer: &str) -> Result<(), Error> {
        let name = (topic.to_owned(), producer.to_owned());
        if self.own.contains(&name) {
            return Ok(());
        }
        if self.own.len() >= self.most {
            return Err(Error::TooManyNames { most: self.most });
        }
        if !self.names.take(&name, &self.peer) {
            let (topic, producer) = name;
            return Err(Error::ProducerInUse { topic, producer });
        }
        self.own.insert(name);
        Ok(())
    }

    /// Gives a name back, if this client has it.
    pub fn give_back(&mut self, topic: &str, producer: &str) {
        let name = (topic.to_owned(), producer.to_owned());
        if self.own.remove(&name) {
            lock(&self.names.taken).remove(&name);
            self.names.freed.notify_all();
        }
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
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A client that is gone once it is said to be.
    #[derive(Debug, Default)]
    struct Far(AtomicBool);

    impl Peer for Far {
        fn is_gone(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }

        fn pid(&self) -> Option<i32> {
            None
        }
    }

    fn is_in_use(taken: Result<(), Error>) -> bool {
        matches!(taken, Err(Error::ProducerInUse { .. }))
    }

    #[test]
    fn a_name_is_one_clients_until_it_ends() {
        let names = Names::default();
        let mut one = OwnNames::new(&names, Arc::new(Far::default()), 1);
        let mut other = OwnNames::new(&names, Arc::new(Far::default()), 3);
        one.take("t", "p").unwrap();
        one.take("t", "p").unwrap();
        assert!(is_in_use(other.take("t", "p")));
        other.take("u", "p").unwrap();
        drop(one);
        other.take("t", "p").unwrap();
        other.take("t", "q").unwrap();
        let mut third = OwnNames::new(&names, Arc::new(Far::default()), 1);
        third.give_back("t", "p");
        assert!(is_in_use(third.take("t", "p")));
        other.give_back("t", "p");
        third.take("t", "p").unwrap();
        drop(third);
        other.take("t", "p").unwrap();
        assert!(matches!(other.take("t", "more"), Err(Error::TooManyNames { most: 3 })));
    }

    #[test]
    fn the_name_of_one_who_is_gone_is_waited_for() {
        let names = Names::default();
        let far = Arc::new(Far::default());
        let peer: Arc<dyn Peer> = Arc::<Far>::clone(&far);
        let mut one = OwnNames::new(&names, peer, 1);
        let mut other = OwnNames::new(&names, Arc::new(Far::default()), 1);
        one.take("t", "p").unwrap();
        assert!(is_in_use(other.take("t", "p")));
        far.0.store(true, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| other.take("t", "p"));
            drop(one);
            taking.join().unwrap().unwrap();
        });
    }
}
