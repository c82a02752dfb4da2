//! Operators over streams, as a driver runs them; `saved`: interrupted by restarts.

mod saved;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::aggregate::Reread;
use super::clock::{Clock, Form};
use super::filter::{Keeping, Unique};
use super::fused::Downstream;
use super::splice::{Print, Splice};
use super::trust::Trust;
use super::unique::{Memory, Seen};
use super::{
    Aggregate, Collector, Fault, Filter, Fused, InputId, Map, Operator, Over, Side, Window,
};
use crate::aggregate::{self, AggregateSpec, Aggregator, Extent, GroupSpec, Plan, Selection};
use crate::expr::{Bounds, Program};
use crate::record::control::{Control, Windowing, is_control};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::{LineDecoder, Lines};
use crate::record::outlet::{Outlet, Refused};
use crate::state::{Reader, StateError, Writer};
use crate::time::{Ambiguous, Duration, LocalClock, Shift};
use crate::window::{Frame, Length, Placing, Progress, Windows};

const INPUT: InputId = InputId(0);

/// What an operator emits, and what is wrong with records.
#[derive(Default, Debug, PartialEq, Eq)]
struct Emitted {
    out: Vec<u8>,
    others: Vec<u8>,
    bad: Vec<String>,
    /// How many files came before the one in hand.
    files: usize,
}

impl Outlet for Emitted {
    fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    fn pass_on(&mut self) -> Result<(), Refused> {
        Ok(())
    }
}

impl Collector for Emitted {
    fn side(&mut self, _: Side) -> Option<&mut Vec<u8>> {
        Some(&mut self.others)
    }

    fn place(&self, line: u64) -> String {
        format!("{}:{line}", self.files)
    }
}

struct Driver<'a, O> {
    operator: &'a mut O,
    emitted: Emitted,
}

impl<O: Operator> Sink for Driver<'_, O> {
    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        self.operator.lines(INPUT, lines, &mut self.emitted)
    }

    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        let Driver { operator, emitted } = self;
        let taken = if is_control(raw.bytes) {
            let control = Control::parse(raw.bytes).unwrap();
            let passed = operator.control(INPUT, &control, raw.bytes, emitted);
            passed.map(|()| ControlFlow::Continue(()))
        } else {
            operator.record(INPUT, raw, emitted)
        };
        taken.unwrap_or_else(|fault| {
            self.emitted.bad.push(format!("{}: {fault}", raw.line));
            ControlFlow::Continue(())
        })
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        panic!("{}", bad.why)
    }
}

/// Runs an operator over a text that comes in blocks of this size.
fn run(operator: &mut impl Operator, text: &[u8], block_bytes: usize) -> Emitted {
    let mut driver = Driver { operator, emitted: Emitted::default() };
    let mut decoder = LineDecoder::new(1000);
    for block in text.chunks(block_bytes) {
        let _ = decoder.decode(block, &mut driver);
        driver.operator.end_of_batch(&mut driver.emitted).unwrap();
    }
    let _ = decoder.finish(&mut driver);
    driver.operator.file_end(INPUT);
    driver.operator.end(&mut driver.emitted).unwrap();
    driver.emitted
}

const KEEPING: Keeping = Keeping {
    invert: false,
    print: true,
    speaks: true,
    others_speak: true,
    count: true,
    kept_max: None,
};

const TRUST: Trust = Trust { always: false, heeds: true };

fn filter() -> Filter {
    Filter::new(Program::compile(&[".x > 2"]).unwrap(), TRUST, KEEPING)
}

fn map() -> Map {
    let program = Program::compile(&["{x, y: (.x + 1)}"]).unwrap();
    Map::new(program, TRUST, true, None)
}

fn aggregator(time: Option<&str>) -> Aggregator {
    let group = GroupSpec::parse(".g").unwrap();
    let specs = ["count", "sum(.x)"].map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    Aggregator::new(Plan::with_time(vec![group], specs.to_vec(), time).unwrap())
}

fn ms(ms: i64) -> Duration {
    Duration::from_ms(ms).unwrap()
}

/// Hopping windows of 10 ms, or tumbling ones, and how the stream says so.
fn windows(hops: bool) -> (Placing, Windowing) {
    let frame = Frame { zone: None, offset: Shift::default(), week_start: None };
    let size = Length::Time(ms(10));
    let windows = match hops {
        true => Windows::hop(Length::Time(ms(4)), size, frame).unwrap(),
        false => Windows::tumbling(size, frame).unwrap(),
    };
    let windowing = Windowing::from(windows.kind());
    (Placing::new(windows, Progress::new(ms(2))), windowing)
}

fn window(hops: bool, expression: usize) -> Window {
    let (placing, windowing) = windows(hops);
    Window::new(placing, Some((Form::known(None, None, false), expression)), windowing)
}

