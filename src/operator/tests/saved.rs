//! Saved after each record and restored in another operator, the rest of a stream gives what it
//! would have given; what is damaged is refused, or harmless.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Driver, Emitted, INPUT, KEEPING, TRUST, filter, map, ms, printing, run};
use crate::aggregate::{
    AggregateSpec, Aggregator, Emit, Extent, GroupSpec, Plan, Policy, Selection, Style,
};
use crate::expr::{Presence, Program};
use crate::operator::aggregate::Reread;
use crate::operator::clock::{Clock, Form};
use crate::operator::filter::{Keeping, Unique};
use crate::operator::fused::Downstream;
use crate::operator::late::{Late, Tally};
use crate::operator::splice::{Print, Splice};
use crate::operator::unique::{Memory, Seen};
use crate::operator::{Aggregate, Filter, Fused, Map, Operator, Over, Window};
use crate::record::control::Windowing;
use crate::record::decode::Decoder;
use crate::record::lines::LineDecoder;
use crate::state::{Reader, StateError, Writer, open, seal};
use crate::time::{Ambiguous, LocalClock, Shift};
use crate::window::{Frame, Length, Placing, Progress, Tumbling, Windows};

/// What comes, one after the other.
#[derive(Clone, Debug)]
enum Event {
    Line(String),
    /// Input was waited for so many microseconds.
    Wait(u64),
    /// All of one read has been taken.
    Batch,
    /// A file ends.
    File,
}

/// An operator that tells at the end what its tool tells.
trait Told: Operator {
    fn told(&mut self) -> String;
}

fn told_of(late: &Late) -> String {
    let tally = |Tally { count, reported, behind_max, mover_max }: &Tally| {
        let mover = mover_max.as_ref().map(|mover| (mover.time_ms, mover.place.clone()));
        format!("{count} {reported} {behind_max} {mover:?}")
    };
    format!("{}, {}", tally(late.dropped()), tally(late.missed()))
}

impl Told for Filter {
    fn told(&mut self) -> String {
        self.kept().to_string()
    }
}

impl Told for Map {
    fn told(&mut self) -> String {
        String::new()
    }
}

impl Told for Aggregate {
    fn told(&mut self) -> String {
        told_of(self.late())
    }
}

impl Told for Over {
    fn told(&mut self) -> String {
        format!("{} {:?}", told_of(self.late()), self.odd_times())
    }
}

impl<D: Downstream> Told for Fused<Window, D> {
    fn told(&mut self) -> String {
        let window = self.parts().0;
        let (odd, partitioned) = (window.odd_times(), window.is_partitioned());
        format!("{} {odd:?} {partitioned}", told_of(window.late()))
    }
}

/// A stream that an operator takes, and what comes of it.
struct Job<'a, O> {
    build: &'a dyn Fn(&Presence) -> O,
    operator: O,
    presence: Presence,
    emitted: Emitted,
    decoder: LineDecoder,
}

