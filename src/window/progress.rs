//! How far event time has come in a stream of several partitions, some of which may be quiet.
//!
//! Each partition has a watermark, and the least of them is the stream's: what comes next may be of
//! any partition. Those that have ended do not count; nor, if that is asked for, those that were
//! quiet for a while. A stream without partitions is one.

use crate::state::{Reader, StateError, Writer};
use crate::time::Duration;
use crate::time::timestamp::{MAX_MS, load_ms};
use crate::time::watermark::Watermark;

/// How often event time goes on, at most, in a stream that is quiet, in milliseconds.
pub(super) const TICK_MS: i64 = 100;

/// The watermark of a stream. It never goes back.
#[derive(Clone, Debug)]
pub struct Progress {
    out_of_order: Duration,
    /// How long it takes until a partition is taken to be quiet; never, if there is none.
    idle_ms: Option<i64>,
    partitions: Vec<Partition>,
    /// The place of the partition whose records come now.
    current: usize,
    at_ms: Option<i64>,
    /// The greatest event time so far.
    greatest_ms: Option<i64>,
    /// For how long the input was waited for so far.
    waited_ms: i64,
    /// Whether it follows a clock: nothing comes later than that shows.
    is_clocked: bool,
}

#[derive(Clone, Debug)]
struct Partition {
    /// None where the stream does not tell partitions apart.
    number: Option<u32>,
    watermark: Watermark,
    ended: bool,
    /// What `waited_ms` was when its last record came.
    heard_ms: i64,
}

impl Progress {
    /// Allows records to come `out_of_order` behind the greatest event time of their partition.
    pub fn new(out_of_order: Duration) -> Progress {
        Progress {
            out_of_order,
            idle_ms: None,
            partitions: vec![Partition::new(None, out_of_order, 0)],
            current: 0,
            at_ms: None,
            greatest_ms: None,
            waited_ms: 0,
            is_clocked: false,
        }
    }

    /// Follows a clock instead of the partitions: see [`Progress::clock`].
    #[must_use]
    pub fn clocked(self) -> Progress {
        Progress { is_clocked: true, ..self }
    }

    /// Whether it follows a clock.
    pub fn is_clocked(&self) -> bool {
        self.is_clocked
    }

    /// The clock shows this time, in milliseconds: no record has an earlier one from here on.
    pub fn clock(&mut self, now_ms: i64) {
        self.greatest_ms = self.greatest_ms.max(Some(now_ms));
        self.at_ms = self.at_ms.max(Some(now_ms.saturating_sub(1)));
    }

    /// Takes a partition to be quiet when nothing of it came while input was waited for so long.
    #[must_use]
    pub fn idling(mut self, after: Option<Duration>) -> Progress {
        self.idle_ms = after.map(Duration::ms);
        self
    }

    /// The watermark; none as long as a partition that counts had no record.
    pub fn at_ms(&self) -> Option<i64> {
        self.at_ms
    }

    /// The greatest event time so far, of all partitions; or the time that a quiet stream has come
    /// to. None before the first record.
    pub fn greatest_ms(&self) -> Option<i64> {
        let followed_ms = self.at_ms.map(|at_ms| at_ms.saturating_add(1));
        let followed_ms = followed_ms.map(|ms| ms.saturating_add(self.out_of_order.ms()));
        self.greatest_ms.max(followed_ms.filter(|_| self.idle_ms.is_some()))
    }

    /// How far a time is behind the one that the watermark follows.
    pub fn behind(&self, time_ms: i64) -> Duration {
        let followed_ms = self.at_ms.map_or(time_ms, |at_ms| {
            at_ms.saturating_add(1).saturating_add(self.out_of_order.ms())
        });
        Duration::from_ms(followed_ms.saturating_sub(time_ms)).unwrap_or_default()
    }

    /// Takes note of a record of the current partition; gives the watermark behind it.
    pub fn observe(&mut self, time_ms: i64) -> Option<i64> {
        let partition = self.partitions.get_mut(self.current)?;
        self.greatest_ms = self.greatest_ms.max(Some(time_ms));
        let before_ms = partition.watermark.at_ms();
        let behind_ms = partition.watermark.observe(time_ms);
        partition.heard_ms = self.waited_ms;
        // Only where it is the least can it hold the others back.
        if before_ms != Some(behind_ms) && before_ms <= self.at_ms {
            self.advance();
        }
        self.at_ms
    }