fn printing(hops: bool) -> Fused<Window, Splice<Print>> {
    let first = window(hops, 0);
    let program = Program::compile(&[".t"]).unwrap();
    let second = Splice::new(program, Some("…"), first.carried(), Print::new(true));
    Fused::new(first, second)
}

fn fused(hops: bool) -> Fused<Window, Aggregator> {
    let mut second = aggregator(Some(".t"));
    second.begin_windows(&windows(hops).1).unwrap();
    Fused::new(window(hops, second.time_expression().unwrap()), second)
}

fn reread(hops: bool) -> Fused<Window, Splice<Reread>> {
    let mut aggregator = aggregator(None);
    aggregator.begin_windows(&windows(hops).1).unwrap();
    let first = window(hops, 0);
    let program = Program::compile(&[".t"]).unwrap();
    let second = Splice::new(program, Some("…"), first.carried(), Reread::new(aggregator));
    Fused::new(first, second)
}

/// The last records, or those of the last milliseconds, whose times are read with the rest of the
/// record or alone; with results that some records have.
fn over(extent: &str, within: bool) -> Over {
    let extent: Extent = extent.parse().unwrap();
    let group = GroupSpec::parse(".g").unwrap();
    let specs = ["count", "x=sum(.x)", "min(.t)", "odd=count where .x % 2 == 1"];
    let specs = specs.map(|text| AggregateSpec::parse(text).unwrap().unwrap());
    let timed = within.then_some(".t");
    let plan = Plan::with_time(vec![group], specs.to_vec(), timed).unwrap();
    let over = aggregate::Over::new(plan, extent, ms(2), Selection::default()).unwrap();
    let time = || Program::compile(&[".t"]).unwrap();
    let clock = || Clock::new(time(), Form::known(None, None, false), "objects can be aggregated");
    Over::new(over, matches!(extent, Extent::Time(_)).then(clock))
}

/// An operator that takes no blocks.
struct OneByOne<O>(O);

impl<O: Operator> Operator for OneByOne<O> {
    fn record(
        &mut self,
        input: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        self.0.record(input, raw, out)
    }

    fn control(
        &mut self,
        input: InputId,
        control: &Control,
        line: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        self.0.control(input, control, line, out)
    }

    fn snapshot(&self, places: &dyn Collector, to: &mut Writer) {
        self.0.snapshot(places, to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.0.restore(from)
    }

    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        self.0.end(out)
    }
}

/// Records with times that are out of order now and then, and lines that are none.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = (0_i64..9, 0_u8..3, 0_u8..6, 0_u8..20).prop_map(|(ahead, g, x, odd)| match odd {
        0 => (0, "{\"t\":".to_owned()),
        1 => (0, "[1]".to_owned()),
        2 => (0, String::new()),
        3 => (0, "{\"@millstream\":{\"partition\":0}}".to_owned()),
        4 => (0, format!("{{\"g\":{g},\"x\":\"\\u0031\"}}")),
        _ => (ahead - 2, format!("\"g\":{g},\"x\":{x}")),
    });
    prop::collection::vec(line, 0..40).prop_map(|lines| {
        let (mut text, mut now) = (String::new(), 1_000_000_i64);
        for (ahead, line) in lines {
            now += ahead;
            match line.starts_with('"') {
                true => text += &format!("{{\"t\":{now},{line}}}\n"),
                false => text += &(line + "\n"),
            }
        }
        text.into_bytes()
    })
}

