use super::super::{Frame, Length};
use super::*;
use crate::time::Shift;
use crate::time::watermark::closes;
use proptest::prelude::*;

fn duration(ms: i64) -> Duration {
    Duration::from_ms(ms).unwrap()
}

fn progress(out_of_order_ms: i64) -> Progress {
    Progress::new(duration(out_of_order_ms))
}

fn length(ms: i64) -> Length {
    Length::Time(duration(ms))
}

fn placing(size_ms: i64, out_of_order_ms: i64) -> Placing {
    let windows = Windows::tumbling(length(size_ms), Frame::default()).unwrap();
    Placing::new(windows, progress(out_of_order_ms))
}

/// What is said of a record, without what is closed of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Within(i64, i64, Option<i64>),
    Late(i64),
    NoWindow(i64),
    Ahead,
}

fn said(placing: &mut Placing, time_ms: i64) -> Said {
    match placing.place(time_ms) {
        Ok(Placed::In { slice, passed_ms, .. }) => {
            Said::Within(slice.start_ms, slice.end_ms, passed_ms)
        }
        Ok(Placed::Late { behind }) => Said::Late(behind.ms()),
        Err(Misplaced::NoWindow(NoWindow { time_ms })) => Said::NoWindow(time_ms),
        Err(Misplaced::Ahead(_)) => Said::Ahead,
    }
}

#[test]
fn a_window_closes_when_the_watermark_reaches_its_last_millisecond() {
    let mut placing = placing(10, 5);
    // At −20 the watermark is −12: the last millisecond of the first window, −11, is still open.
    for (time_ms, expected) in [
        (-11, Said::Within(-20, -10, Some(-17))),
        (-6, Said::Within(-10, 0, None)),
        (-20, Said::Within(-20, -10, None)),
        (-5, Said::Within(-10, 0, Some(-11))),
        (-11, Said::Late(6)),
        (-10, Said::Within(-10, 0, None)),
        (25, Said::Within(20, 30, Some(19))),
        (19, Said::Late(6)),
        (20, Said::Within(20, 30, None)),
    ] {
        assert_eq!(said(&mut placing, time_ms), expected, "{time_ms}");
    }
}

#[test]
fn a_record_without_a_window_leaves_no_trace() {
    let mut placing = placing(1_000, 0);
    assert_eq!(said(&mut placing, MAX_MS), Said::NoWindow(MAX_MS));
    assert_eq!(said(&mut placing, 0), Said::Within(0, 1_000, Some(-1)));
    let text = NoWindow { time_ms: MAX_MS }.to_string();
    let expected = "the window of 9999-12-31T23:59:59.999Z reaches beyond the years 0000 to 9999";
    assert_eq!(text, expected);
    let hop = Windows::hop(length(1), length(10), Frame::default()).unwrap();
    let mut placing = Placing::new(hop, progress(0));
    assert_eq!(said(&mut placing, MIN_MS + 8), Said::NoWindow(MIN_MS + 8));
    assert_eq!(
        said(&mut placing, MIN_MS + 9),
        Said::Within(MIN_MS + 9, MIN_MS + 10, Some(MIN_MS + 8))
    );
}

#[test]
fn a_record_too_far_ahead_leaves_no_trace() {
    let mut placing = placing(10, 0).guarded(Some(duration(100)));
    // Nothing is known before the first.
    assert_eq!(said(&mut placing, 1_000), Said::Within(1_000, 1_010, Some(999)));
    assert_eq!(said(&mut placing, 1_101), Said::Ahead);
    assert_eq!(said(&mut placing, 1_100), Said::Within(1_100, 1_110, Some(1_099)));
    assert_eq!(said(&mut placing, 1_200), Said::Within(1_200, 1_210, Some(1_199)));
    // A quiet stream goes on as the clock does.
    let windows = Windows::tumbling(length(10), Frame::default()).unwrap();
    let progress = progress(0).idling(Some(duration(50)));
    let mut placing = Placing::new(windows, progress).guarded(Some(duration(100)));
    assert_eq!(said(&mut placing, 0), Said::Within(0, 10, Some(-1)));
    assert_eq!(said(&mut placing, 500), Said::Ahead);
    placing.wait(duration(450));
    assert_eq!(said(&mut placing, 500), Said::Within(500, 510, Some(499)));
}

