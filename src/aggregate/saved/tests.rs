//! What is restored at any moment of a stream continues as what was saved; what is damaged is
//! refused, or harmless.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::aggregate::functions::merging::aggregates;
use crate::aggregate::{Aggregator, Emit, GroupSpec, Plan, Policy};
use crate::record::control::{Mark, Windowing};
use crate::state::{Reader, StateError, Writer, open, seal};
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::time::{Duration, Interval, Shift};
use crate::window::{Carried, Cells, Frame, Length, Placed, Placing, Progress, Tumbling, Windows};

/// How a stream is windowed, and which results come.
#[derive(Clone, Debug)]
struct Setup {
    windows: Option<Windows>,
    expanded: bool,
    lateness_ms: i64,
    out_of_order_ms: i64,
    policy: Policy,
}

/// What comes, one after the other.
#[derive(Clone, Debug)]
enum Event {
    Record {
        time_ms: i64,
        fields: String,
    },
    /// The stream ends, and another begins.
    Next,
}

fn duration(ms: i64) -> Duration {
    Duration::from_ms(ms).unwrap()
}

/// `window` and `aggregate`.
struct Job {
    setup: Setup,
    placing: Option<Placing>,
    aggregator: Aggregator,
}

impl Job {
    fn new(setup: &Setup) -> Job {
        let timed =
            setup.windows.is_some() && !matches!(setup.windows, Some(Windows::Count { .. }));
        let mut aggregates = aggregates();
        aggregates.retain(|aggregate| timed || !aggregate.function.needs_window);
        let plan = Plan::new(vec![GroupSpec::parse(".k").unwrap()], aggregates).unwrap();
        let aggregator = Aggregator::new(plan).emitting(setup.policy);
        let placing = setup.windows.clone().filter(|_| timed).map(|windows| {
            let every =
                setup.policy.every_ms.map(|ms| Tumbling::new(duration(ms), Shift::default()));
            Placing::new(windows, Progress::new(duration(setup.out_of_order_ms)))
                .lenient(duration(setup.lateness_ms))
                .telling_every(every.transpose().unwrap())
        });
        Job { setup: setup.clone(), placing, aggregator }
    }

    /// The stream says how it is windowed.
    fn begin(&mut self) {
        if let Some(windows) = &self.setup.windows {
            let windowing = Windowing {
                allowed_lateness_ms: self.setup.lateness_ms,
                expanded: self.setup.expanded,
                every_ms: self.setup.policy.every_ms.unwrap_or(0),
                ..Windowing::from(windows.kind())
            };
            self.aggregator.begin_windows(&windowing).unwrap();
        }
    }

    /// Takes what comes, and appends the results, and who is late.
    fn take(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Next => {
                self.end(out);
                let fresh = Job::new(&self.setup);
                self.placing = fresh.placing;
                if self.setup.windows.is_none() {
                    self.aggregator = fresh.aggregator;
                }
                self.begin();
            }
            Event::Record { time_ms, fields } => self.record(*time_ms, fields, out),
        }
    }

    fn record(&mut self, time_ms: i64, fields: &str, out: &mut Vec<u8>) {
        let Some(placing) = &mut self.placing else {
            self.aggregator.record(format!("{{{fields}}}").as_bytes(), out).unwrap();
            return;
        };
        let Placed::In { slice, closed_ms, passed_ms, .. } = placing.place(time_ms).unwrap() else {
            return out.extend_from_slice(b"late\n");
        };
        let windows = placing.windows();
        let (names, pieces): (_, Vec<Interval>) = match windows.carried(self.setup.expanded) {
            Carried::Window => {
                let open = windows.of_slice(slice).filter(|window| window.end_ms > closed_ms);
                (WINDOW_FIELDS, open.collect())
            }
            _ => (SLICE_FIELDS, vec![slice]),
        };
        for piece in pieces {
            let mut line = b"{".to_vec();
            piece.write_fields_as(names, &mut line).unwrap();
            line.extend_from_slice(format!(",{fields}}}").as_bytes());
            if !self.aggregator.record(&line, out).unwrap() {
                out.extend_from_slice(b"closed\n");
            }
        }
        if let Some(ms) = passed_ms {
            self.aggregator.watermark(Mark::Ms(ms), out).unwrap();
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.setup.windows.is_some() {
            self.aggregator.watermark(Mark::End, out).unwrap();
        }
        self.aggregator.finish(out).unwrap();
    }

    fn save(&self, to: &mut Writer) {
        to.put_option(self.placing.as_ref(), |to, placing| placing.save(to));
        self.aggregator.save(to);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let saved = from.take_bool()?;
        if let (true, Some(placing)) = (saved, &mut self.placing) {
            placing.restore(from)?;
        }
        self.aggregator.restore(from)
    }

    /// Continues where another one is.
    fn restore(&mut self, other: &Job) {
        let bytes = seal("job", |to| other.save(to));
        open("job", &bytes, |from| self.load(from)).unwrap();
    }
}