    /// Takes note that the current partition is not quiet, whatever its record was.
    pub fn hear(&mut self) {
        if let Some(partition) = self.partitions.get_mut(self.current) {
            partition.heard_ms = self.waited_ms;
        }
    }

    /// A stream begins that has these partitions. What is known of them still holds.
    pub fn begin(&mut self, numbers: &[u32]) {
        if self.is_clocked {
            return;
        }
        let known = std::mem::take(&mut self.partitions);
        let plain = numbers.is_empty().then_some(None);
        let numbers = numbers.iter().copied().map(Some).chain(plain);
        for number in numbers {
            let known = known.iter().find(|it| it.number == number).cloned();
            let new = || Partition::new(number, self.out_of_order, self.waited_ms);
            self.partitions.push(Partition { ended: false, ..known.unwrap_or_else(new) });
        }
        self.current = 0;
        self.advance();
    }

    /// The records that come now are of this partition.
    pub fn turn_to(&mut self, number: u32) {
        if self.is_clocked {
            return;
        }
        // Where nothing was said of partitions before, the stream is not one of its own.
        self.partitions.retain(|it| it.number.is_some());
        self.current = self.place(number).unwrap_or_else(|| {
            let new = Partition::new(Some(number), self.out_of_order, self.waited_ms);
            self.partitions.push(new);
            self.partitions.len() - 1
        });
        let current = self.partitions.get_mut(self.current);
        if current.is_some_and(|partition| std::mem::take(&mut partition.ended)) {
            // It counts again, and its record may say nothing new.
            self.advance();
        }
    }

    /// Nothing more comes of this partition.
    pub fn end(&mut self, number: u32) {
        if let Some(partition) = self.place(number).and_then(|place| self.partitions.get_mut(place))
        {
            partition.ended = true;
            self.advance();
        }
    }

    /// Input was waited for so long.
    pub fn wait(&mut self, time: Duration) {
        self.waited_ms = self.waited_ms.saturating_add(time.ms());
        self.advance();
    }

    /// How long input can be waited for before the watermark may move by that: forever, if there is
    /// none. `next_ms` is the watermark that somebody waits for.
    pub fn patience(&self, next_ms: i64) -> Option<Duration> {
        if self.is_clocked {
            return Duration::from_ms(next_ms.saturating_sub(self.at_ms?).max(1));
        }
        let idle_ms = self.idle_ms?;
        if self.partitions.iter().all(|it| it.ended) {
            return None;
        }
        let left_ms = |it: &Partition| idle_ms - self.quiet_ms(it);
        let counting = self.partitions.iter().filter(|it| self.counts(it)).map(left_ms).min();
        let left_ms = match counting {
            Some(left_ms) => left_ms,
            None => next_ms.checked_sub(self.at_ms?)?.max(idle_ms.min(TICK_MS)),
        };
        Duration::from_ms(left_ms.max(1))
    }

    /// Saves what is known of all partitions.
    pub fn save(&self, to: &mut Writer) {
        to.put_len(self.partitions.len());
        for partition in &self.partitions {
            to.put_option(partition.number, |to, number| to.put_u64(number.into()));
            partition.watermark.save(to);
            to.put_bool(partition.ended);
            to.put_i64(partition.heard_ms);
        }
        to.put_len(self.current);
        to.put_option(self.at_ms, Writer::put_i64);
        to.put_option(self.greatest_ms, Writer::put_i64);
        to.put_i64(self.waited_ms);
    }

