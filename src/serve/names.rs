//! Producers' names: one connection at a time appends under one.

use std::collections::HashSet;
use std::sync::Mutex;

use super::lock;
use crate::wire::answer::{Code, ErrorBody};

/// A producer's name in its topic.
type Name = (String, String);

/// The names that connections hold now.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: Mutex<HashSet<Name>>,
}

/// The names of one connection, until it ends.
pub(super) struct OwnNames<'a> {
    names: &'a Names,
    own: HashSet<Name>,
    most: usize,
}

impl<'a> OwnNames<'a> {
    /// Those of a connection that has none yet, and may have so many.
    pub fn new(names: &'a Names, most: usize) -> OwnNames<'a> {
        OwnNames { names, own: HashSet::new(), most }
    }

    /// Takes a name for this connection, if it has not got it already.
    pub fn take(&mut self, topic: &str, producer: &str) -> Result<(), ErrorBody> {
        let name = (topic.to_owned(), producer.to_owned());
        if self.own.contains(&name) {
            return Ok(());
        }
        if self.own.len() >= self.most {
            let most = self.most;
            let message =
                format!("one connection appends under at most {most} names (--max-names)");
            return Err(ErrorBody::new(Code::TooLarge, message));
        }
        if !lock(&self.names.taken).insert(name.clone()) {
            let message = format!(
                "{topic}: another connection appends as producer {producer}; try again once it is gone"
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_connections_until_it_ends() {
        let names = Names::default();
        let mut one = OwnNames::new(&names, 1);
        let mut other = OwnNames::new(&names, 3);
        assert_eq!(one.take("t", "p"), Ok(()));
        assert_eq!(one.take("t", "p"), Ok(()));
        assert_eq!(other.take("t", "p").map_err(|error| error.code), Err(Code::ProducerInUse));
        assert_eq!(other.take("u", "p"), Ok(()));
        drop(one);
        assert_eq!(other.take("t", "p"), Ok(()));
        assert_eq!(other.take("t", "q"), Ok(()));
        assert_eq!(other.take("t", "more").map_err(|error| error.code), Err(Code::TooLarge));
    }
}
