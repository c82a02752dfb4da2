//! Windows of every kind against a plain model: it keeps all records, and works out every result
//! anew from those of its window.

use std::collections::BTreeSet;

use millstream::aggregate::{AggregateSpec, Aggregator, Emit, GroupSpec, Plan, Policy};
use millstream::record::control::{Mark, Windowing};
use millstream::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use millstream::time::timestamp::write_ms;
use millstream::time::{Duration, Interval, Shift};
use millstream::window::{Carried, Frame, Length, Placed, Placing, Progress, Tumbling, Windows};
use proptest::prelude::*;

/// A record: its event time in milliseconds, its group, and a number of quarters.
type Record = (i64, u8, i32);

#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    expanded: bool,
    out_of_order_ms: i64,
    lateness_ms: i64,
    emit: Emit,
    every_ms: Option<i64>,
    records: Vec<Record>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Tumbling { size: i64, offset: i64 },
    Hop { slide: i64, size: i64, offset: i64 },
    Cumulate { step: i64, size: i64, offset: i64 },
    Session { gap: i64 },
    Count { size: u64 },
}

const AGGREGATES: [&str; 6] =
    ["count", "sum(.x)", "first(.x)", "last(.x)", "arg_max(.n; .x)", "collect(.n)"];

fn ms(ms: i64) -> Duration {
    Duration::from_ms(ms).unwrap()
}

fn length(length: i64) -> Length {
    Length::Time(ms(length))
}

fn at(offset: i64) -> Frame {
    Frame::from(Shift::from_ms(offset))
}

impl Kind {
    fn windows(self) -> Windows {
        match self {
            Kind::Tumbling { size, offset } => Windows::tumbling(length(size), at(offset)),
            Kind::Hop { slide, size, offset } => {
                Windows::hop(length(slide), length(size), at(offset))
            }
            Kind::Cumulate { step, size, offset } => {
                Windows::cumulate(length(step), length(size), at(offset))
            }
            Kind::Session { gap } => Windows::session(ms(gap)),
            Kind::Count { size } => Windows::count(size),
        }
        .unwrap()
    }

    /// All windows that hold a time, by trying every millisecond as a start.
    fn of_time(self, time: i64) -> BTreeSet<Interval> {
        let starts = |offset: i64, every: i64, size: i64| {
            (time - size + 1..=time).filter(move |start| (start - offset).rem_euclid(every) == 0)
        };
        let window = |start_ms, end_ms| Interval { start_ms, end_ms };
        match self {
            Kind::Tumbling { size, offset } => {
                starts(offset, size, size).map(|start| window(start, start + size)).collect()
            }
            Kind::Hop { slide, size, offset } => {
                starts(offset, slide, size).map(|start| window(start, start + size)).collect()
            }
            Kind::Cumulate { step, size, offset } => starts(offset, size, size)
                .flat_map(|start| (1..=size / step).map(move |n| window(start, start + n * step)))
                .filter(|window| time < window.end_ms)
                .collect(),
            Kind::Session { gap } => BTreeSet::from([window(time, time + gap)]),
            Kind::Count { .. } => BTreeSet::new(),
        }
    }
}