impl<'a, O: Told> Job<'a, O> {
    fn new(build: &'a dyn Fn(&Presence) -> O) -> Job<'a, O> {
        let presence = Presence::default();
        let operator = build(&presence);
        let (emitted, decoder) = (Emitted::default(), LineDecoder::new(1000));
        Job { build, operator, presence, emitted, decoder }
    }

    /// Takes what comes; false if no more is wanted.
    fn take(&mut self, event: &Event) -> bool {
        let Job { operator, emitted, decoder, .. } = self;
        let taken = match event {
            Event::Line(line) => {
                let mut driver = Driver { operator, emitted: std::mem::take(emitted) };
                let flow = decoder.decode(format!("{line}\n").as_bytes(), &mut driver);
                *emitted = driver.emitted;
                return flow.is_continue();
            }
            Event::Wait(_) if operator.patience().is_none() => Ok(()),
            Event::Wait(micros) => {
                operator.waited(std::time::Duration::from_micros(*micros), emitted)
            }
            Event::Batch => operator.end_of_batch(emitted),
            Event::File => {
                operator.file_end(INPUT);
                let ended = operator.end_of_batch(emitted);
                *decoder = LineDecoder::new(1000);
                emitted.files += 1;
                ended
            }
        };
        taken.unwrap_or_else(|fault| emitted.bad.push(fault.to_string()));
        true
    }

    fn saved(&self) -> Vec<u8> {
        let mut to = Writer::new();
        self.operator.snapshot(&self.emitted, &mut to);
        to.into_bytes()
    }

    /// Goes on with another operator, which has what this one saved.
    fn restart(&mut self) {
        let bytes = seal("job", |to| self.operator.snapshot(&self.emitted, to));
        self.presence = Presence::default();
        self.operator = (self.build)(&self.presence);
        open("job", &bytes, |from| self.operator.restore(from)).unwrap();
        assert_eq!(seal("job", |to| self.operator.snapshot(&self.emitted, to)).len(), bytes.len());
    }

    /// Ends the stream; all that came of it.
    fn end(mut self) -> (String, Emitted, String, Option<String>) {
        let undone = format!("{:?}", self.operator.undone());
        if let Err(fault) = self.operator.end(&mut self.emitted) {
            self.emitted.bad.push(fault.to_string());
        }
        self.operator.end_of_batch(&mut self.emitted).unwrap();
        (undone, self.emitted, self.operator.told(), self.presence.absent())
    }
}

/// One job runs on; another one is interrupted after each event.
fn check<O: Told>(events: &[Event], build: &dyn Fn(&Presence) -> O) -> Result<(), TestCaseError> {
    let (mut plain, mut other) = (Job::new(build), Job::new(build));
    for event in events {
        let wanted = plain.take(event);
        prop_assert_eq!(other.take(event), wanted);
        other.restart();
        if !wanted {
            break;
        }
    }
    prop_assert_eq!(other.end(), plain.end());
    Ok(())
}

/// Whatever a damaged state is taken for can be worked with, and saved again.
fn check_damaged<O: Told>(
    events: &[Event],
    damage: &[(Index, u8)],
    cut: Option<Index>,
    build: &dyn Fn(&Presence) -> O,
) -> Result<(), TestCaseError> {
    let (before, after) = events.split_at(events.len() / 2);
    let mut job = Job::new(build);
    before.iter().for_each(|event| _ = job.take(event));
    let mut bytes = job.saved();
    if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
        bytes.truncate(cut.index(bytes.len()));
    }
    let whole = !bytes.is_empty();
    for (at, byte) in damage.iter().filter(|_| whole) {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    let mut other = Job::new(build);
    let mut from = Reader::new(&bytes);
    if other.operator.restore(&mut from).and_then(|()| from.end()).is_ok() {
        let saved = other.saved();
        let again = Job::new(build).operator.restore(&mut Reader::new(&saved));
        prop_assert_eq!(again, Ok(()));
        after.iter().for_each(|event| _ = other.take(event));
        other.end();
    }
    Ok(())
}

/// How a stream is windowed and aggregated.
#[derive(Clone, Debug)]
struct Setup {
    kind: usize,
    lateness: i64,
    idle: bool,
    guarded: bool,
    local: bool,
    emit: Emit,
    every: bool,
    having: bool,
    top: bool,
    table: bool,
}

const KINDS: usize = 6;

fn setup() -> impl Strategy<Value = Setup> {
    let emit = prop_oneof![Just(Emit::Final), Just(Emit::Updates), Just(Emit::All)];
    let waits = (0..2_i64, any::<[bool; 3]>());
    (0..KINDS, waits, emit, any::<[bool; 4]>()).prop_map(
        |(kind, (lateness, [idle, guarded, local]), emit, [every, having, top, table])| Setup {
            kind,
            lateness: lateness * 5,
            idle,
            guarded,
            local,
            emit,
            every: every && emit != Emit::Final && kind != 5,
            having,
            top: top && emit != Emit::Updates && kind < 4,
            table,
        },
    )
}

impl Setup {
    fn windows(&self) -> Windows {
        let time = |length| Length::Time(ms(length));
        let frame = Frame::default;
        match self.kind {
            0 => Windows::tumbling(time(10), frame()).unwrap(),
            1 | 2 => Windows::hop(time(4), time(10), frame()).unwrap(),
            3 => Windows::cumulate(time(5), time(15), frame()).unwrap(),
            4 => Windows::session(ms(6)).unwrap(),
            _ => Windows::count(3).unwrap(),
        }
    }

    fn windowing(&self) -> Windowing {
        Windowing {
            allowed_lateness_ms: self.lateness,
            expanded: self.kind == 2,
            every_ms: if self.every { 7 } else { 0 },
            ..Windowing::from(self.windows().kind())
        }
    }

