//! The memory that `--stats` reports, compared with the memory that is really taken: for each kind
//! of windows and each family of functions with what the allocator hands out, and for large states
//! with the resident memory of the process. Small states stay below the size from which the
//! allocator hands out pages that take no memory yet.
//!
//! A program of its own: it counts all allocations, and what it holds at its most would count as
//! its children's, too (the kernel takes it over when they are forked).

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};
use std::process::{Child, Command, Stdio};

use common::{bin, wait_for};
use millstream::aggregate::{
    AggregateSpec, Aggregator, Extent, GroupSpec, Held, Over, Plan, Selection,
};
use millstream::record::control::{Mark, Windowing};
use millstream::record::outlet::{Outlet, PIECE_BYTES, Refused};
use millstream::time::Duration;
use millstream::window::{Frame, Placed, Placing, Progress, Windows};

/// How far a reported size may be off, in percent of the real one.
const OFF_MAX: usize = 20;

/// States of fewer bytes are not compared.
const LITTLE: usize = 20_000;

/// Counts the bytes that this thread has allocated, with what the allocator adds to them.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

unsafe extern "C" {
    fn malloc_usable_size(of: *mut u8) -> usize;
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
}

fn count(taken: usize, given_back: usize) {
    NOW.with(|now| {
        now.set((now.get() + taken).saturating_sub(given_back));
        MOST.with(|most| most.set(most.get().max(now.get())));
    });
}

/// The size of an allocation, with the 8 bytes that the allocator keeps beside it.
fn size(of: *mut u8) -> usize {
    if of.is_null() { 0 } else { unsafe { malloc_usable_size(of) + 8 } }
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let given = unsafe { System.alloc(layout) };
        count(size(given), 0);
        given
    }

    unsafe fn dealloc(&self, given: *mut u8, layout: Layout) {
        count(0, size(given));
        unsafe { System.dealloc(given, layout) };
    }

    unsafe fn realloc(&self, given: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let before = size(given);
        let given = unsafe { System.realloc(given, layout, bytes) };
        count(size(given), before);
        given
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Output that goes nowhere.
#[derive(Default)]
struct Nowhere(Vec<u8>);

impl Outlet for Nowhere {
    fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    fn pass_on(&mut self) -> Result<(), Refused> {
        self.0.clear();
        Ok(())
    }
}

/// The group and the time in seconds of a record, by its number.
type Place = fn(u64) -> (u64, u64);

/// How the records of a stream are shared out.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    windows: fn() -> Option<Windows>,
    /// How far records may come behind the greatest time.
    out_of_order_s: i64,
    records: u64,
    place: Place,
}

fn frame() -> Frame {
    Frame::default()
}

fn length(text: &str) -> millstream::window::Length {
    text.parse().unwrap()
}

const SHAPES: [Shape; 10] = [
    Shape {
        name: "many groups",
        windows: || None,
        out_of_order_s: 0,
        records: 2_500,
        place: |at| (at % 1_000, 0),
    },
    Shape {
        name: "one group",
        windows: || None,
        out_of_order_s: 0,
        records: 1_700,
        place: |_| (0, 0),
    },
    Shape {
        name: "open windows",
        windows: || Some(Windows::tumbling(length("10s"), frame()).unwrap()),
        out_of_order_s: 1_000_000,
        records: 2_000,
        place: |at| (0, at % 500 * 10),
    },
    Shape {
        name: "windows that close",
        windows: || Some(Windows::tumbling(length("10s"), frame()).unwrap()),
        out_of_order_s: 0,
        records: 3_000,
        place: |at| (at % 800, at / 100),
    },
    Shape {
        name: "hop",
        windows: || Some(Windows::hop(length("10s"), length("200s"), frame()).unwrap()),
        out_of_order_s: 0,
        records: 3_000,
        place: |at| (at * 7 % 150, at / 5),
    },
    Shape {
        name: "hop, the groups of one slice",
        windows: || Some(Windows::hop(length("10s"), length("100s"), frame()).unwrap()),
        out_of_order_s: 0,
        records: 2_000,
        place: |at| (at % 1_000, 5),
    },
    Shape {
        name: "cumulate",
        windows: || Some(Windows::cumulate(length("10s"), length("200s"), frame()).unwrap()),
        out_of_order_s: 0,
        records: 4_000,
        place: |at| (at * 7 % 400, at / 25),
    },
    Shape {
        name: "sessions of many groups",
        windows: || Some(Windows::session(Duration::from_ms(1_000).unwrap()).unwrap()),
        out_of_order_s: 1_000,
        records: 2_500,
        place: |at| (at % 1_000, 0),
    },
    Shape {
        name: "sessions of a few groups",
        windows: || Some(Windows::session(Duration::from_ms(1_000).unwrap()).unwrap()),
        out_of_order_s: 1_000_000,
        records: 2_500,
        place: |at| (at % 3, at % 900 * 5),
    },
    Shape {
        name: "windows that count",
        windows: || Some(Windows::count(5).unwrap()),
        out_of_order_s: 0,
        records: 5_500,
        place: |at| (at % 1_000, 0),
    },
];