/// What the library makes of the records: what `window` and `aggregate` do in a pipe.
fn given(case: &Case) -> (Vec<String>, usize) {
    let windows = case.kind.windows();
    let aggregates = AGGREGATES.map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    let plan = Plan::new(vec![GroupSpec::parse(".k").unwrap()], aggregates.to_vec()).unwrap();
    let policy = Policy { emit: case.emit, every_ms: case.every_ms, ..Policy::default() };
    let mut aggregator = Aggregator::new(plan).emitting(policy);
    let windowing = Windowing {
        allowed_lateness_ms: case.lateness_ms,
        expanded: case.expanded,
        every_ms: case.every_ms.unwrap_or(0),
        ..Windowing::from(windows.kind())
    };
    aggregator.begin_windows(&windowing).unwrap();
    let every = case.every_ms.map(|every| Tumbling::new(ms(every), Shift::from_ms(0)).unwrap());
    let mut placing = Placing::new(windows.clone(), Progress::new(ms(case.out_of_order_ms)))
        .lenient(ms(case.lateness_ms))
        .telling_every(every);
    let (mut out, mut late) = (Vec::new(), 0);
    for (number, record) in case.records.iter().enumerate() {
        let (pieces, names, mark) = match windows.carried(case.expanded) {
            Carried::Nothing => (Vec::new(), WINDOW_FIELDS, None),
            carried => match placing.place(record.0).unwrap() {
                Placed::Late { .. } => {
                    late += 1;
                    continue;
                }
                Placed::In { slice, closed_ms, passed_ms, .. } if carried == Carried::Window => {
                    let all = windows.of_slice(slice).filter(|one| one.end_ms > closed_ms);
                    (all.collect(), WINDOW_FIELDS, passed_ms)
                }
                Placed::In { slice, passed_ms, .. } => (vec![slice], SLICE_FIELDS, passed_ms),
            },
        };
        let bare = bare(*record, number);
        if pieces.is_empty() {
            aggregator.record(format!("{{{bare}}}").as_bytes(), &mut out).unwrap();
        }
        for piece in pieces {
            let mut fields = Vec::new();
            piece.write_fields_as(names, &mut fields).unwrap();
            let line = format!("{{{bare},{}}}", String::from_utf8(fields).unwrap());
            late += usize::from(!aggregator.record(line.as_bytes(), &mut out).unwrap());
        }
        if let Some(mark) = mark {
            aggregator.watermark(Mark::Ms(mark), &mut out).unwrap();
        }
    }
    aggregator.watermark(Mark::End, &mut out).unwrap();
    let held = aggregator.held();
    assert_eq!(held.windows, 0, "all windows are closed");
    if !matches!(case.kind, Kind::Count { .. }) {
        assert_eq!(held.groups, 0, "and nothing is held for them");
    }
    let lines = String::from_utf8(out).unwrap();
    (lines.lines().map(str::to_owned).collect(), late)
}

fn bare((_, key, quarters): Record, number: usize) -> String {
    format!("\"k\":\"k{key}\",\"n\":{number},\"x\":{}", f64::from(quarters) / 4.0)
}

/// A window of the model, or a session of a group: its records are told by their numbers.
#[derive(Clone, Debug)]
struct Open {
    interval: Interval,
    /// None for windows of all groups.
    group: Option<u8>,
    records: Vec<usize>,
    changed: BTreeSet<u8>,
    /// Whether its results at its end are out, or its end had passed when it began.
    ended: bool,
}

struct Model<'a> {
    case: &'a Case,
    open: Vec<Open>,
    greatest: Option<i64>,
    rows: Vec<String>,
    late: usize,
}