proptest! {
    #[test]
    fn it_does_not_matter_how_records_come(text in stream(), block_bytes in 1_usize..200) {
        let all = usize::MAX;
        prop_assert_eq!(run(&mut filter(), &text, block_bytes), run(&mut filter(), &text, all));
        prop_assert_eq!(run(&mut map(), &text, block_bytes), run(&mut map(), &text, all));
        let aggregate = || Aggregate::new(aggregator(None));
        prop_assert_eq!(run(&mut aggregate(), &text, block_bytes), run(&mut aggregate(), &text, all));
        for hops in [false, true] {
            let printed = run(&mut printing(hops), &text, all);
            prop_assert_eq!(run(&mut printing(hops), &text, block_bytes), printed);
            let one = run(&mut fused(hops), &text, all);
            prop_assert_eq!(&run(&mut fused(hops), &text, block_bytes), &one);
            let reread_one = run(&mut reread(hops), &text, all);
            prop_assert_eq!(&reread_one.out, &one.out);
            prop_assert_eq!(run(&mut reread(hops), &text, block_bytes), reread_one);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn records_in_blocks_have_the_results_of_single_ones(text in stream(), block_bytes in 1_usize..200, timed: bool) {
        let extent = if timed { "7ms" } else { "3" };
        let expected = run(&mut OneByOne(over(extent, false)), &text, usize::MAX);
        for (block_bytes, within) in [(block_bytes, timed), (usize::MAX, timed), (usize::MAX, false)] {
            prop_assert_eq!(&run(&mut over(extent, within), &text, block_bytes), &expected);
        }
    }
}

proptest! {
    #[test]
    fn two_in_one_are_the_two_one_after_the_other(text in stream(), hops in any::<bool>()) {
        // What the first refuses, the second never sees; so it is left out.
        let windowed = run(&mut printing(hops), &text, usize::MAX);
        let apart = run(&mut Aggregate::new(aggregator(None)), &windowed.out, usize::MAX);
        let one = run(&mut fused(hops), &text, usize::MAX);
        prop_assert_eq!(String::from_utf8(one.out).unwrap(), String::from_utf8(apart.out).unwrap());
        prop_assert_eq!(one.others, windowed.others);
        prop_assert_eq!(one.bad.len(), windowed.bad.len() + apart.bad.len());
    }
}

#[test]
fn what_is_undone_is_that_of_the_last_one() {
    let mut one = fused(false);
    let mut emitted = Emitted::default();
    assert_eq!(one.undone().as_deref(), Some("0 open windows are not reported"));
    let raw = Raw { bytes: b"{\"t\":1,\"x\":1}", line: 1, unterminated: false };
    assert!(one.record(INPUT, raw, &mut emitted).unwrap().is_continue());
    assert_eq!(Operator::undone(&one), Downstream::undone(one.parts().1));
    assert_eq!(one.undone().as_deref(), Some("1 open window is not reported"));
}

/// A program whose evaluations are stopped before they end.
fn stopped(sources: &[&str]) -> Program {
    let mut program = Program::compile(sources).unwrap();
    program.bound(Bounds::served(Arc::new(AtomicBool::new(true))));
    program
}

#[test]
fn an_evaluation_that_was_stopped_is_no_fault_of_the_record() {
    const LONG: &str = "[range(100000)] | length";
    let filter = |sources: &[&str], time| {
        let unique = Unique::new(Seen::new(Memory::All), time);
        Filter::new(stopped(sources), TRUST, KEEPING).with_unique(Some(unique))
    };
    let print = Print::new(true);
    let first = window(false, 0);
    let splice = Splice::new(stopped(&[LONG]), None, first.carried(), print);
    let mut clock = Clock::new(stopped(&[LONG]), Form::known(None, None, false), "…");
    let raw = Raw { bytes: b"{}", line: 1, unterminated: false };
    let mut out = Vec::new();
    let faults = [
        filter(&[LONG], None).record(INPUT, raw, &mut out).map(drop),
        filter(&["true", LONG], None).record(INPUT, raw, &mut out).map(drop),
        filter(&["true", "1", LONG], Some(None)).record(INPUT, raw, &mut out).map(drop),
        Fused::new(first, splice).record(INPUT, raw, &mut out).map(drop),
        clock.read(raw.bytes).map(drop),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        assert!(matches!(fault, Err(Fault::Passing(_))), "{number}: {fault:?}");
    }
}

/// Of these records, the second one is refused by the aggregate, behind the window.
const REFUSED: &[u8] = b"{\"t\":\"2024-10-27T02:09:00\",\"x\":1}
{\"t\":\"2024-10-27T02:30:00\",\"x\":\"no\"}
{\"t\":\"2024-10-27T02:10:00\",\"x\":2}
";

/// Puts them into windows of 10 ms, and reads times that clocks show twice.
fn local() -> Fused<Window, Aggregator> {
    let mut second = aggregator(Some(".t"));
    let (placing, windowing) = windows(false);
    second.begin_windows(&windowing).unwrap();
    let clock = LocalClock::new("Europe/Berlin".parse().unwrap(), Ambiguous::Earlier);
    let form = Form::known(None, Some(clock), false);
    let first = Window::new(placing, Some((form, second.time_expression().unwrap())), windowing);
    Fused::new(first, second)
}

#[test]
fn the_time_of_a_record_that_is_refused_is_heard_once() {
    for block_bytes in [1, usize::MAX] {
        let mut one = local();
        let emitted = run(&mut one, REFUSED, block_bytes);
        assert_eq!(emitted.bad.len(), 1, "{:?}", emitted.bad);
        let first = one.parts().0;
        let odd = first.odd_times().pop().unwrap();
        assert!(odd.starts_with("3 event times occur twice"), "{odd}");
        // It is what made the next one late.
        let dropped = first.late().dropped();
        assert_eq!(dropped.count, 1);
        assert_eq!(dropped.mover_max.as_ref().unwrap().place.as_deref(), Some("0:2"));
    }
}
