//! Windows of every kind against a plain model: it keeps all records, and works out every result
//! anew from those of its window.

use std::collections::{BTreeSet, VecDeque};

use millstream::aggregate::{AggregateSpec, Aggregator, Emit, Filling, GroupSpec, Plan, Policy};
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
    fill: Option<Fill>,
    records: Vec<Record>,
}

/// Which results are added: of groups for so long after their last window with a record, and of
/// these groups always.
#[derive(Clone, Debug)]
struct Fill {
    lasts_ms: Option<i64>,
    always: Vec<u8>,
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

    /// The window that ends at a time, if there is one.
    fn ending(self, end_ms: i64) -> Option<Interval> {
        self.of_time(end_ms - 1).into_iter().find(|window| window.end_ms == end_ms)
    }
}

/// What the library makes of the records: what `window` and `aggregate` do in a pipe.
fn given(case: &Case) -> (Vec<String>, usize) {
    let windows = case.kind.windows();
    let aggregates = AGGREGATES.map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    let plan = Plan::new(vec![GroupSpec::parse(".k").unwrap()], aggregates.to_vec()).unwrap();
    let policy = Policy { emit: case.emit, every_ms: case.every_ms, ..Policy::default() };
    let filling = case.fill.as_ref().map(|fill| Filling {
        lasts_ms: fill.lasts_ms,
        always: fill.always.iter().map(|key| format!("\"k{key}\"").into_bytes()).collect(),
        rows_max: usize::MAX,
    });
    let mut aggregator = Aggregator::new(plan).emitting(policy).filling(filling);
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
    /// Its groups in the order in which they came, those without records with them.
    groups: Vec<u8>,
    /// Whether its results at its end are out, or its end had passed when it began.
    ended: bool,
}

