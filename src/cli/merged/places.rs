//! Which line of the merged source is from where.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many runs are remembered: more than the records that are worked on at a time.
const RUNS_MAX: usize = 1 << 18;

/// The places of the lines that were given last. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Places(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    names: Vec<Arc<str>>,
    runs: VecDeque<Run>,
    /// How many lines there were.
    count: u64,
}

/// Lines that follow each other here and in their input.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first of them here, and in its input.
    begin: u64,
    line: u64,
    /// None for a line that is of no input.
    input: Option<u32>,
}

impl Places {
    /// For inputs of these names.
    pub fn of(names: Vec<Arc<str>>) -> Places {
        Places(Arc::new(Mutex::new(Lines { names, ..Lines::default() })))
    }

    /// Works with them: one lock for many lines.
    pub fn adding<T>(&self, work: impl FnOnce(&mut Adding<'_>) -> T) -> T {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut Adding(&mut lines))
    }

    /// The input that a line is from, and its number there; none if it is from none, or too long
    /// ago.
    pub fn place(&self, line: u64) -> Option<(Arc<str>, u64)> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = lines.runs.partition_point(|run| run.begin <= line);
        let run = lines.runs.get(behind.checked_sub(1)?)?;
        let name = lines.names.get(run.input? as usize)?;
        (line <= lines.count).then(|| (Arc::clone(name), run.line + (line - run.begin)))
    }
}

/// The places, while lines are added.
pub(in crate::cli) struct Adding<'a>(&'a mut Lines);

impl Adding<'_> {
    /// The next line is this one of an input, or of none; gives its number.
    #[inline]
    pub fn add(&mut self, input: Option<u32>, line: u64) -> u64 {
        let Lines { runs, count, .. } = &mut *self.0;
        *count += 1;
        let next = runs.back().filter(|run| run.input == input);
        if next.is_none_or(|run| run.line + (*count - run.begin) != line) {
            if runs.len() >= RUNS_MAX {
                runs.pop_front();
            }
            runs.push_back(Run { begin: *count, line, input });
        }
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again() {
        let places = Places::of(vec![Arc::from("a"), Arc::from("b")]);
        let lines = [(None, 0), (Some(0), 1), (Some(0), 2), (Some(1), 3), (Some(0), 4)];
        places.adding(|adding| {
            for (number, (input, line)) in (1..).zip(lines) {
                assert_eq!(adding.add(input, line), number);
            }
        });
        let shown = |line| places.place(line).map(|(name, line)| format!("{name}:{line}"));
        let seen: Vec<Option<String>> = (0..=6).map(shown).collect();
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(seen, [None, None, of("a:1"), of("a:2"), of("b:3"), of("a:4"), None]);
    }

    #[test]
    fn those_of_long_ago_are_forgotten() {
        let places = Places::of(vec![Arc::from("a"), Arc::from("b")]);
        places.adding(|adding| {
            for line in 1..=RUNS_MAX as u64 {
                adding.add(Some(0), line);
                adding.add(Some(1), line);
            }
        });
        assert_eq!(places.place(1), None);
        let last = places.place(2 * RUNS_MAX as u64).unwrap();
        assert_eq!((&*last.0, last.1), ("b", RUNS_MAX as u64));
    }
}