fn some_setup() -> impl Strategy<Value = Setup> {
    let time = |ms| Length::Time(duration(ms));
    let hop = move |slide, size| Windows::hop(time(slide), time(size), Frame::default()).unwrap();
    let windows = prop_oneof![
        Just(None),
        Just(Some(Windows::tumbling(time(20), Frame::default()).unwrap())),
        Just(Some(hop(10, 60))),
        Just(Some(hop(7, 30))),
        Just(Some(Windows::cumulate(time(10), time(40), Frame::default()).unwrap())),
        Just(Some(Windows::session(duration(8)).unwrap())),
        Just(Some(Windows::count(3).unwrap())),
    ];
    let emit = prop_oneof![Just(Emit::Final), Just(Emit::Updates), Just(Emit::All)];
    let rest = (any::<bool>(), 0..30_i64, 0..30_i64, emit, any::<bool>(), any::<bool>());
    (windows, rest).prop_map(
        |(windows, (expanded, lateness_ms, out_of_order_ms, emit, every, timed))| {
            let has_time = !matches!(windows, None | Some(Windows::Count { .. }));
            let overlap = matches!(windows, Some(Windows::Hop(_) | Windows::Cumulate(_)));
            let every_ms = (every && has_time && emit != Emit::Final).then_some(5);
            let policy = Policy { emit, every_ms, timed: timed && has_time, ..Policy::default() };
            Setup { windows, expanded: expanded && overlap, lateness_ms, out_of_order_ms, policy }
        },
    )
}

fn some_events() -> impl Strategy<Value = Vec<Event>> {
    let number = prop_oneof![
        8 => (-500..500_i32).prop_map(|tenths| format!("{}", f64::from(tenths) / 10.0)),
        4 => (-5..40_i32).prop_map(|whole| whole.to_string()),
        1 => any::<i64>().prop_map(|whole| whole.to_string()),
        1 => any::<i128>().prop_map(|whole| whole.to_string()),
        1 => Just("1e305".to_owned()),
        1 => Just("-2.5e-310".to_owned()),
        2 => Just("null".to_owned()),
    ];
    let record = (0..14_i64, -40..1_i64, 0..4_u8, number, 0..5_u8, 0..30_u8);
    proptest::collection::vec(record, 0..80).prop_map(|records| {
        let mut now_ms = 0;
        let event = |(step_ms, back_ms, key, x, y, next)| {
            if next == 0 {
                return Event::Next;
            }
            now_ms += step_ms;
            let fields = format!("\"k\":\"k{key}\",\"x\":{x},\"y\":{y}");
            Event::Record { time_ms: now_ms + back_ms, fields }
        };
        records.into_iter().map(event).collect()
    })
}

fn text(out: &[u8]) -> Vec<&str> {
    str::from_utf8(out).unwrap().lines().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// All functions, all kinds of windows: one job runs on, and two others continue each other
    /// after each record. One of them first says how the stream is windowed behind that.
    #[test]
    fn what_is_restored_continues_as_if_nothing_had_been(
        setup in some_setup(), events in some_events(),
    ) {
        let (mut plain, mut other, mut restored) =
            (Job::new(&setup), Job::new(&setup), Job::new(&setup));
        plain.begin();
        restored.begin();
        let (mut expected, mut given) = (Vec::new(), Vec::new());
        for event in &events {
            plain.take(event, &mut expected);
            restored.take(event, &mut given);
            other.restore(&restored);
            other.begin();
            std::mem::swap(&mut other, &mut restored);
            prop_assert_eq!(text(&given), text(&expected));
        }
        plain.end(&mut expected);
        restored.end(&mut given);
        prop_assert_eq!(text(&given), text(&expected));
    }

    /// A state that is none is refused, or taken for another one; it can be worked with then.
    #[test]
    fn nothing_panics_on_damaged_states(
        setup in some_setup(), events in some_events(),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4), cut in any::<Index>(),
        shorter in any::<bool>(),
    ) {
        let mut job = Job::new(&setup);
        job.begin();
        events.iter().for_each(|event| job.take(event, &mut Vec::new()));
        let mut saved = Writer::new();
        job.save(&mut saved);
        let mut bytes = saved.into_bytes();
        if shorter {
            bytes.truncate(cut.index(bytes.len()));
        }
        let whole = !bytes.is_empty();
for (at, byte) in damage.iter().filter(|_| whole) {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        let mut damaged = Job::new(&setup);
        damaged.begin();
        let mut from = Reader::new(&bytes);
        if damaged.load(&mut from).and_then(|()| from.end()).is_ok() {
            let records = events.iter().filter(|event| matches!(event, Event::Record { .. }));
            for event in records {
                damaged.try_take(event);
            }
            let _ = damaged.aggregator.watermark(Mark::End, &mut Vec::new());
            let _ = damaged.aggregator.finish(&mut Vec::new());
        }
    }
}

