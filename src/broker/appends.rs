//! Appends between being handed over and being answered: those that are gathered are written
//! together, and one that is chained to another is written only if that one is.

use crate::api::appending::Appended;
use crate::broker::error::Error;
use crate::log::{Batch, LogError};

/// What became of each batch of a group.
pub type Outcomes = Vec<Result<Appended, LogError>>;

/// The appends of one client for one topic, in order. With each comes a `T` of the client's own.
#[derive(Debug)]
pub struct Appends<T> {
    gathered: Vec<Handed<T>>,
    /// Whether the last append that was answered failed: those chained to it then do, too.
    broken: bool,
}

/// An append that was handed over.
#[derive(Debug)]
struct Handed<T> {
    /// The batch, or what is wrong with it.
    batch: Result<Batch, LogError>,
    /// Whether it is appended only if the one before it is.
    chained: bool,
    own: T,
}

/// Appends that are being written.
#[derive(Debug)]
pub struct Underway<T> {
    /// Whether each is among the batches that are written, or why not.
    checked: Vec<(Result<(), LogError>, T)>,
}

impl<T> Default for Appends<T> {
    fn default() -> Appends<T> {
        Appends { gathered: Vec::new(), broken: false }
    }
}

impl<T> Appends<T> {
    /// Takes one more: the batch, or what is wrong with it. `chained`: it is appended only if the
    /// one before it is.
    pub fn hand(&mut self, batch: Result<Batch, LogError>, chained: bool, own: T) {
        self.gathered.push(Handed { batch, chained, own });
    }

    /// Whether none is gathered.
    pub fn is_empty(&self) -> bool {
        self.gathered.is_empty()
    }

    /// Whether the last append that was answered failed.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Notes whether the append was carried out that is answered next.
    pub fn note(&mut self, appended: bool) {
        self.broken = !appended;
    }

    /// Takes what was gathered for `topic`, and the batches of it to be written, now that it is
    /// known what became of all before it.
    pub fn close(&mut self, topic: &str) -> (Underway<T>, Vec<Batch>) {
        let gathered = std::mem::take(&mut self.gathered);
        let mut batches: Vec<Batch> = Vec::with_capacity(gathered.len());
        let mut checked = Vec::with_capacity(gathered.len());
        let mut broken = self.broken;
        for Handed { batch, chained, own } in gathered {
            let outcome = match batch {
                _ if chained && broken => Err(LogError::ChainBroken { topic: topic.to_owned() }),
                Err(error) => Err(error),
                Ok(batch) => {
                    let follows = chained && !batches.is_empty();
                    batches.push(if follows { batch.chained() } else { batch });
                    Ok(())
                }
            };
            broken = outcome.is_err();
            checked.push((outcome, own));
        }
        (Underway { checked }, batches)
    }
}

impl<T> Underway<T> {
    /// Each append, in order, with what became of it by the outcomes of the batches that were
    /// written.
    pub fn settle(self, outcomes: Outcomes) -> impl Iterator<Item = (Result<Appended, Error>, T)> {
        let mut outcomes = outcomes.into_iter();
        self.checked.into_iter().map(move |(checked, own)| {
            let outcome = checked.map_err(Error::from).and_then(|()| match outcomes.next() {
                Some(outcome) => outcome.map_err(Error::from),
                None => Err(Error::Internal),
            });
            (outcome, own)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, Settings};

    #[test]
    fn a_chained_append_fails_with_the_one_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(1, None)).unwrap();
        let mut appends = Appends::default();
        let mut ended = Vec::new();
        for (number, line, chained) in [
            (0, "1\n", false),
            (1, "2\n", true),
            (2, "bad\n", true),
            (3, "3\n", true),
            (4, "4\n", false),
            (5, "5\n", true),
        ] {
            appends.hand(topic.prepare(line.into(), None), chained, number);
        }
        let (underway, batches) = appends.close("t");
        assert!(appends.is_empty());
        assert_eq!(batches.len(), 4);
        let outcomes = topic.append(batches);
        for (outcome, number) in underway.settle(outcomes) {
            appends.note(outcome.is_ok());
            ended.push((number, outcome.is_ok()));
        }
        let all = [(0, true), (1, true), (2, false), (3, false), (4, true), (5, true)];
        assert_eq!(ended, all);
        // The next group goes on from here.
        appends.note(false);
        appends.hand(topic.prepare("6\n".into(), None), true, 6);
        let (underway, batches) = appends.close("t");
        assert!(batches.is_empty());
        let ended: Vec<_> = underway.settle(Vec::new()).collect();
        assert!(matches!(ended[..], [(Err(Error::Log(LogError::ChainBroken { .. })), 6)]));
        assert!(appends.is_broken());
    }

    #[test]
    fn what_has_no_outcome_is_an_internal_error() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(1, None)).unwrap();
        let mut appends = Appends::default();
        appends.hand(topic.prepare("1\n".into(), None), false, ());
        let (underway, _) = appends.close("t");
        let ended: Vec<_> = underway.settle(Vec::new()).collect();
        assert!(matches!(ended[..], [(Err(Error::Internal), ())]));
    }
}