struct Model<'a> {
    case: &'a Case,
    open: Vec<Open>,
    greatest: Option<i64>,
    rows: Vec<String>,
    late: usize,
    /// Up to which time windows have had results, from the first one on.
    done_ms: Option<i64>,
    /// The groups that are added, and until which end of a window.
    known: Vec<(u8, i64)>,
    is_final: bool,
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
                groups: vec![group],
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
                open.groups = other.groups.clone();
                if !open.groups.contains(&group) {
                    open.groups.push(group);
                }
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
        all.sort_by_key(|open| (open.interval, open.records.first().copied()));
        let mut all = VecDeque::from(all);
        while let Some(mut open) = self.next(&mut all) {
            let (ends, closed) = (self.ends(open.interval), self.closed(open.interval));
            if self.case.emit == Emit::Final {
                if closed {
                    self.complete(&mut open);
                    self.write(&open, None, None);
                }
            } else if ends && !open.ended {
                open.ended = true;
                open.changed.clear();
                self.complete(&mut open);
                self.write(&open, Some("on_time"), None);
            } else if !open.changed.is_empty() && (tick || closed) {
                self.refine(&mut open);
            }
            if !closed && !open.groups.is_empty() {
                self.open.push(open);
            }
        }
        if !self.is_final {
            self.done_ms = self.done_ms.map(|done_ms| done_ms.max(self.bound_ms()));
        }
    }

    /// The greatest end of windows whose results at their end are due.
    fn bound_ms(&self) -> i64 {
        let lateness_ms = if self.case.emit == Emit::Final { self.case.lateness_ms } else { 0 };
        self.mark().map_or(i64::MIN, |mark| mark + 1 - lateness_ms)
    }

    /// The next window, which may be one without records.
    fn next(&self, all: &mut VecDeque<Open>) -> Option<Open> {
        let first_ms = all.front().map(|open| open.interval.end_ms);
        let limit_ms = match (first_ms, self.is_final) {
            (Some(first_ms), _) => self.bound_ms().min(first_ms - 1),
            (None, false) => self.bound_ms(),
            (None, true) => i64::MIN,
        };
        let until_ms = self.known.iter().map(|(_, until_ms)| *until_ms).max();
        let limit_ms = limit_ms.min(until_ms.unwrap_or(i64::MIN));
        let from_ms = self.done_ms.map_or(i64::MAX, |done_ms| done_ms + 1);
        let mut ends_ms = from_ms..=limit_ms;
        match ends_ms.find_map(|end_ms| self.case.kind.ending(end_ms)) {
            Some(interval) => Some(Open {
                interval,
                group: None,
                records: Vec::new(),
                changed: BTreeSet::new(),
                groups: Vec::new(),
                ended: false,
            }),
            None => all.pop_front(),
        }
    }

    /// A window ends: groups without records are added.
    fn complete(&mut self, open: &mut Open) {
        if self.case.fill.is_none() {
            return;
        }
        let end_ms = open.interval.end_ms;
        self.done_ms = self.done_ms.max(Some(end_ms));
        self.known.retain(|(_, until_ms)| *until_ms >= end_ms);
        open.groups.iter().for_each(|group| self.see(*group, end_ms));
        for (group, _) in &self.known {
            if !open.groups.contains(group) {
                open.groups.push(*group);
            }
        }
    }

    fn see(&mut self, group: u8, end_ms: i64) {
        let Some(lasts_ms) = self.case.fill.as_ref().and_then(|fill| fill.lasts_ms) else { return };
        match self.known.iter_mut().find(|(known, _)| *known == group) {
            Some((_, until_ms)) => *until_ms = (*until_ms).max(end_ms + lasts_ms),
            None => self.known.push((group, end_ms + lasts_ms)),
        }
    }

    fn refine(&mut self, open: &mut Open) {
        let pane = if self.ends(open.interval) { "late" } else { "early" };
        let changed = std::mem::take(&mut open.changed);
        if pane == "late" {
            let in_order = open.groups.iter().filter(|group| changed.contains(group));
            in_order.for_each(|group| self.see(*group, open.interval.end_ms));
        }
        self.write(open, Some(pane), Some(&changed).filter(|_| self.case.emit == Emit::Updates));
    }

    /// A row for each group, in the order in which they came first: where others are added, of the
    /// whole stream, as far as they are known.
    fn write(&mut self, open: &Open, pane: Option<&str>, only: Option<&BTreeSet<u8>>) {
        let time = |ms| {
            let mut text = Vec::new();
            write_ms(ms, &mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let (start, end) = (time(open.interval.start_ms), time(open.interval.end_ms));
        let head = format!("\"window_start\":\"{start}\",\"window_end\":\"{end}\"");
        let known = self.known.iter().map(|(group, _)| *group);
        let known = known.filter(|group| open.groups.contains(group) && only.is_none());
        let mut order: Vec<u8> = known.collect();
        if self.case.fill.is_some() {
            order.extend(open.groups.clone());
        } else {
            order.extend(open.records.iter().map(|number| self.case.records[*number].1));
        }
        let mut seen = BTreeSet::new();
        for group in order {
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
    let best = numbers.iter().rev().max_by_key(|number| quarters(number));
    let text = |of: Option<&usize>| of.map_or("null".to_owned(), |number| x(quarters(number)));
    let (first, last) = (text(numbers.first()), text(numbers.last()));
    let best = best.map_or("null".to_owned(), usize::to_string);
    let list: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let pane = pane.map_or(String::new(), |pane| format!(",\"pane\":\"{pane}\""));
    format!(
        "{{{head}{pane},\"k\":\"k{group}\",\"count\":{},\"sum_x\":{},\"first_x\":{},\"last_x\":{},\
         \"arg_max_n\":{best},\"collect_n\":[{}]}}",
        numbers.len(),
        x(numbers.iter().map(quarters).sum()),
        first,
        last,
        list.join(",")
    )
}

/// What the model makes of the records; and how many are late.
fn expected(case: &Case) -> (Vec<String>, usize) {
    if let Kind::Count { size } = case.kind {
        return (expected_counts(case, size as usize), 0);
    }
    let (open, rows) = (Vec::new(), Vec::new());
    let always = case.fill.iter().flat_map(|fill| &fill.always);
    let known = always.map(|group| (*group, i64::MAX)).collect();
    let (greatest, done_ms, is_final) = (None, None, false);
    let mut model = Model { case, open, greatest, rows, late: 0, done_ms, known, is_final };
    (0..case.records.len()).for_each(|number| model.take(number));
    (model.greatest, model.is_final) = (Some(i64::MAX / 2), true);
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

fn fills() -> impl Strategy<Value = Option<Fill>> {
    let lasts = prop_oneof![Just(None), (0_i64..50).prop_map(Some), Just(Some(1_000_000))];
    let always = prop_oneof![Just(vec![]), Just(vec![2, 7]), Just(vec![1])];
    let some = (lasts, always).prop_map(|(lasts_ms, always)| Some(Fill { lasts_ms, always }));
    prop_oneof![1 => Just(None), 2 => some]
}

fn cases() -> impl Strategy<Value = Case> {
    let lateness = prop_oneof![Just(0), 0_i64..30];
    let emit = prop_oneof![Just(Emit::Final), Just(Emit::Updates), Just(Emit::All)];
    let every = prop_oneof![Just(None), (1_i64..10).prop_map(Some)];
    let waits = (0_i64..8, lateness);
    (kinds(), any::<bool>(), waits, emit, every, fills(), streams()).prop_map(
        |(kind, expanded, (out_of_order_ms, lateness_ms), emit, every_ms, fill, records)| {
            let timeless = matches!(kind, Kind::Count { .. });
            let every_ms = every_ms.filter(|_| emit != Emit::Final && !timeless);
            let fill = fill.filter(|_| !timeless && !matches!(kind, Kind::Session { .. }));
            Case { kind, expanded, out_of_order_ms, lateness_ms, emit, every_ms, fill, records }
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