impl Job {
    /// Takes a record, whatever comes of it.
    fn try_take(&mut self, event: &Event) {
        let Event::Record { time_ms, fields } = event else { return };
        let mut line = b"{".to_vec();
        if let Some(placing) = &mut self.placing {
            let Ok(Placed::In { slice, passed_ms, .. }) = placing.place(*time_ms) else { return };
            let names = match placing.windows().carried(self.setup.expanded) {
                Carried::Window => WINDOW_FIELDS,
                _ => SLICE_FIELDS,
            };
            slice.write_fields_as(names, &mut line).unwrap();
            line.push(b',');
            if let Some(ms) = passed_ms {
                let _ = self.aggregator.watermark(Mark::Ms(ms), &mut Vec::new());
            }
        }
        line.extend_from_slice(format!("{fields}}}").as_bytes());
        let _ = self.aggregator.record(&line, &mut Vec::new());
    }
}

fn tumbling(size_ms: i64) -> Setup {
    let size = Length::Time(duration(size_ms));
    let windows = Windows::Tumbling(Cells::new("window", size, &Frame::default()).unwrap());
    Setup {
        windows: Some(windows),
        expanded: false,
        lateness_ms: 0,
        out_of_order_ms: 0,
        policy: Policy::default(),
    }
}

#[test]
fn the_state_of_another_aggregation_is_refused() {
    let with = |group: &str, aggregate: &str, policy| {
        let aggregates = vec![crate::aggregate::AggregateSpec::parse(aggregate).unwrap().unwrap()];
        let plan = Plan::new(vec![GroupSpec::parse(group).unwrap()], aggregates).unwrap();
        Aggregator::new(plan).emitting(policy)
    };
    let of = |group: &str, aggregate: &str| with(group, aggregate, Policy::default());
    let mut saved = Writer::new();
    of(".k", "p99(.x)").save(&mut saved);
    let load = |mut other: Aggregator| {
        other.restore(&mut Reader::new(saved.as_bytes())).map_err(|error| error.to_string())
    };
    let why = "the state was saved with other groups, aggregates or emitted results";
    assert_eq!(load(of(".k", "name=p99(.x)")), Ok(()));
    for (group, aggregate) in [
        (".l", "p99(.x)"),
        (".k", "p99(.y)"),
        (".k", "p50(.x)"),
        (".k", "p99_exact(.x)"),
        (".k", "n=p99(.x) where .y"),
    ] {
        assert_eq!(load(of(group, aggregate)), Err(why.to_owned()), "{group} {aggregate}");
    }
    let updates = Policy { emit: Emit::Updates, ..Policy::default() };
    assert_eq!(load(with(".k", "p99(.x)", updates)), Err(why.to_owned()));
    assert_eq!(load(of("m=.k", "p99(.x)")), Ok(()));
}

#[test]
fn the_state_of_other_windows_is_refused() {
    let hop = |slide, size| {
        let time = |ms| Length::Time(duration(ms));
        Setup {
            windows: Some(Windows::hop(time(slide), time(size), Frame::default()).unwrap()),
            ..tumbling(20)
        }
    };
    let mut job = Job::new(&hop(10, 20));
    job.begin();
    let mut saved = Writer::new();
    job.aggregator.save(&mut saved);
    let load = |setup: &Setup| {
        let mut other = Job::new(setup);
        other.begin();
        other.aggregator.restore(&mut Reader::new(saved.as_bytes()))
    };
    assert_eq!(load(&hop(10, 20)), Ok(()));
    for other in [hop(10, 30), tumbling(10)] {
        assert_eq!(load(&other), Err(StateError::Changed("windows")));
    }
}

#[test]
fn a_stream_that_had_not_begun_may_begin_before_it_is_restored() {
    let mut saved = Writer::new();
    Job::new(&tumbling(20)).aggregator.save(&mut saved);
    let mut job = Job::new(&tumbling(20));
    job.begin();
    job.aggregator.restore(&mut Reader::new(saved.as_bytes())).unwrap();
    let mut out = Vec::new();
    job.record(5, "\"k\":1,\"x\":2,\"y\":3", &mut out);
    job.end(&mut out);
    assert_eq!(text(&out).len(), 1);
}