    fn has_time(&self) -> bool {
        self.kind != 5
    }

    fn time(&self) -> &'static str {
        if self.local { ".l" } else { ".t" }
    }

    fn form(&self) -> Form {
        let zone = "Europe/Berlin".parse().unwrap();
        let clock = self.local.then(|| LocalClock::new(zone, Ambiguous::Nearest));
        Form::known(None, clock, false)
    }

    /// The window, which reads times by this expression.
    fn window(&self, expression: Option<usize>) -> Window {
        let idle = self.idle.then(|| ms(20));
        let every = self.every.then(|| Tumbling::new(ms(7), Shift::default()).unwrap());
        let placing = Placing::new(self.windows(), Progress::new(ms(2)).idling(idle))
            .lenient(ms(self.lateness))
            .guarded(self.guarded.then(|| ms(1000)))
            .telling_every(every);
        let time = expression.filter(|_| self.has_time()).map(|at| (self.form(), at));
        Window::new(placing, time, self.windowing())
    }

    fn program(&self) -> Program {
        Program::compile(&[self.time()]).unwrap()
    }

    fn printing(&self) -> Fused<Window, Splice<Print>> {
        let first = self.window(Some(0));
        let carried = first.carried();
        Fused::new(first, Splice::new(self.program(), Some("…"), carried, Print { speaks: true }))
    }

    /// An aggregation that reads these times itself.
    fn aggregator(&self, time: Option<&str>, presence: &Presence) -> Aggregator {
        let plan = plan(&["count", "sum(.x)", "last=last(.t)", "p99(.x)"], time, presence);
        let mut selection = Selection::default();
        if self.having {
            selection.having(".count != 2").unwrap();
        }
        if self.top {
            selection.top("1:count", true, &["count"]).unwrap();
        }
        let style = if self.table { Style::Columns } else { Style::Records };
        let every_ms = self.every.then_some(7);
        Aggregator::new(plan).reporting(selection, style).emitting(Policy {
            emit: self.emit,
            every_ms,
            timed: false,
        })
    }

    fn fused(&self, presence: &Presence) -> Fused<Window, Aggregator> {
        let time = self.has_time().then(|| self.time());
        let mut second = self.aggregator(time, presence);
        second.begin_windows(&self.windowing()).unwrap();
        Fused::new(self.window(second.time_expression()), second)
    }

    fn reread(&self, presence: &Presence) -> Fused<Window, Splice<Reread>> {
        let mut aggregator = self.aggregator(None, presence);
        aggregator.begin_windows(&self.windowing()).unwrap();
        let (first, lines) = (self.window(Some(0)), Reread::new(aggregator));
        let carried = first.carried();
        Fused::new(first, Splice::new(self.program(), Some("…"), carried, lines))
    }
}

fn plan(aggregates: &[&str], time: Option<&str>, presence: &Presence) -> Plan {
    let group = GroupSpec::parse(".g").unwrap();
    let specs = aggregates.iter().map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    Plan::with_time(vec![group], specs.collect(), time).unwrap().watched(presence)
}

/// By time or by number; the time is read `within` all else, or apart.
fn over(timed: bool, within: bool, presence: &Presence) -> Over {
    let extent = if timed { Extent::Time(ms(20)) } else { Extent::Records(3) };
    let plan = plan(&["count", "sum(.x)", "max(.t)"], (timed && within).then_some(".t"), presence);
    let over = crate::aggregate::Over::new(plan, extent, ms(2), Selection::default()).unwrap();
    let form = Form::known(None, None, false);
    let clock = || Clock::new(Program::compile(&[".t"]).unwrap(), form, "…");
    Over::new(over.idling(Some(ms(20))), timed.then(clock))
}

fn unique(memory: Memory, keeping: Keeping, presence: &Presence) -> Filter {
    let mut program = Program::compile(&[".x != 2", ".g", ".t"]).unwrap();
    program.watch(presence);
    let time = matches!(memory, Memory::Within(_)).then_some(None);
    let unique = Unique::new(Seen::new(memory), time);
    Filter::new(program, TRUST, keeping).with_unique(Some(unique))
}

fn memory() -> impl Strategy<Value = Memory> {
    prop_oneof![Just(Memory::All), Just(Memory::Within(9)), Just(Memory::Last(2))]
}

