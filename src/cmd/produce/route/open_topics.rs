//! The topics that are open at a time. For another one, that is closed which was not used for
//! longest.

use std::collections::HashMap;

/// How many topics are open at a time: each has a connection to the daemon.
pub(in crate::cmd::produce) const OPEN_MAX: usize = 128;

/// What is needed for each topic that is open.
pub(in crate::cmd::produce) struct OpenTopics<T> {
    open: HashMap<String, Open<T>>,
    uses: u64,
}

struct Open<T> {
    topic: T,
    /// When it was used last, counted in uses of all.
    used: u64,
}

impl<T> Default for OpenTopics<T> {
    fn default() -> OpenTopics<T> {
        OpenTopics { open: HashMap::new(), uses: 0 }
    }
}

impl<T> OpenTopics<T> {
    /// A topic that is used now, if it is open.
    pub fn get(&mut self, name: &str) -> Option<&mut T> {
        self.uses += 1;
        let open = self.open.get_mut(name)?;
        open.used = self.uses;
        Some(&mut open.topic)
    }

    /// A topic was opened.
    pub fn insert(&mut self, name: &str, topic: T) {
        self.uses += 1;
        self.open.insert(name.to_owned(), Open { topic, used: self.uses });
    }

    /// The topic that is to be closed before another one is opened, if there is no room for that.
    pub fn make_room(&mut self) -> Option<(String, T)> {
        if self.open.len() < OPEN_MAX {
            return None;
        }
        let (name, _) = self.open.iter().min_by_key(|(_, open)| open.used)?;
        let (name, open) = self.open.remove_entry(&name.clone())?;
        Some((name, open.topic))
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut T)> {
        self.open.iter_mut().map(|(name, open)| (name.as_str(), &mut open.topic))
    }

    /// Takes all of them.
    pub fn take_all(&mut self) -> impl Iterator<Item = (String, T)> + use<T> {
        std::mem::take(&mut self.open).into_iter().map(|(name, open)| (name, open.topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_was_not_used_for_longest_makes_room() {
        let mut open = OpenTopics::default();
        for number in 0..OPEN_MAX {
            assert_eq!(open.make_room(), None);
            open.insert(&number.to_string(), number);
        }
        assert_eq!(open.get("0"), Some(&mut 0));
        assert_eq!(open.get("no such topic"), None);
        assert_eq!(open.make_room(), Some(("1".to_owned(), 1)));
        assert_eq!(open.make_room(), None);
        assert_eq!(open.take_all().count(), OPEN_MAX - 1);
    }
}