impl Model<'_> {
    fn mark(&self) -> Option<i64> {
        self.greatest.map(|greatest| greatest - self.case.out_of_order_ms - 1)
    }

    fn ends(&self, interval: Interval) -> bool {
        self.mark().is_some_and(|mark| interval.end_ms - 1 <= mark)
    }

    fn closed(&self, interval: Interval) -> bool {
        self.mark().is_some_and(|mark| interval.end_ms - 1 + self.case.lateness_ms <= mark)
    }

    fn take(&mut self, number: usize) {
        let (time, group, _) = self.case.records[number];
        let is_session = matches!(self.case.kind, Kind::Session { .. });
        let mut taken = Vec::new();
        for window in self.case.kind.of_time(time) {
            let mut open = Open {
                interval: window,
                group: is_session.then_some(group),
                records: vec![number],
                changed: BTreeSet::from([group]),
                ended: false,
            };
            // Sessions of the group that overlap or touch are one; a window is there already.
            let same = |other: &Open| match is_session {
                true => {
                    other.group == Some(group)
                        && other.interval.start_ms <= window.end_ms
                        && window.start_ms <= other.interval.end_ms
                }
                false => other.interval == window,
            };
            let (met, apart) = self.open.drain(..).partition::<Vec<Open>, _>(same);
            self.open = apart;
            for other in &met {
                open.interval.start_ms = open.interval.start_ms.min(other.interval.start_ms);
                open.interval.end_ms = open.interval.end_ms.max(other.interval.end_ms);
                open.records.extend(&other.records);
                open.changed.extend(&other.changed);
            }
            if self.closed(open.interval) {
                assert!(met.is_empty());
                continue;
            }
            open.records.sort_unstable();
            open.ended = match met.first() {
                Some(window) if !is_session => window.ended,
                _ => self.ends(open.interval),
            };
            taken.push(open);
        }
        self.late += usize::from(taken.is_empty());
        for mut open in taken {
            if self.case.emit != Emit::Final && self.case.every_ms.is_none() {
                self.refine(&mut open);
            }
            self.open.push(open);
        }
        let before = self.mark();
        if self.greatest.is_none_or(|greatest| greatest < time) {
            self.greatest = Some(time);
        }
        let tick = self.case.every_ms.zip(before).zip(self.mark()).is_some_and(
            |((every, before), now)| (before + 2..=now + 1).any(|ms| ms.rem_euclid(every) == 0),
        );
        self.advance(tick);
    }

    fn advance(&mut self, tick: bool) {
        let mut all = std::mem::take(&mut self.open);
        all.sort_by_key(|open| (open.interval, open.records[0]));
        for mut open in all {
            let (ends, closed) = (self.ends(open.interval), self.closed(open.interval));
            if self.case.emit == Emit::Final {
                if closed {
                    self.write(&open, None, None);
                }
            } else if ends && !open.ended {
                open.ended = true;
                open.changed.clear();
                self.write(&open, Some("on_time"), None);
            } else if !open.changed.is_empty() && (tick || closed) {
                self.refine(&mut open);
            }
            if !closed {
                self.open.push(open);
            }
        }
    }

    fn refine(&mut self, open: &mut Open) {
        let pane = if self.ends(open.interval) { "late" } else { "early" };
        let changed = std::mem::take(&mut open.changed);
        self.write(open, Some(pane), Some(&changed).filter(|_| self.case.emit == Emit::Updates));
    }

    /// A row for each group, in the order in which they came first.
    fn write(&mut self, open: &Open, pane: Option<&str>, only: Option<&BTreeSet<u8>>) {
        let time = |ms| {
            let mut text = Vec::new();
            write_ms(ms, &mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let (start, end) = (time(open.interval.start_ms), time(open.interval.end_ms));
        let head = format!("\"window_start\":\"{start}\",\"window_end\":\"{end}\"");
        let mut seen = BTreeSet::new();
        for number in &open.records {
            let group = self.case.records[*number].1;
            if seen.insert(group) && only.is_none_or(|only| only.contains(&group)) {
                let ours = |number: &&usize| self.case.records[**number].1 == group;
                let ours: Vec<usize> = open.records.iter().filter(ours).copied().collect();
                self.rows.push(row(self.case, &head, pane, group, &ours));
            }
        }
    }
}

fn row(case: &Case, head: &str, pane: Option<&str>, group: u8, numbers: &[usize]) -> String {
    let quarters = |number: &usize| case.records[*number].2;
    let x = |quarters: i32| format!("{}", f64::from(quarters) / 4.0);
    let best = numbers.iter().rev().max_by_key(|number| quarters(number)).unwrap();
    let list: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let pane = pane.map_or(String::new(), |pane| format!(",\"pane\":\"{pane}\""));
    format!(
        "{{{head}{pane},\"k\":\"k{group}\",\"count\":{},\"sum_x\":{},\"first_x\":{},\"last_x\":{},\
         \"arg_max_n\":{best},\"collect_n\":[{}]}}",
        numbers.len(),
        x(numbers.iter().map(quarters).sum()),
        x(quarters(&numbers[0])),
        x(quarters(numbers.last().unwrap())),
        list.join(",")
    )
}

/// What the model makes of the records; and how many are late.
fn expected(case: &Case) -> (Vec<String>, usize) {
    if let Kind::Count { size } = case.kind {
        return (expected_counts(case, size as usize), 0);
    }
    let (open, rows) = (Vec::new(), Vec::new());
    let mut model = Model { case, open, greatest: None, rows, late: 0 };
    (0..case.records.len()).for_each(|number| model.take(number));
    model.greatest = Some(i64::MAX / 2);
    model.advance(true);
    (model.rows, model.late)
}

fn expected_counts(case: &Case, size: usize) -> Vec<String> {
    let (mut rows, mut groups) = (Vec::new(), Vec::<(u8, Vec<usize>)>::new());
    let marked = |pane| Some(pane).filter(|_| case.emit != Emit::Final);
    let write = |group: u8, all: &[usize], pane| {
        let window = (all.len() - 1) / size;
        let head = format!("\"window\":{window}");
        row(case, &head, marked(pane), group, &all[window * size..])
    };
    for (number, (_, group, _)) in case.records.iter().enumerate() {
        if !groups.iter().any(|(other, _)| other == group) {
            groups.push((*group, Vec::new()));
        }
        let (_, all) = groups.iter_mut().find(|(other, _)| other == group).unwrap();
        all.push(number);
        if all.len() % size == 0 {
            rows.push(write(*group, all, "on_time"));
        } else if case.emit != Emit::Final {
            rows.push(write(*group, all, "early"));
        }
    }
    for (group, all) in groups.iter().filter(|(_, all)| all.len() % size > 0) {
        rows.push(write(*group, all, "on_time"));
    }
    rows
}

fn kinds() -> impl Strategy<Value = Kind> {
    let offset = -20_i64..20;
    prop_oneof![
        (1_i64..12, offset.clone()).prop_map(|(size, offset)| Kind::Tumbling { size, offset }),
        (1_i64..8, 1_i64..5, 0_i64..8, offset.clone()).prop_map(|(slide, times, more, offset)| {
            Kind::Hop { slide, size: slide * times + more, offset }
        }),
        // Many slices a window, so that they are merged in chunks.
        (1_i64..3, 9_i64..40, offset.clone()).prop_map(|(slide, times, offset)| Kind::Hop {
            slide,
            size: slide * times,
            offset
        }),
        (1_i64..6, 1_i64..8, offset).prop_map(|(step, times, offset)| Kind::Cumulate {
            step,
            size: step * times,
            offset
        }),
        (1_i64..12).prop_map(|gap| Kind::Session { gap }),
        (1_u64..5).prop_map(|size| Kind::Count { size }),
    ]
}

/// Times that go on with disorder, ties, and gaps now and then.
fn streams() -> impl Strategy<Value = Vec<Record>> {
    let step = prop_oneof![4 => -3_i64..6, 1 => -40_i64..0, 1 => 0_i64..60, 1 => Just(0)];
    let one = (step, 0_u8..3, -8_i32..8);
    proptest::collection::vec(one, 0..60).prop_map(|steps| {
        let mut time = -30;
        let mut greatest = time;
        steps
            .into_iter()
            .map(|(step, group, quarters)| {
                time = greatest + step;
                greatest = greatest.max(time);
                (time, group, quarters)
            })
            .collect()
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let lateness = prop_oneof![Just(0), 0_i64..30];
    let emit = prop_oneof![Just(Emit::Final), Just(Emit::Updates), Just(Emit::All)];
    let every = prop_oneof![Just(None), (1_i64..10).prop_map(Some)];
    (kinds(), any::<bool>(), 0_i64..8, lateness, emit, every, streams()).prop_map(
        |(kind, expanded, out_of_order_ms, lateness_ms, emit, every_ms, records)| {
            let timeless = matches!(kind, Kind::Count { .. });
            let every_ms = every_ms.filter(|_| emit != Emit::Final && !timeless);
            Case { kind, expanded, out_of_order_ms, lateness_ms, emit, every_ms, records }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn results_are_those_of_the_plain_model(case in cases()) {
        let ((rows, late), (expected, expected_late)) = (given(&case), expected(&case));
        prop_assert_eq!(rows.join("\n"), expected.join("\n"));
        prop_assert_eq!(late, expected_late);
    }
}