const FUNCTIONS: [&[&str]; 14] = [
    &["count", "avg(.x)"],
    &["sum(.huge)", "stddev(.x)"],
    &["min(.y)", "max(.x)"],
    &["p95(.x)"],
    &["p95_exact(.x)"],
    &["median_exact(.whole)"],
    &["collect(.y)"],
    &["distinct(.n)"],
    &["distinct_exact(.n)"],
    &["top(3; .n)"],
    &["first(.y)", "last(.y)"],
    &["arg_max(.y; .x)"],
    &["last_by(.; .x)"],
    &["count where .n > 100", "p50(.x)", "collect(.n)"],
];

fn record(at: u64, group: u64, time_s: u64) -> String {
    let n = at * 7_919 % 3_001;
    let mut record = String::new();
    write!(
        record,
        "{{\"t\":{time_s},\"g\":\"user-{group}\",\"n\":{n},\"x\":{}.25,\"y\":\"{:0width$}\",\
         \"huge\":{n}e300,\"whole\":170000000000000{n:04}99}}",
        n * n,
        n,
        width = (n % 40) as usize,
    )
    .unwrap();
    record
}

fn plan(functions: &[&str]) -> Plan {
    let aggregates = functions.iter().enumerate().map(|(at, text)| {
        let text = format!("a{at}={text}");
        AggregateSpec::parse(&text).unwrap().unwrap()
    });
    Plan::new(vec![GroupSpec::parse(".g").unwrap()], aggregates.collect()).unwrap()
}

/// What was really taken and what is reported, before the end of the input and at most.
struct Taken {
    now: usize,
    most: usize,
    told_now: usize,
    told: Held,
}

fn begin() -> usize {
    let now = NOW.get();
    MOST.set(now);
    now
}

fn aggregated(shape: Shape, functions: &[&str]) -> Taken {
    let mut out = Nowhere(Vec::with_capacity(2 * PIECE_BYTES));
    let mut aggregator = Aggregator::new(plan(functions));
    let mut placing = (shape.windows)().map(|windows| {
        aggregator.begin_windows(&Windowing::from(windows.kind())).unwrap();
        let behind = Duration::from_ms(shape.out_of_order_s * 1_000).unwrap();
        Placing::new(windows, Progress::new(behind))
    });
    let counts = shape.name == "windows that count";
    let before = begin();
    for at in 0..shape.records {
        let (group, time_s) = (shape.place)(at);
        let line = record(at, group, time_s);
        let (mut loaded, reduction) = aggregator.load(line.as_bytes()).unwrap();
        match &mut placing {
            Some(placing) if !counts => {
                let placed = placing.place(time_s as i64 * 1_000).unwrap();
                let Placed::In { slice, passed_ms, .. } = placed else { panic!("{placed:?}") };
                assert!(reduction.take_in(Some(slice), &mut loaded, &mut out).unwrap());
                if let Some(ms) = passed_ms {
                    reduction.watermark(Mark::Ms(ms), &mut out).unwrap();
                }
            }
            _ => assert!(reduction.take(&mut loaded, &mut out).unwrap()),
        }
    }
    let (now, told_now) = (NOW.get() - before, aggregator.held().bytes);
    match placing {
        Some(_) => aggregator.watermark(Mark::End, &mut out).unwrap(),
        None => aggregator.finish(&mut out).unwrap(),
    }
    Taken { now, most: MOST.get() - before, told_now, told: aggregator.held() }
}

/// The same with `--over`.
fn running(extent: Extent, records: u64, functions: &[&str]) -> Taken {
    let mut out = Nowhere(Vec::with_capacity(2 * PIECE_BYTES));
    let waits = Duration::from_ms(3_600_000).unwrap();
    let mut over = Over::new(plan(functions), extent, waits, Selection::default()).unwrap();
    let before = begin();
    for at in 0..records {
        let group = at % 100;
        let line = record(at, group, at);
        match extent {
            Extent::Records(_) => over.record(line.as_bytes(), &mut out).unwrap(),
            Extent::Time(_) => {
                over.record_at(at as i64 * 4_000, line.as_bytes(), &mut out).unwrap();
            }
        }
        out.pass_on().unwrap();
    }
    let (now, told_now) = (NOW.get() - before, over.held().bytes);
    over.finish(&mut out).unwrap();
    Taken { now, most: MOST.get() - before, told_now, told: over.held() }
}