#[test]
fn a_session_is_never_late_here_and_every_move_is_told() {
    let windows = Windows::session(duration(10)).unwrap();
    let mut placing = Placing::new(windows, progress(0));
    assert_eq!(said(&mut placing, 100), Said::Within(100, 110, Some(99)));
    assert_eq!(said(&mut placing, 0), Said::Within(0, 10, None));
    assert_eq!(said(&mut placing, 100), Said::Within(100, 110, None));
    assert_eq!(said(&mut placing, 101), Said::Within(101, 111, Some(100)));
}

#[test]
fn what_moves_the_watermark_beside_records_is_told() {
    let windows = Windows::tumbling(length(10), Frame::default()).unwrap();
    let progress = progress(0).idling(Some(duration(1_000)));
    let mut placing = Placing::new(windows, progress);
    assert_eq!(placing.begin(&[0, 1]), None);
    placing.turn_to(0);
    assert_eq!(said(&mut placing, 25), Said::Within(20, 30, None));
    // The other partition may still bring anything.
    placing.turn_to(1);
    assert_eq!(said(&mut placing, -5), Said::Within(-10, 0, Some(-6)));
    assert_eq!(placing.end(1), Some(24));
    assert_eq!(said(&mut placing, 19), Said::Late(6));
    assert_eq!(placing.patience(), Some(duration(1_000)));
    assert_eq!(placing.wait(duration(999)), None);
    assert_eq!(placing.wait(duration(1)), Some(1_024));
    placing.turn_to(0);
    assert_eq!(said(&mut placing, 1_019), Said::Late(6));
}

fn some_windows() -> impl Strategy<Value = Windows> {
    let offset = || (-30_i64..30).prop_map(|ms| Frame::from(Shift::from_ms(ms)));
    prop_oneof![
        (1_i64..40, offset())
            .prop_map(|(size, offset)| Windows::tumbling(length(size), offset).unwrap()),
        (1_i64..20, 0_i64..30, offset()).prop_map(|(slide, more, offset)| {
            Windows::hop(length(slide), length(slide + more), offset).unwrap()
        }),
        (1_i64..10, 1_i64..6, offset()).prop_map(|(step, times, offset)| {
            Windows::cumulate(length(step), length(step * times), offset).unwrap()
        }),
    ]
}

/// What moves a watermark, one way or the other.
fn moved(placing: &mut Placing, what: u8, number: u32, ms: i64) -> String {
    match what {
        0 => format!("{:?}", placing.begin(&[0, 2, number][..ms.rem_euclid(4).min(3) as usize])),
        1 | 2 => {
            placing.turn_to(number);
            String::new()
        }
        3 => format!("{:?}", placing.end(number)),
        4 => format!("{:?}", placing.wait(duration(ms.abs()))),
        _ => format!("{:?} {:?}", placing.place(ms), placing.patience()),
    }
}

