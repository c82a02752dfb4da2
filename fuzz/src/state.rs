//! Saved states of any bytes: they are refused, or what they restore can be worked with.

use millstream::aggregate::{
    AggregateSpec, Aggregator, Emit, Extent, GroupSpec, Over, Plan, Policy, Selection,
};
use millstream::expr::Program;
use millstream::operator::clock::{Clock, Form};
use millstream::operator::filter::{Filter, Keeping, Unique};
use millstream::operator::trust::Trust;
use millstream::operator::unique::{Memory, Seen};
use millstream::operator::{self, Fused, InputId, Operator, Window};
use millstream::record::control::{Mark, Windowing};
use millstream::record::decode::Raw;
use millstream::state::{Reader, Writer, open};
use millstream::time::{Ambiguous, Duration, LocalClock};
use millstream::window::{Frame, Length, Placing, Progress, Windows};

/// One of each way to keep the values of a group.
const AGGREGATES: [&str; 15] = [
    "count",
    "sum(.x)",
    "min(.x)",
    "last_by(.x; .y)",
    "first(.x)",
    "stddev(.x)",
    "p99(.x)",
    "median_exact(.x)",
    "distinct(.x)",
    "distinct_exact(.x)",
    "top(2; .x)",
    "collect(.x)",
    "n=count where .y > 1",
    "s=sum(.y) where .y > 1",
    "l=last(.)",
];

/// How many kinds of states there are.
pub const KINDS: u8 = 16;

/// What a state is loaded into, and what works with it.
enum Job {
    Window(Placing),
    Aggregate(Box<Aggregator>, Option<Windows>),
    Over(Box<Over>, bool),
    Unique(Box<Seen>),
    Operator(Box<dyn Operator>),
}

fn plan_with(time: Option<&str>) -> Plan {
    let aggregates = AGGREGATES.iter().map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    Plan::with_time(vec![GroupSpec::parse(".k").unwrap()], aggregates.collect(), time).unwrap()
}

fn plan() -> Plan {
    plan_with(None)
}

/// Keeps some records, each key once.
fn filter() -> Filter {
    let keeping = Keeping {
        invert: false,
        print: true,
        speaks: true,
        others_speak: true,
        count: true,
        kept_max: Some(40),
    };
    let program = Program::compile(&["true", ".x", ".t"]).unwrap();
    let unique = Unique::new(Seen::new(Memory::Within(30)), Some(None));
    Filter::new(program, Trust { always: false, heeds: true }, keeping).with_unique(Some(unique))
}

/// Windows of records and their aggregates, in one.
fn fused(windows: Windows) -> impl Operator {
    let mut aggregator = Aggregator::new(plan_with(Some(".t")));
    let windowing = Windowing { allowed_lateness_ms: 10, ..Windowing::from(windows.kind()) };
    aggregator.begin_windows(&windowing).unwrap();
    let progress = Progress::new(duration(5)).idling(Some(duration(50)));
    let placing = Placing::new(windows, progress).lenient(duration(10));
    let local = LocalClock::new("Europe/Berlin".parse().unwrap(), Ambiguous::Nearest);
    let time = aggregator.time_expression().map(|at| (Form::known(None, Some(local), false), at));
    Fused::new(Window::new(placing, time, windowing), aggregator)
}

fn over() -> impl Operator {
    let extent = Extent::Time(duration(20));
    let over = Over::new(plan(), extent, duration(10), Selection::default()).unwrap();
    let program = Program::compile(&[".t"]).unwrap();
    operator::Over::new(over, Some(Clock::new(program, Form::known(None, None, false), "")))
}

fn duration(ms: i64) -> Duration {
    Duration::from_ms(ms).unwrap()
}

impl Job {
    fn new(kind: u8) -> Job {
        let time = |ms| Length::Time(duration(ms));
        let hop = || Windows::hop(time(10), time(40), Frame::default()).unwrap();
        let (windows, emit) = match kind % KINDS {
            0 => {
                let progress = Progress::new(duration(5)).idling(Some(duration(50)));
                return Job::Window(Placing::new(hop(), progress).lenient(duration(10)));
            }
            kind @ (1 | 2) => {
                let extent =
                    if kind == 1 { Extent::Records(3) } else { Extent::Time(duration(20)) };
                let over = Over::new(plan(), extent, duration(10), Selection::default()).unwrap();
                return Job::Over(Box::new(over), kind == 2);
            }
            3 => (None, Emit::Final),
            4 => (Some(Windows::tumbling(time(20), Frame::default()).unwrap()), Emit::Final),
            5 => (Some(hop()), Emit::Updates),
            6 => (Some(hop()), Emit::Final),
            7 => (
                Some(Windows::cumulate(time(10), time(40), Frame::default()).unwrap()),
                Emit::Final,
            ),
            8 => (Some(Windows::session(duration(8)).unwrap()), Emit::Updates),
            9 => (Some(Windows::count(3).unwrap()), Emit::Final),
            10 => return Job::Unique(Box::new(Seen::new(Memory::All))),
            11 => return Job::Unique(Box::new(Seen::new(Memory::Within(30)))),
            12 => return Job::Unique(Box::new(Seen::new(Memory::Last(3)))),
            13 => return Job::Operator(Box::new(filter())),
            14 => return Job::Operator(Box::new(fused(hop()))),
            _ => return Job::Operator(Box::new(over())),
        };
        let mut aggregator = Aggregator::new(plan()).emitting(Policy { emit, ..Policy::default() });
        if let Some(windows) = &windows {
            aggregator.begin_windows(&Windowing::from(windows.kind())).unwrap();
        }
        Job::Aggregate(Box::new(aggregator), windows)
    }