/// Collects the sizes that are reported wrongly.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn compare(&mut self, what: &str, told: usize, taken: usize) {
        let percent = told * 100 / taken.max(1);
        if std::env::var_os("MILLSTREAM_SHOW_SIZES").is_some() {
            println!("{percent:4} %  {told:10} {taken:10}  {what}");
        }
        if !(100 - OFF_MAX..=100 + OFF_MAX).contains(&percent) {
            self.0.push(format!("{what}: {percent} %, {told} instead of {taken}"));
        }
    }

    fn compare_both(&mut self, what: &str, taken: &Taken) {
        let now = ("now", taken.told_now, taken.now);
        let most = ("at most", taken.told.bytes_most, taken.most);
        for (when, told, taken) in [now, most] {
            if taken > LITTLE {
                self.compare(&format!("{what}, {when}"), told, taken);
            }
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{} sizes are wrong:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[test]
fn what_windows_hold_is_told() {
    let mut wrong = Wrong::default();
    for shape in SHAPES {
        for functions in FUNCTIONS {
            let what = format!("{}, {}", shape.name, functions.join(" "));
            wrong.compare_both(&what, &aggregated(shape, functions));
        }
    }
    wrong.none();
}

#[test]
fn what_running_aggregates_hold_is_told() {
    let mut wrong = Wrong::default();
    let minutes = |minutes: i64| Extent::Time(Duration::from_ms(minutes * 60_000).unwrap());
    for (name, extent, records) in [
        ("--over 20", Extent::Records(20), 2_200),
        ("--over 10m", minutes(10), 2_000),
        ("--over 1h", minutes(60), 2_000),
    ] {
        for functions in FUNCTIONS {
            let what = format!("{name}, {}", functions.join(" "));
            wrong.compare_both(&what, &running(extent, records, functions));
        }
    }
    wrong.none();
}

/// `struct rusage`; only the resident memory is used.
#[repr(C)]
#[derive(Default)]
struct Usage {
    times: [i64; 4],
    resident_kib_most: i64,
    others: [i64; 13],
}

/// The peak resident memory of a process that waits for input, in KiB.
fn resident_kib(child: &Child) -> usize {
    let path = format!("/proc/{}/status", child.id());
    wait_for("the process waits for input", || {
        let status = std::fs::read_to_string(&path).unwrap();
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
        let kib: usize = field("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok()?;
        let waits = field("State:")?.trim().starts_with('S');
        waits.then_some(kib)
    })
}

/// Aggregates so many records in a process; gives the peak that it reports, and the real one.
fn processed(arguments: &[&str], records: u64, place: Place) -> (usize, usize) {
    let mut command = Command::new(bin("aggregate"));
    command.args(arguments).args(["--by", ".g", "--stats", "--format", "ndjson"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let first = place(0);
    writeln!(input, "{}", record(0, first.0, first.1)).unwrap();
    let before_kib = resident_kib(&child);
    let mut input = BufWriter::new(input);
    for at in 1..records {
        let (group, time_s) = place(at);
        writeln!(input, "{}", record(at, group, time_s)).unwrap();
    }
    drop(input);
    let told = io::read_to_string(child.stderr.take().unwrap()).unwrap();
    let mut usage = Usage::default();
    let pid = i32::try_from(child.id()).unwrap();
    assert_eq!(unsafe { wait4(pid, &mut 0, 0, &mut usage) }, pid);
    // It has been waited for.
    assert!(child.wait().is_err());
    let most = told.trim().rsplit_once("bytes, ").and_then(|(_, most)| most.split_once(' '));
    let most = most.unwrap_or_else(|| panic!("{told}")).0.parse().unwrap();
    (most, (usage.resident_kib_most as usize - before_kib) * 1_024)
}

#[test]
fn what_a_process_takes_for_large_states_is_told() {
    const SESSION: [&str; 4] = ["--session", "1h", "--time", ".t"];
    const TUMBLING: [&str; 6] = ["--tumbling", "10s", "--time", ".t", "--out-of-order", "400d"];
    const HOP: [&str; 6] = ["--hop", "10s", "--size", "200s", "--time", ".t"];
    type Case = (&'static [&'static str], &'static [&'static str], u64, Place);
    let cases: [Case; 7] = [
        (&[], &["count", "avg(.x)"], 150_000, |at| (at, 0)),
        (&[], &["p95_exact(.x)"], 2_000_000, |_| (0, 0)),
        (&[], &["collect(.y)"], 600_000, |_| (0, 0)),
        (&[], &["distinct_exact(.n)", "last(.y)"], 60_000, |at| (at, 0)),
        (&SESSION, &["count"], 150_000, |at| (at, 0)),
        (&TUMBLING, &["count"], 40_000, |at| (0, at * 10)),
        (&HOP, &["count", "max(.x)"], 120_000, |at| (at % 10_000, at / 500)),
    ];
    let mut wrong = Wrong::default();
    for (options, functions, records, place) in cases {
        let arguments = [functions, options].concat();
        let (told, taken) = processed(&arguments, records, place);
        wrong.compare(&arguments.join(" "), told, taken);
    }
    wrong.none();
}