proptest! {
    #[test]
    fn what_is_restored_continues_as_if_nothing_had_been(
        steps in proptest::collection::vec((0..12_u8, 3..6_u32, -200..200_i64), 0..50),
        windows in some_windows(), idle in any::<bool>(),
    ) {
        let new = || {
            let progress = progress(20).idling(idle.then(|| duration(90)));
            Placing::new(windows.clone(), progress).lenient(duration(15)).guarded(Some(duration(300)))
        };
        let (mut plain, mut restored) = (new(), new());
        for (what, number, ms) in steps {
            let expected = moved(&mut plain, what, number, ms);
            prop_assert_eq!(moved(&mut restored, what, number, ms), expected);
            let mut saved = Writer::new();
            restored.save(&mut saved);
            restored = new();
            let mut from = Reader::new(saved.as_bytes());
            prop_assert_eq!(restored.restore(&mut from).and_then(|()| from.end()), Ok(()));
        }
    }

    #[test]
    fn nothing_panics_on_damaged_states(
        steps in proptest::collection::vec((0..12_u8, 3..6_u32, -200..200_i64), 0..20),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut placing = placing(10, 5);
        steps.iter().for_each(|(what, number, ms)| drop(moved(&mut placing, *what, *number, *ms)));
        let mut saved = Writer::new();
        placing.save(&mut saved);
        let mut bytes = saved.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if placing.restore(&mut Reader::new(&bytes)).is_ok() {
            steps.iter().for_each(|(what, number, ms)| drop(moved(&mut placing, *what, *number, *ms)));
        }
    }

    /// Against a plain model that keeps all times and works everything out anew each time.
    #[test]
    fn agrees_with_a_plain_model(times in proptest::collection::vec(-200_i64..200, 0..60),
                                 windows in some_windows(), out_of_order_ms in 0_i64..40,
                                 lateness_ms in prop_oneof![Just(0), 1_i64..40],
                                 every_ms in prop_oneof![Just(None), (1_i64..40).prop_map(Some)]) {
        let every = every_ms
            .map(|every_ms| Tumbling::new(duration(every_ms), Shift::default()).unwrap());
        let mut placing = Placing::new(windows.clone(), progress(out_of_order_ms))
            .lenient(duration(lateness_ms))
            .telling_every(every);
        // All ends of windows that there are, by trying each time.
        let mut ends: Vec<i64> = (-600..600)
            .flat_map(|at| windows.of_slice(windows.slice(at).unwrap()).collect::<Vec<_>>())
            .map(|window| window.end_ms)
            .collect();
        ends.sort_unstable();
        ends.dedup();
        let told: Vec<i64> = (-500..500).filter(|at| {
            ends.binary_search(at).is_ok()
                || ends.binary_search(&(at - lateness_ms)).is_ok()
                || every_ms.is_some_and(|every_ms| at % every_ms == 0)
        }).collect();
        let mut taken: Vec<i64> = Vec::new();
        for time_ms in times {
            let mark = |taken: &[i64]| taken.iter().max().map(|max| max - out_of_order_ms - 1);
            let passed = |mark: Option<i64>| mark.map(|mark| {
                told.iter().filter(|end_ms| closes(mark, **end_ms)).count()
            });
            let before = mark(&taken);
            let slice = windows.slice(time_ms).unwrap();
            let open = |window: &Interval| {
                before.is_none_or(|mark| window.end_ms - 1 + lateness_ms > mark)
            };
            let open: Vec<Interval> = windows.of_slice(slice).filter(open).collect();
            match placing.place(time_ms).unwrap() {
                Placed::Late { behind } => {
                    prop_assert!(open.is_empty());
                    prop_assert_eq!(behind.ms(), taken.iter().max().unwrap() - time_ms);
                }
                Placed::In { slice: put, closed_ms, passed_ms, missed } => {
                    prop_assert_eq!(put, slice);
                    let some_closed = open.len() < windows.of_slice(slice).count();
                    let behind_ms = || taken.iter().max().unwrap() - time_ms;
                    prop_assert_eq!(missed.map(Duration::ms), some_closed.then(behind_ms));
                    let left = windows.of_slice(slice).filter(|it| it.end_ms > closed_ms);
                    prop_assert_eq!(left.collect::<Vec<_>>(), open.clone());
                    prop_assert!(!open.is_empty());
                    taken.push(time_ms);
                    let after = mark(&taken);
                    let tells = passed(before) != passed(after);
                    prop_assert_eq!(passed_ms, after.filter(|_| tells));
                }
            }
        }
    }
}