    /// Restores what [`Progress::save`] saved. How much disorder is allowed for, and when a
    /// partition is quiet, stays as it is here.
    ///
    /// # Errors
    /// When it is no such state; nothing has then changed.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let mut partitions: Vec<Partition> = Vec::new();
        // Each has three flags and a time.
        for _ in 0..from.take_count(11)? {
            let number = from.take_option(Reader::take_u64)?.map(u32::try_from).transpose();
            let number = number
                .map_err(|_| StateError::Invalid("a partition number of more than 32 bits"))?;
            let watermark = Watermark::load(self.out_of_order, from)?;
            let (ended, heard_ms) = (from.take_bool()?, from.take_i64()?);
            partitions.push(Partition { number, watermark, ended, heard_ms });
        }
        let current = from.take_place(partitions.len())?;
        let at_ms = from.take_option(Reader::take_i64)?;
        let greatest_ms = from.take_option(load_ms)?;
        let waited_ms = from.take_i64()?;
        let mut numbers: Vec<Option<u32>> = partitions.iter().map(|it| it.number).collect();
        numbers.sort_unstable();
        // The watermark follows records, and then the clock.
        let latest_ms = greatest_ms.map(|ms| ms.saturating_add(waited_ms));
        let holds = (0..=MAX_MS).contains(&waited_ms)
            && partitions.iter().all(|it| (0..=waited_ms).contains(&it.heard_ms))
            && numbers.array_windows().all(|[one, next]| one != next)
            && at_ms <= latest_ms;
        if !holds {
            return Err(StateError::Invalid("partitions that contradict each other"));
        }
        *self = Progress { partitions, current, at_ms, greatest_ms, waited_ms, ..*self };
        Ok(())
    }

    /// Works the watermark out anew; it never goes back.
    fn advance(&mut self) {
        let counting = self.partitions.iter().filter(|it| self.counts(it));
        // None is less than any watermark: who had no record holds all others back.
        let marks = counting.map(|it| it.watermark.at_ms());
        let at_ms = marks.min().unwrap_or_else(|| self.quiet_mark_ms());
        self.at_ms = self.at_ms.max(at_ms);
    }

    /// The watermark of a stream in which no partition counts: the greatest, and where one is quiet
    /// it goes on as time does.
    fn quiet_mark_ms(&self) -> Option<i64> {
        let greatest_ms = self.partitions.iter().filter_map(|it| it.watermark.at_ms()).max()?;
        let open = self.partitions.iter().filter(|it| !it.ended);
        let quiet_ms = open.map(|it| self.quiet_ms(it)).min()?;
        Some(greatest_ms.saturating_add(quiet_ms))
    }

    fn counts(&self, partition: &Partition) -> bool {
        let quiet = self.idle_ms.is_some_and(|idle_ms| self.quiet_ms(partition) >= idle_ms);
        !partition.ended && !quiet
    }

    fn quiet_ms(&self, partition: &Partition) -> i64 {
        self.waited_ms.saturating_sub(partition.heard_ms)
    }

    fn place(&self, number: u32) -> Option<usize> {
        self.partitions.iter().position(|it| it.number == Some(number))
    }
}