    /// Takes records at these times, and goes on to the end. Those that are at fault do not matter:
    /// what was restored may hold the greatest of all values.
    fn work(&mut self, times_ms: std::ops::Range<i64>) {
        let mut out = Vec::new();
        for time_ms in times_ms.step_by(7) {
            let (k, x, y) = (time_ms % 3, time_ms % 11, time_ms % 4);
            let line = format!("{{\"t\":{time_ms},\"k\":{k},\"x\":{x}.5,\"y\":{y}}}");
            let record = line.as_bytes();
            match self {
                Job::Window(placing) => {
                    placing.turn_to((time_ms % 2) as u32);
                    let _ = (placing.place(time_ms), placing.wait(duration(3)));
                    let _ = placing.patience();
                }
                Job::Operator(operator) => {
                    let line = u64::try_from(time_ms).unwrap_or_default();
                    let raw = Raw { bytes: record, line, unterminated: false };
                    let _ = operator.record(InputId(0), raw, &mut out);
                    let waited = std::time::Duration::from_micros(1_500);
                    let _ = operator.patience().map(|_| operator.waited(waited, &mut out));
                }
                Job::Unique(seen) => _ = seen.passes(&[time_ms as u8 % 5], time_ms),
                Job::Over(over, timed) => {
                    let _ = match timed {
                        true => over.record_at(time_ms, record, &mut out).map(drop),
                        false => over.record(record, &mut out),
                    };
                }
                Job::Aggregate(aggregator, windows) => {
                    let piece = windows.as_ref().and_then(|windows| windows.slice(time_ms));
                    if let Ok((mut record, state)) = aggregator.load(record) {
                        let _ = state.take_in(piece, &mut record, &mut out);
                    }
                    let _ = aggregator.watermark(Mark::Ms(time_ms - 20), &mut out);
                }
            }
            out.clear();
        }
    }

    fn end(&mut self) {
        let mut out = Vec::new();
        match self {
            Job::Window(placing) => drop(placing.end(0)),
            Job::Unique(_) => {}
            Job::Over(over, _) => drop(over.finish(&mut out)),
            Job::Operator(operator) => drop(operator.end(&mut out)),
            Job::Aggregate(aggregator, _) => {
                let _ = aggregator.watermark(Mark::End, &mut out);
                let _ = aggregator.finish(&mut out);
            }
        }
    }

    fn save(&self, to: &mut Writer) {
        match self {
            Job::Window(placing) => placing.save(to),
            Job::Unique(seen) => seen.save(to),
            Job::Over(over, _) => over.save(to),
            Job::Operator(operator) => operator.snapshot(&Vec::new(), to),
            Job::Aggregate(aggregator, _) => aggregator.save(to),
        }
    }

    fn load(&mut self, from: &mut Reader<'_>) -> bool {
        let loaded = match self {
            Job::Window(placing) => placing.restore(from),
            Job::Unique(seen) => seen.restore(from),
            Job::Over(over, _) => over.restore(from),
            Job::Operator(operator) => operator.restore(from),
            Job::Aggregate(aggregator, _) => aggregator.restore(from),
        };
        loaded.is_ok()
    }
}

/// A byte that chooses what the rest is the state of.
pub fn state(input: &[u8]) {
    let Some((kind, state)) = input.split_first() else { return };
    let _ = open("aggregate", state, |from| from.take_bytes().map(drop));
    let mut job = Job::new(*kind);
    if job.load(&mut Reader::new(state)) {
        // What it is now can be restored, too.
        let mut saved = Writer::new();
        job.save(&mut saved);
        assert!(Job::new(*kind).load(&mut Reader::new(saved.as_bytes())));
        job.work(0..400);
        job.end();
    }
}

/// Whether a state, after the byte that chooses its kind, can be restored.
pub fn loads(input: &[u8]) -> bool {
    input.split_first().is_some_and(|(kind, state)| Job::new(*kind).load(&mut Reader::new(state)))
}

/// A state of this kind as it is saved in the middle of a stream, to begin with.
pub fn sample(kind: u8) -> Vec<u8> {
    let mut job = Job::new(kind);
    job.work(0..150);
    let mut saved = Writer::new();
    saved.put_u8(kind);
    job.save(&mut saved);
    saved.into_bytes()
}
