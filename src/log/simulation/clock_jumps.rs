//! A clock that jumps ahead or back: append times go on, retention takes no more than the clock
//! told it to while it was wrong, and keeps nothing for ever once it is right.

use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Simulated};
use crate::api::reading::Span;
use crate::log::clock::now_us;
use crate::log::clock::test::shift_us;
use crate::log::recover::verify::verify_topic;
use crate::log::storage::Storage;
use crate::log::{Bounds, Fsync, Log, Settings, Topic};
use crate::time::duration::Duration;

const TEN_YEARS_US: i64 = 10 * 365 * 86_400 * 1_000_000;
const SECOND_US: i64 = 1_000_000;
/// How long the topics of these tests keep records.
const KEPT_US: i64 = 100 * SECOND_US;

/// A log of one topic, whose clock is right again at the end, however the test ends.
struct Clocked {
    disk: Simulated,
    _log: Log,
    topic: Arc<Topic>,
}

impl Drop for Clocked {
    fn drop(&mut self) {
        shift_us(0);
    }
}

impl Clocked {
    /// Every batch fills a segment, and is kept for [`KEPT_US`].
    fn new() -> Clocked {
        let retention_ms = Some(KEPT_US as u64 / 1000);
        Clocked::with(Settings { segment_bytes: 1, retention_ms, ..Settings::new(1, None) })
    }

    fn with(settings: Settings) -> Clocked {
        let disk = Simulated::new(BrokenPromise::None);
        let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
        let topic = log.create("t", &settings).unwrap();
        // What may be due from before; from here on it is known when something is.
        topic.run_due().unwrap();
        Clocked { disk, _log: log, topic }
    }

    fn append(&self) {
        let batch = self.topic.prepare(b"1\n".to_vec(), None).unwrap();
        self.topic.append(vec![batch]).remove(0).unwrap();
    }

    fn bounds(&self) -> (u64, u64) {
        let Bounds { start, end, .. } = self.topic.reader().bounds().unwrap()[0];
        (start, end)
    }

    fn segments(&self) -> usize {
        let names = self.disk.list(Path::new("/topics/t/0")).unwrap();
        names.iter().filter(|name| name.ends_with(".ndjson")).count()
    }

    /// The append times of all batches; they must rise, and each be found again.
    fn times(&self) -> Vec<i64> {
        let reader = self.topic.reader();
        let from = self.bounds().0;
        let mut cursor = reader.cursor(vec![Span { partition: 0, from, until: None }]).unwrap();
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        while let Some(chunk) = cursor.next(1, &mut bytes).unwrap() {
            times.extend(chunk.batches.iter().map(|batch| batch.time_us));
        }
        assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
        for (offset, time_us) in (from..).zip(&times) {
            assert_eq!(reader.offset_at(0, *time_us).unwrap(), offset);
            assert_eq!(reader.offset_at(0, time_us + 1).unwrap(), offset + 1);
        }
        times
    }
}

#[test]
fn what_was_appended_while_the_clock_was_ahead_pins_nothing() {
    let log = Clocked::new();
    log.append();
    shift_us(TEN_YEARS_US);
    log.append();
    shift_us(0);
    let back_us = now_us();
    log.append();
    log.append();
    let times = log.times();
    assert!(times[0] < back_us && times[1] > back_us + TEN_YEARS_US / 2);
    // What was appended since then is found from then on, though more with it.
    assert_eq!(log.topic.reader().offset_at(0, back_us).unwrap(), 1);
    log.topic.run_due().unwrap();
    assert_eq!(log.bounds(), (0, 4));
    assert!(log.topic.due_us().unwrap() <= back_us + KEPT_US);
    log.topic.run_due_at(now_us() + KEPT_US).unwrap();
    assert_eq!(log.bounds(), (3, 4), "all that is closed is old enough");
    let places = [crate::log::segment::Place::new("t", Path::new("/topics/t"), 0)];
    let verified = verify_topic(&log.disk, Path::new("/topics/t"), &places).unwrap();
    assert!(!verified.is_damaged(), "{verified:?}");
}

#[test]
fn a_clock_that_is_ahead_for_a_moment_takes_closed_segments_at_most() {
    let log = Clocked::new();
    for _ in 0..3 {
        log.append();
    }
    shift_us(TEN_YEARS_US);
    log.topic.run_due().unwrap();
    assert_eq!(log.bounds(), (2, 3), "ten years old, as far as anybody can tell");
    shift_us(0);
    log.append();
    log.topic.run_due().unwrap();
    assert_eq!(log.bounds(), (2, 4));
    log.times();
}

#[test]
fn a_clock_that_is_set_back_takes_nothing_before_its_time() {
    let log = Clocked::new();
    log.append();
    shift_us(-TEN_YEARS_US);
    log.append();
    log.append();
    log.topic.run_due().unwrap();
    assert_eq!(log.bounds(), (0, 3));
    assert!(log.topic.due_us().unwrap() <= now_us() + KEPT_US, "nor ten years too late");
    shift_us(0);
    log.append();
    log.topic.run_due().unwrap();
    assert_eq!(log.bounds(), (0, 4));
    log.times();
    log.topic.run_due_at(now_us() + KEPT_US).unwrap();
    assert_eq!(log.bounds(), (3, 4));
}

#[test]
fn a_segment_begun_while_the_clock_was_ahead_is_closed_for_its_age() {
    let log = Clocked::with(Settings { segment_ms: Some(1_000), ..Settings::new(1, None) });
    shift_us(TEN_YEARS_US);
    log.append();
    shift_us(0);
    log.append();
    let due_us = log.topic.due_us().unwrap();
    assert!(due_us <= now_us() + SECOND_US);
    log.topic.run_due_at(due_us - 1).unwrap();
    assert_eq!(log.segments(), 1);
    log.topic.run_due_at(due_us).unwrap();
    assert_eq!(log.segments(), 2);
    log.append();
    log.times();
}

#[test]
fn records_are_forced_to_the_disk_in_time_though_the_clock_is_set_back() {
    let within = Fsync::Within(Duration::from_ms(1_000).unwrap());
    let log = Clocked::with(Settings { fsync: within, ..Settings::new(1, None) });
    log.append();
    shift_us(-TEN_YEARS_US);
    log.append();
    let due_us = log.topic.due_us().unwrap();
    assert!(due_us <= now_us() + SECOND_US);
    log.topic.run_due_at(due_us).unwrap();
    assert_eq!(log.topic.due_us(), None);
    log.times();
}
