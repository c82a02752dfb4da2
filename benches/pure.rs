//! Micro-benchmarks of the pure rooms: `cargo bench`, or `cargo bench -- filter` for some. They
//! show where time goes in one call; `scripts/bench` compares whole tools with their peers.

use std::ops::ControlFlow;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use millstream::aggregate::{AggregateSpec, Aggregator, GroupSpec, Plan};
use millstream::expr::Program;
use millstream::record::check::{Verdict, each_line};
use millstream::record::decode::{Bad, Decoder, Raw, Sink};
use millstream::record::lines::{LineDecoder, Lines};
use millstream::record::number::{Number, write_float};
use millstream::record::pick::{Line, Picker, Plan as Fields, Slot, Step};
use millstream::record::scan::Scanner;
use millstream::state::{open, seal};
use millstream::window::{Cells, Placing, Progress, Windows};

fn main() {
    divan::main();
}

const RECORDS: usize = 1000;

/// Records as a web server writes them, with times that go up.
fn records() -> Vec<u8> {
    let mut text = Vec::new();
    for number in 0..RECORDS {
        let line = format!(
            "{{\"ts\":{},\"host\":\"h{}\",\"status\":{},\"ms\":{}.5,\"path\":\"/a/{number}\",\"tags\":[\"x\",\"y\"]}}\n",
            1_700_000_000_000_u64 + number as u64 * 10,
            number % 50,
            if number % 10 == 0 { 500 } else { 200 },
            number % 300,
        );
        text.extend_from_slice(line.as_bytes());
    }
    text
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// Validates every line.
#[divan::bench]
fn check_lines(bencher: Bencher) {
    let text = records();
    bencher.counter(BytesCount::of_slice(&text)).bench(|| {
        let mut good = 0;
        each_line(&text, |_, _, verdict| good += usize::from(verdict == Verdict::Record));
        assert_eq!(good, RECORDS);
    });
}

/// Picks one field of every line, which is checked, too.
#[divan::bench]
fn pick_a_field(bencher: Bencher) {
    let text = records();
    let fields = Fields::new([&[Step::Key("status".to_owned())][..]]);
    let mut scanner = Scanner::default();
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| {
        let mut slots = [Slot::default()];
        let mut picker = Picker::<false>::new(&text, 0, &mut scanner, &fields, &mut slots);
        let mut picked = 0;
        while let Line::Record(_) = picker.line() {
            picked += picker.slots().len();
        }
        assert_eq!(picked, RECORDS);
    });
}

/// What `filter` does with a block.
struct Filter {
    program: Program,
    kept: Vec<u8>,
}

impl Sink for Filter {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        let record = self.program.load(raw.bytes);
        if record.is_ok_and(|mut record| record.truth(0).is_ok_and(|truth| truth)) {
            self.kept.extend_from_slice(raw.bytes);
        }
        ControlFlow::Continue(())
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let kept = &mut self.kept;
        self.program.sift(0, lines, |record, truth| {
            if truth {
                kept.extend_from_slice(record);
            }
            ControlFlow::Continue(())
        })
    }

    fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// A condition on every line: one that is fast, and one that jaq evaluates.
#[divan::bench(args = [".status >= 500 and .host != \"h1\"", "[.tags[] | ascii_upcase] | index(\"Z\") != null"])]
fn filter(bencher: Bencher, expression: &str) {
    let text = records();
    let mut program = Program::compile(&[expression]).expect("the expression compiles");
    program.rest();
    let mut filter = Filter { program, kept: Vec::new() };
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| {
        filter.kept.clear();
        let mut decoder = LineDecoder::new(1 << 20);
        assert!(decoder.decode(&text, &mut filter).is_continue());
        black_box(filter.kept.len());
    });
}