/// Records whose times drift, bad lines, what streams say of themselves, waits, files.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0_i64..9, 0_u8..3, 0_u8..6, 0_u8..40, 0_u32..3);
    vec(event, 0..30).prop_map(|events| {
        let mut now = 1_000_000_i64;
        let event = |(ahead, g, x, odd, partition): (i64, u8, u8, u8, u32)| {
            let control = |what: String| Event::Line(format!("{{\"@millstream\":{{{what}}}}}"));
            Event::Line(match odd {
                0 => "{\"t\":".to_owned(),
                1 => "[1]".to_owned(),
                2 => format!("{{\"g\":{g},\"x\":{x}}}"),
                3 => format!("{{\"t\":{now},\"l\":1,\"g\":{g},\"x\":\"no\"}}"),
                4 => format!("{{\"t\":{},\"g\":{g},\"x\":{x}}}", now + 5000),
                5 => return control("\"partitions\":[0,1]".to_owned()),
                6 => return control(format!("\"partition\":{partition}")),
                7 => return control(format!("\"partition_end\":{partition}")),
                8 => return control("\"start\":{\"partitions\":[0,2]}".to_owned()),
                9 => return control("\"end\":{}".to_owned()),
                10..14 => return Event::Wait(u64::from(x) * 7_777),
                14..17 => return Event::Batch,
                17 => return Event::File,
                _ => {
                    now += ahead - 2;
                    let (second, milli) = (now / 1000 % 3600, now % 1000);
                    let (minute, second) = (second / 60, second % 60);
                    let local = format!("2024-10-27T02:{minute:02}:{second:02}.{milli:03}");
                    format!("{{\"t\":{now},\"l\":\"{local}\",\"g\":{g},\"x\":{x}}}")
                }
            })
        };
        events.into_iter().map(event).collect()
    })
}

/// What a window makes of such a stream, and some lines between that are not its own.
fn windowed(setup: &Setup, events: &[Event]) -> Vec<Event> {
    let (build, presence) = (|_: &Presence| setup.printing(), Presence::default());
    let mut job = Job { presence, ..Job::new(&build) };
    events.iter().for_each(|event| _ = job.take(event));
    let (_, emitted, ..) = job.end();
    let lines = String::from_utf8(emitted.out).unwrap();
    let mut windowed = Vec::new();
    for (number, line) in lines.lines().enumerate() {
        windowed.push(Event::Line(line.to_owned()));
        windowed.extend((number % 7 == 3).then(|| Event::Line("{\"g\":1}".to_owned())));
        windowed.extend((number % 5 == 4).then_some(Event::Batch));
    }
    // Of the same stream once more, all windows have been reported.
    if events.len().is_multiple_of(4) {
        windowed.extend(windowed.clone());
    }
    windowed
}

