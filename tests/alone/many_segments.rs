//! Topics of very many segments: reading them costs in proportion to how many there are.

use std::fs;
use std::path::Path;

use crate::alone;
use millstream::api::reading::Span;
use millstream::log::{Fsync, Log, Settings, open_readers};

/// A topic `t` of so many segments, with a record each.
fn make(dir: &Path, segments: u64) {
    let log = Log::open(dir).unwrap();
    let mut settings = Settings::new(1, None);
    settings.segment_bytes = 1;
    settings.fsync = Fsync::Never;
    let topic = log.create("t", &settings).unwrap();
    for number in 0..segments {
        let batch = topic.prepare(format!("{number}\n").into_bytes(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }
    log.close().unwrap();
}

/// How long this thread has been on a processor, in ns.
fn on_cpu_ns() -> u64 {
    let figures = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    figures.split(' ').next().unwrap().parse().unwrap()
}

/// What reading all of it costs: the least of a few times, which nobody disturbed.
fn cost_ns(dir: &Path, segments: u64) -> u64 {
    let read = || {
        let before = on_cpu_ns();
        let (reader, _) = open_readers(dir, &["t".to_owned()]).unwrap().remove(0);
        let mut cursor = reader.cursor(vec![Span { partition: 0, from: 0, until: None }]).unwrap();
        let (mut bytes, mut lines) = (Vec::new(), 0);
        while cursor.next(1 << 20, &mut bytes).unwrap().is_some() {
            lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
        assert_eq!(lines, segments);
        on_cpu_ns() - before
    };
    (0..5).map(|_| read()).min().unwrap()
}

#[test]
fn four_times_the_segments_cost_four_times_as_much() {
    let _alone = alone();
    let [few, many] = [500, 2_000].map(|segments| {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        make(dir.path(), segments);
        cost_ns(dir.path(), segments)
    });
    // Sixteen times, if each segment were looked for among all.
    assert!(many < few * 9, "{few} ns, then {many} ns");
}
