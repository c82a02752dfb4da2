//! `subscribe --control`: what is said of the records before, between and after them.

use std::collections::BTreeMap;

use crate::api::reading::Span;
use crate::cli::output::{Output, OutputError};
use crate::record::control::{Control, End, Start};

/// Says that a stream begins, which partition the records are of, which has ended, and that all of
/// them have.
#[derive(Debug)]
pub struct Announcer {
    /// Whether records are trusted to be valid JSON; none where nothing is to be said.
    trusted: Option<bool>,
    /// Whether the stream has begun.
    begun: bool,
    /// The partition of the last record.
    current: Option<u32>,
    /// Where partitions end that have not ended yet, by their numbers.
    ends: BTreeMap<u32, u64>,
    /// What is to be said next.
    said: Vec<u8>,
}

impl Announcer {
    /// One for records that are trusted to be valid JSON, or are not; or one that says nothing.
    pub fn new(trusted: Option<bool>) -> Announcer {
        Announcer { trusted, begun: false, current: None, ends: BTreeMap::new(), said: Vec::new() }
    }

    /// The stream begins, or continues with other partitions.
    pub fn begin(&mut self, partitions: Vec<u32>) {
        self.current = None;
        let Some(trusted) = self.trusted else { return };
        let control = match std::mem::replace(&mut self.begun, true) {
            false => Control::Start(Start { trusted, partitions }),
            true => Control::Partitions(partitions),
        };
        control.write(&mut self.said);
    }

    /// All that was asked for has been printed.
    pub fn end(&mut self) {
        if self.trusted.is_some() {
            Control::End(End {}).write(&mut self.said);
        }
    }

    /// The stream begins with these parts of partitions.
    pub fn begin_spans(&mut self, spans: &[Span]) {
        self.begin(spans.iter().map(|span| span.partition).collect());
        for span in spans {
            if let Some(until) = span.until {
                self.ends.insert(span.partition, until);
                self.reached(span.partition, span.from);
            }
        }
    }

    /// Records of this partition come next.
    pub fn turn_to(&mut self, partition: u32) {
        if self.trusted.is_some() && self.current != Some(partition) {
            self.current = Some(partition);
            Control::Partition(partition).write(&mut self.said);
        }
    }

    /// Records before this offset are out.
    pub fn reached(&mut self, partition: u32, offset: u64) {
        if self.trusted.is_some() && self.ends.get(&partition).is_some_and(|end| *end <= offset) {
            self.ends.remove(&partition);
            Control::PartitionEnd(partition).write(&mut self.said);
        }
    }

    /// How many bytes are to be said.
    pub fn pending(&self) -> usize {
        self.said.len()
    }

    /// Puts out what is to be said; false when nobody reads it any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, output: &mut Output) -> Result<bool, OutputError> {
        if self.said.is_empty() {
            return Ok(true);
        }
        let written = output.write(&self.said);
        self.said.clear();
        match written {
            Ok(()) => Ok(true),
            Err(OutputError::Closed) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_named_when_it_changes_and_when_it_ends() {
        let span = |partition, from, until| Span { partition, from, until };
        let mut announcer = Announcer::new(Some(true));
        announcer.begin_spans(&[span(0, 3, Some(5)), span(1, 7, Some(7)), span(2, 0, None)]);
        announcer.turn_to(0);
        announcer.reached(0, 4);
        announcer.turn_to(0);
        announcer.reached(0, 5);
        announcer.turn_to(2);
        announcer.reached(2, 5);
        announcer.begin(vec![1, 2]);
        announcer.turn_to(2);
        announcer.end();
        let expected = r#"{"start":{"trusted":true,"partitions":[0,1,2]}}
{"partition_end":1}
{"partition":0}
{"partition_end":0}
{"partition":2}
{"partitions":[1,2]}
{"partition":2}
{"end":{}}
"#;
        let said = String::from_utf8_lossy(&announcer.said);
        let inside = said.replace("{\"@millstream\":", "").replace("}\n", "\n");
        assert_eq!(inside, expected);
    }

    #[test]
    fn nothing_is_said_where_nothing_is_asked_for() {
        let mut announcer = Announcer::new(None);
        announcer.begin_spans(&[Span { partition: 0, from: 3, until: Some(5) }]);
        announcer.turn_to(0);
        announcer.reached(0, 5);
        announcer.begin(vec![1]);
        announcer.end();
        assert_eq!(announcer.said, b"");
    }
}