fn damage() -> impl Strategy<Value = (Vec<(Index, u8)>, Option<Index>)> {
    (vec((any::<Index>(), any::<u8>()), 0..4), any::<Option<Index>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn one_record_after_the_other(
        which in 0..3, events in events(), memory in memory(), kept in 1_u64..9, invert: bool,
    ) {
        let keeping = Keeping { invert, kept_max: Some(kept), ..KEEPING };
        match which {
            0 => check(&events, &|presence| {
                let mut map = map();
                map.program.watch(presence);
                map
            })?,
            1 => check(&events, &|_| filter())?,
            _ => check(&events, &|presence| unique(memory, keeping, presence))?,
        }
    }

    #[test]
    fn windows_and_aggregates_in_one(which in 0..3, setup in setup(), events in events()) {
        match which {
            0 => check(&events, &|_| setup.printing())?,
            1 => check(&events, &|presence| setup.fused(presence))?,
            _ => check(&events, &|presence| setup.reread(presence))?,
        }
    }

    #[test]
    fn aggregates_of_windows_and_of_the_whole(
        whole: bool, setup in setup(), events in events(),
    ) {
        let build = |presence: &Presence| Aggregate::new(setup.aggregator(None, presence));
        match whole && !setup.every {
            true => check(&events, &build)?,
            false => check(&windowed(&setup, &events), &build)?,
        }
    }

    #[test]
    fn running_aggregates(timed: bool, within: bool, events in events()) {
        check(&events, &|presence| over(timed, within, presence))?;
    }

    #[test]
    fn damaged_states_are_refused_or_harmless(
        setup in setup(), events in events(), memory in memory(), (damage, cut) in damage(),
    ) {
        check_damaged(&events, &damage, cut, &|presence| unique(memory, KEEPING, presence))?;
        check_damaged(&events, &damage, cut, &|presence| setup.fused(presence))?;
        check_damaged(&events, &damage, cut, &|presence| over(true, true, presence))?;
        check_damaged(&windowed(&setup, &events), &damage, cut, &|presence| {
            Aggregate::new(setup.aggregator(None, presence))
        })?;
    }
}

/// What one operator saves is refused by one that was built with other options.
#[test]
fn states_of_other_options_are_refused() {
    fn saved(operator: &impl Operator) -> Vec<u8> {
        let mut to = Writer::new();
        operator.snapshot(&Vec::new(), &mut to);
        to.into_bytes()
    }
    fn restored(mut operator: impl Operator, bytes: &[u8]) -> Result<(), String> {
        let mut from = Reader::new(bytes);
        let restored = operator.restore(&mut from).and_then(|()| from.end());
        restored.map_err(|error| error.to_string())
    }
    let other = |what| Err(StateError::Changed(what).to_string());
    let presence = Presence::default();
    let setup = Setup {
        kind: 0,
        lateness: 0,
        idle: false,
        guarded: false,
        local: false,
        emit: Emit::Final,
        every: false,
        having: false,
        top: false,
        table: false,
    };
    let bytes = saved(&setup.printing());
    assert_eq!(restored(setup.printing(), &bytes), Ok(()));
    // How long records are waited for may change.
    assert_eq!(restored(Setup { idle: true, ..setup.clone() }.printing(), &bytes), Ok(()));
    for changed in [
        Setup { kind: 1, ..setup.clone() },
        Setup { lateness: 5, ..setup.clone() },
        Setup { local: true, ..setup.clone() },
    ] {
        assert_eq!(restored(changed.printing(), &bytes), other("windows or event times"));
    }
    let all = saved(&unique(Memory::All, KEEPING, &presence));
    assert_eq!(restored(unique(Memory::All, KEEPING, &presence), &all), Ok(()));
    let last = unique(Memory::Last(3), KEEPING, &presence);
    assert_eq!(restored(last, &all), other("memory for keys"));
    assert_eq!(restored(filter(), &all), other("unique keys"));
    let timed = saved(&over(true, true, &presence));
    assert_eq!(restored(over(false, false, &presence), &timed), other("event times"));
    // Whether windows are handed on beside records or in them makes no difference.
    assert_eq!(restored(setup.fused(&presence), &saved(&setup.reread(&presence))), Ok(()));
}

/// The last record that is wanted may be the last one before a restart.
#[test]
fn a_filter_that_has_all_takes_no_more_when_it_is_restored() {
    let keeping = Keeping { kept_max: Some(1), ..KEEPING };
    let build = |presence: &Presence| unique(Memory::All, keeping, presence);
    let record = Event::Line("{\"g\":1,\"x\":1}".to_owned());
    let other = Event::Line("{\"g\":2,\"x\":1}".to_owned());
    let mut job = Job::new(&build);
    assert!(!job.take(&record));
    job.restart();
    assert!(!job.take(&other));
    assert_eq!(job.operator.kept(), 1);
}

/// What was told of a place can still be told when the input is another one.
#[test]
fn places_are_those_of_the_input_that_was_read() {
    let mut operator = printing(false);
    let text = b"{\"t\":1000000}\n{\"t\":1000100}\n";
    let emitted = begin(&mut operator, text);
    let mut to = Writer::new();
    operator.snapshot(&emitted, &mut to);
    let mut other = printing(false);
    other.restore(&mut Reader::new(to.as_bytes())).unwrap();
    let emitted = run(&mut other, b"{\"t\":1000001}\n", usize::MAX);
    assert!(!emitted.out.is_empty());
    let dropped = other.parts().0.late().dropped();
    assert_eq!(dropped.mover_max.as_ref().unwrap().place.as_deref(), Some("0:2"));
}

fn begin(operator: &mut impl Operator, text: &[u8]) -> Emitted {
    let mut driver = Driver { operator, emitted: Emitted::default() };
    let _ = LineDecoder::new(1000).decode(text, &mut driver);
    driver.emitted
}