/// Counts, sums and a quantile by group.
#[divan::bench]
fn aggregate(bencher: Bencher) {
    let text = records();
    let lines = lines(&text);
    bencher.counter(ItemsCount::new(RECORDS)).bench(|| {
        let group = GroupSpec::parse(".host").expect("a group");
        let aggregates = ["count", "avg(.ms)", "p99(.ms)"];
        let aggregates = aggregates.map(|text| AggregateSpec::parse(text).expect("an aggregate"));
        let plan = Plan::new(vec![group], aggregates.into_iter().flatten().collect());
        let mut aggregator = Aggregator::new(plan.expect("a plan"));
        let mut out = Vec::new();
        for line in &lines {
            assert!(matches!(aggregator.record(line, &mut out), Ok(true)));
        }
        assert!(aggregator.finish(&mut out).is_ok());
        black_box(out.len());
    });
}

/// An aggregation that holds many groups, each of them small.
fn many_groups() -> Aggregator {
    let aggregates = ["count", "sum(.x)", "max(.x)"];
    let spec = |text: &&str| AggregateSpec::parse(text).unwrap().unwrap();
    let groups = vec![GroupSpec::parse(".k").unwrap()];
    Aggregator::new(Plan::new(groups, aggregates.iter().map(spec).collect()).unwrap())
}

const GROUPS: usize = 100_000;

fn saved_groups() -> Vec<u8> {
    let mut aggregator = many_groups();
    for group in 0..GROUPS {
        let record = format!("{{\"k\":\"k{group}\",\"x\":{}}}", group * 7 % 1000);
        aggregator.record(record.as_bytes(), &mut Vec::new()).unwrap();
    }
    seal("aggregate", |to| aggregator.save(to))
}

fn restored(state: &[u8]) -> Aggregator {
    let mut aggregator = many_groups();
    open("aggregate", state, |from| aggregator.restore(from)).unwrap();
    aggregator
}

/// Saves the state of every group.
#[divan::bench]
fn save_groups(bencher: Bencher) {
    let aggregator = restored(&saved_groups());
    bencher
        .counter(ItemsCount::new(GROUPS))
        .bench_local(|| seal("aggregate", |to| aggregator.save(to)).len());
}

/// Restores the state of every group.
#[divan::bench]
fn restore_groups(bencher: Bencher) {
    let state = saved_groups();
    bencher.counter(ItemsCount::new(GROUPS)).bench_local(|| restored(&state));
}

/// Times into tumbling windows, a little out of order.
#[divan::bench]
fn place_in_windows(bencher: Bencher) {
    let frame = millstream::window::Frame::default();
    let length = "1s".parse().expect("a length");
    let windows = Windows::Tumbling(Cells::new("window", length, &frame).expect("windows"));
    let progress = Progress::new("5s".parse().expect("a duration"));
    let times: Vec<i64> =
        (0..RECORDS as i64).map(|at| 1_700_000_000_000 + at * 10 - at % 7 * 100).collect();
    bencher.counter(ItemsCount::new(RECORDS)).bench(|| {
        let mut placing = Placing::new(windows.clone(), progress.clone());
        for &time_ms in &times {
            black_box(placing.place(time_ms).is_ok());
        }
    });
}

const NUMBERS: [&str; 5] = ["0", "200", "-17.25", "1.7976931348623157e308", "12345678901234567890"];

/// Spellings into numbers.
#[divan::bench]
fn parse_numbers(bencher: Bencher) {
    bencher.counter(ItemsCount::new(NUMBERS.len())).bench(|| {
        for spelling in NUMBERS {
            black_box(Number::parse(black_box(spelling)).is_ok());
        }
    });
}

/// Floats into spellings.
#[divan::bench]
fn write_numbers(bencher: Bencher) {
    let floats = NUMBERS.map(|spelling| spelling.parse::<f64>().expect("a float"));
    let mut out = Vec::with_capacity(256);
    bencher.counter(ItemsCount::new(floats.len())).bench_local(|| {
        out.clear();
        for float in floats {
            write_float(black_box(float), &mut out);
        }
        black_box(out.len());
    });
}
