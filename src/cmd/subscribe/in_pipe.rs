//! What was written to a pipe and its reader has not taken yet.

use std::collections::VecDeque;

use crate::api::reading::ByPartition;

/// Runs of records in a pipe, in the order in which they were written.
#[derive(Debug, Default)]
pub struct InPipe {
    /// How many bytes were written in all.
    written: u64,
    runs: VecDeque<Run>,
}

#[derive(Debug)]
struct Run {
    /// How many bytes were written with it.
    end: u64,
    partition: u32,
    /// The offset behind its last record.
    next: u64,
}

impl InPipe {
    /// Notes that so many bytes were written.
    pub fn write(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes as u64);
    }

    /// Notes that what was written last ends a run, with the records before `next`.
    pub fn end_run(&mut self, partition: u32, next: u64) {
        self.runs.push_back(Run { end: self.written, partition, next });
    }

    /// Whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs that are taken, now that so many bytes are left in the pipe: adds to `taken` where
    /// each partition's records go on. Where others write to the pipe as well, their bytes count
    /// as ours: then fewer runs are taken, never more.
    pub fn take_up(&mut self, left: u64, taken: &mut ByPartition<u64>) {
        let taken_bytes = self.written.saturating_sub(left);
        while let Some(run) = self.runs.pop_front_if(|run| run.end <= taken_bytes) {
            taken.insert(run.partition, run.next);
        }
    }

    /// Forgets the runs of partitions for which `keep` does not hold.
    pub fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.runs.retain(|run| keep(run.partition));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_taken_when_its_last_byte_is() {
        let mut pipe = InPipe::default();
        for (bytes, partition, next) in [(10, 0, 3), (5, 1, 7), (5, 0, 4)] {
            pipe.write(bytes);
            pipe.end_run(partition, next);
        }
        let mut taken = ByPartition::new();
        pipe.take_up(11, &mut taken);
        assert!(taken.is_empty());
        pipe.take_up(6, &mut taken);
        assert_eq!(taken, ByPartition::from([(0, 3)]));
        pipe.take_up(0, &mut taken);
        assert_eq!(taken, ByPartition::from([(0, 4), (1, 7)]));
        assert!(pipe.is_empty());
    }

    #[test]
    fn what_others_left_in_the_pipe_counts_as_ours() {
        let mut pipe = InPipe::default();
        pipe.write(10);
        pipe.end_run(0, 3);
        let mut taken = ByPartition::new();
        pipe.take_up(1 << 20, &mut taken);
        assert!(taken.is_empty() && !pipe.is_empty());
        pipe.retain(|partition| partition != 0);
        assert!(pipe.is_empty());
    }
}