impl Partition {
    fn new(number: Option<u32>, out_of_order: Duration, heard_ms: i64) -> Partition {
        Partition { number, watermark: Watermark::new(out_of_order), ended: false, heard_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn duration(ms: i64) -> Duration {
        Duration::from_ms(ms).unwrap()
    }

    fn progress() -> Progress {
        Progress::new(duration(0))
    }

    #[test]
    fn the_least_of_all_partitions_holds() {
        let mut progress = progress();
        progress.begin(&[0, 1, 2]);
        progress.turn_to(0);
        assert_eq!(progress.observe(100), None);
        progress.turn_to(1);
        assert_eq!(progress.observe(50), None);
        // An empty partition holds nothing up once it has ended.
        progress.end(2);
        assert_eq!(progress.at_ms(), Some(49));
        assert_eq!(progress.observe(300), Some(99));
        progress.turn_to(0);
        assert_eq!(progress.observe(200), Some(199));
        progress.end(0);
        assert_eq!(progress.at_ms(), Some(299));
        // It never goes back, whatever comes.
        progress.turn_to(2);
        assert_eq!(progress.observe(7), Some(299));
    }

    #[test]
    fn a_partition_that_has_ended_and_speaks_again_counts_again() {
        let mut progress = progress();
        progress.begin(&[0, 1]);
        progress.turn_to(0);
        assert_eq!(progress.observe(0), None);
        progress.end(0);
        progress.end(1);
        progress.turn_to(0);
        assert_eq!(progress.observe(0), Some(-1));
    }

    #[test]
    fn what_is_known_of_a_partition_outlives_a_new_start() {
        let mut progress = progress();
        progress.begin(&[0, 1]);
        for (number, time_ms) in [(0, 10), (1, 20)] {
            progress.turn_to(number);
            progress.observe(time_ms);
        }
        assert_eq!(progress.at_ms(), Some(9));
        // A member of a group gives up a partition, and gets another.
        progress.begin(&[1, 2]);
        progress.turn_to(2);
        assert_eq!(progress.observe(30), Some(19));
        // A stream that does not tell them apart goes on from there.
        progress.begin(&[]);
        assert_eq!(progress.observe(15), Some(19));
        assert_eq!(progress.observe(50), Some(49));
    }

    #[test]
    fn partitions_that_nobody_listed_count_from_their_first_record() {
        let mut progress = progress();
        progress.turn_to(4);
        assert_eq!(progress.observe(10), Some(9));
        progress.turn_to(5);
        assert_eq!(progress.observe(5), Some(9));
        progress.turn_to(4);
        assert_eq!(progress.observe(90), Some(9));
        progress.end(5);
        assert_eq!(progress.at_ms(), Some(89));
    }

    #[test]
    fn a_quiet_stream_goes_on_as_time_does() {
        let mut progress = progress().idling(Some(duration(1_000)));
        assert_eq!(progress.patience(0), Some(duration(1_000)));
        progress.wait(duration(1_000));
        // Without a record there is nothing to go on from.
        assert_eq!((progress.at_ms(), progress.patience(i64::MAX)), (None, None));
        assert_eq!(progress.observe(10_000), Some(9_999));
        progress.wait(duration(400));
        assert_eq!((progress.at_ms(), progress.patience(0)), (Some(9_999), Some(duration(600))));
        progress.wait(duration(600));
        assert_eq!(progress.at_ms(), Some(10_999));
        // The next time is that of the next watermark that is waited for, but not too soon.
        assert_eq!(progress.patience(14_999), Some(duration(4_000)));
        assert_eq!(progress.patience(11_000), Some(duration(100)));
        progress.wait(duration(4_000));
        assert_eq!(progress.at_ms(), Some(14_999));
        // A record ends the quiet; what was told stands.
        assert_eq!(progress.observe(12_000), Some(14_999));
        assert_eq!(progress.patience(0), Some(duration(1_000)));
        progress.wait(duration(1_000));
        assert_eq!(progress.at_ms(), Some(14_999));
    }

    #[test]
    fn a_quiet_partition_does_not_count_until_it_speaks() {
        let mut progress = progress().idling(Some(duration(100)));
        progress.begin(&[0, 1, 2]);
        progress.turn_to(0);
        assert_eq!(progress.observe(1_000), None);
        progress.wait(duration(60));
        progress.turn_to(1);
        assert_eq!(progress.observe(500), None);
        assert_eq!(progress.patience(0), Some(duration(40)));
        progress.wait(duration(60));
        // Only partition 1 still counts.
        assert_eq!(progress.at_ms(), Some(499));
        progress.turn_to(0);
        progress.observe(800);
        progress.turn_to(1);
        assert_eq!(progress.observe(2_000), Some(999));
        progress.wait(duration(100));
        // All are quiet: the greatest goes on.
        assert_eq!(progress.at_ms(), Some(2_099));
    }

    proptest! {
        /// Against a model that keeps all that happened; without a clock.
        #[test]
        fn agrees_with_a_plain_model(steps in proptest::collection::vec((0_u32..4, 0_i64..100, 0_u8..12), 0..60)) {
            let mut progress = progress();
            progress.begin(&[0, 1, 2, 3]);
            let mut greatest: [Option<i64>; 4] = [None; 4];
            let mut ended = [false; 4];
            let mut at_ms = None;
            for (number, time_ms, what) in steps {
                let place = number as usize;
                if what == 0 {
                    progress.end(number);
                    ended[place] = true;
                } else {
                    progress.turn_to(number);
                    progress.observe(time_ms);
                    (greatest[place], ended[place]) = (greatest[place].max(Some(time_ms)), false);
                }
                let open = (0..4).filter(|at| !ended[*at]).map(|at| greatest[at]).min();
                at_ms = at_ms.max(open.flatten().map(|greatest| greatest - 1));
                prop_assert_eq!(progress.at_ms(), at_ms);
            }
        }
    }
}
