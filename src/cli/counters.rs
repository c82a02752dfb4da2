//! What this process has done so far, counted once a block so that another thread can tell it at
//! any time, also while the tool waits.
//!
//! The tool's own thread stores numbers, without a lock and without an order among them: what is
//! told may be of two moments that lie one store apart.

use std::cell::Cell;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64};
use std::sync::mpsc::channel;
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::figures::{Figures, WaitingFor};
use crate::operator::Work;
use crate::sys::process::resident_bytes;
use crate::sys::wait::{Wanted, wait};
use crate::time::timestamp::show_ms;

/// How long those may take who know more than is counted here: then they give up.
pub const MORE_WITHIN: Duration = Duration::from_secs(1);

/// Stands for a number that is not known.
const NONE: u64 = u64::MAX;
/// Stands for a time that is not known.
const NEVER_MS: i64 = i64::MIN;

/// After how many blocks a tool runs for longer than a moment.
const BLOCKS_SOON: u32 = 8;

/// A block of so many bytes may keep a tool busy for longer than a moment.
const BLOCK_BYTES_LONG: usize = 32 << 10;

static COUNTERS: Counters = Counters {
    begun: OnceLock::new(),
    is_answering: AtomicBool::new(false),
    blocks: AtomicU32::new(0),
    place: AtomicU8::new(0),
    lent: AtomicBool::new(false),
    records_in: AtomicU64::new(0),
    records_out: AtomicU64::new(0),
    bytes_in: AtomicU64::new(0),
    bytes_out: AtomicU64::new(0),
    late: AtomicU64::new(0),
    rejected: AtomicU64::new(0),
    watermark_ms: AtomicI64::new(NEVER_MS),
    time_ms: AtomicI64::new(NEVER_MS),
    closes_ms: AtomicI64::new(NEVER_MS),
    windows: AtomicU64::new(NONE),
    groups: AtomicU64::new(NONE),
    state_bytes: AtomicU64::new(NONE),
    more: OnceLock::new(),
    is_asking: AtomicBool::new(false),
};

thread_local! {
    /// Whether this is the tool's own thread, whose place is the tool's: those that help it wait
    /// elsewhere meanwhile.
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// What this process has done so far.
pub fn counters() -> &'static Counters {
    &COUNTERS
}

/// Adds what is not counted here, such as what the log knows.
type More = Box<dyn Fn(&mut Figures) + Send + Sync>;

/// See [`counters`].
pub struct Counters {
    begun: OnceLock<Begun>,
    /// Whether somebody answers those who ask.
    is_answering: AtomicBool,
    blocks: AtomicU32,
    place: AtomicU8,
    lent: AtomicBool,
    records_in: AtomicU64,
    records_out: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    late: AtomicU64,
    rejected: AtomicU64,
    watermark_ms: AtomicI64,
    time_ms: AtomicI64,
    closes_ms: AtomicI64,
    windows: AtomicU64,
    groups: AtomicU64,
    state_bytes: AtomicU64,
    more: OnceLock<More>,
    /// Whether others are being asked what they know.
    is_asking: AtomicBool,
}

/// How the process began.
struct Begun {
    tool: String,
    at: Instant,
    answer: fn(),
}

/// Where the tool's own thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// It works.
    Cpu = 1,
    /// It waits for input.
    Input = 2,
    /// It writes to standard output, which may mean to wait.
    Stdout = 3,
    /// It waits for another output, such as the log.
    Output = 4,
}

impl Counters {
    /// The process begins, as this tool. `answer` begins to answer those who ask what it does.
    pub(super) fn begin(&self, tool: &str, answer: fn()) {
        let begun = Begun { tool: tool.to_owned(), at: Instant::now(), answer };
        let _ = self.begun.set(begun);
        IS_OWN.set(true);
    }

    /// How long the process has run.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.get().map_or(Duration::ZERO, |begun| begun.at.elapsed())
    }

    /// Whether somebody answers those who ask.
    pub(super) fn is_answering(&self) -> bool {
        self.is_answering.load(Relaxed)
    }

    /// The tool may wait now, or runs for longer than a moment: those who ask are answered from now
    /// on.
    pub fn answer(&self) {
        if !self.is_answering.swap(true, Relaxed)
            && let Some(begun) = self.begun.get()
        {
            (begun.answer)();
        }
    }

    /// Does what may mean to wait at this place.
    pub fn at<T>(&self, place: Place, work: impl FnOnce() -> T) -> T {
        self.come_to(place);
        let done = work();
        self.come_to(Place::Cpu);
        done
    }

    /// The tool is at this place, if its own thread is.
    fn come_to(&self, place: Place) {
        if IS_OWN.get() {
            self.place.store(place as u8, Relaxed);
        }
    }

    /// The log reads the input or writes the output itself, from now on or no more.
    pub fn lend(&self, lent: bool) {
        self.lent.store(lent, Relaxed);
    }

    /// So many bytes are worked on next: of many, that may take long.
    pub(super) fn begin_block(&self, bytes: usize) {
        if bytes >= BLOCK_BYTES_LONG && !self.is_answering() {
            self.answer();
        }
    }

    /// Another block was worked on; so many records and bytes were read in all.
    pub(super) fn read(&self, records: u64, bytes: u64) {
        self.records_in.store(records, Relaxed);
        self.bytes_in.store(bytes, Relaxed);
        // A tool that reads plain files may never have waited.
        self.come_to(Place::Cpu);
        if !self.is_answering() && self.blocks.fetch_add(1, Relaxed) == BLOCKS_SOON {
            self.answer();
        }
    }

    /// So many records were emitted in all, or appended.
    pub fn emitted(&self, records: u64) {
        self.records_out.store(records, Relaxed);
    }

    /// So many more records were appended to the log.
    pub fn appended(&self, records: u64) {
        self.records_out.fetch_add(records, Relaxed);
    }

    /// So many more records were read of the log, and printed.
    pub fn printed(&self, records: u64, bytes: u64) {
        self.records_in.fetch_add(records, Relaxed);
        self.records_out.fetch_add(records, Relaxed);
        self.bytes_in.fetch_add(bytes, Relaxed);
    }

    /// So many more bytes were written, which is told by one thread.
    pub(super) fn wrote(&self, bytes: u64) {
        self.bytes_out.store(self.bytes_out() + bytes, Relaxed);
    }

    /// How many bytes were written.
    pub(super) fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Relaxed)
    }

    /// How many records were read.
    pub(super) fn records_in(&self) -> u64 {
        self.records_in.load(Relaxed)
    }

    /// How many records were emitted.
    pub(super) fn records_out(&self) -> u64 {
        self.records_out.load(Relaxed)
    }

    /// So many lines were rejected in all.
    pub(super) fn rejected(&self, lines: u64) {
        self.rejected.store(lines, Relaxed);
    }

    /// So far an operator has come.
    pub(super) fn see(&self, work: &Work) {
        if let Some(emitted) = work.emitted {
            self.emitted(emitted);
        }
        let number = |number: Option<usize>| number.map_or(NONE, |number| number as u64);
        self.late.store(work.late, Relaxed);
        self.watermark_ms.store(work.watermark_ms.unwrap_or(NEVER_MS), Relaxed);
        self.time_ms.store(work.time_ms.unwrap_or(NEVER_MS), Relaxed);
        self.closes_ms.store(work.closes_ms.unwrap_or(NEVER_MS), Relaxed);
        self.windows.store(number(work.windows), Relaxed);
        self.groups.store(number(work.groups), Relaxed);
        self.state_bytes.store(number(work.state_bytes), Relaxed);
    }

    /// Whoever asks also gets what `more` adds, unless that takes too long. It is to give up after
    /// [`MORE_WITHIN`].
    pub fn add(&self, more: impl Fn(&mut Figures) + Send + Sync + 'static) {
        let _ = self.more.set(Box::new(more));
    }

    /// The figures of this moment, without what others know.
    pub(super) fn now(&self) -> Figures {
        let seconds = self.elapsed().as_secs_f64();
        let known = |number: &AtomicU64| Some(number.load(Relaxed)).filter(|it| *it != NONE);
        let time = |ms: &AtomicI64| Some(ms.load(Relaxed)).filter(|it| *it != NEVER_MS);
        let shown = |ms: &AtomicI64| time(ms).map(show_ms);
        let records_in = self.records_in();
        let rate = if seconds > 0.0 { records_in as f64 / seconds } else { 0.0 };
        Figures {
            tool: self.begun.get().map(|begun| begun.tool.clone()).unwrap_or_default(),
            pid: std::process::id(),
            seconds: (seconds * 1e3).round() / 1e3,
            waiting_for: self.waiting_for(),
            lent: self.lent.load(Relaxed),
            records_in,
            records_out: self.records_out(),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out(),
            records_per_second: (rate * 10.0).round() / 10.0,
            watermark: shown(&self.watermark_ms),
            event_time: shown(&self.time_ms),
            windows: known(&self.windows),
            closes_at: shown(&self.closes_ms),
            groups: known(&self.groups),
            state_bytes: known(&self.state_bytes),
            memory_bytes: resident_bytes(),
            late: self.late.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            lag: None,
            last_append: None,
        }
    }

    /// The same with what others know, if they say it within this time. While they have not said
    /// it to the last who asked, they are not asked again: they may never say it.
    pub(super) fn all(&'static self, patience: Duration) -> Figures {
        let figures = self.now();
        let Some(more) = self.more.get() else { return figures };
        if self.is_asking.swap(true, Relaxed) {
            return figures;
        }
        let (tell, told) = channel();
        let mut asked = figures.clone();
        let ask = move || {
            more(&mut asked);
            self.is_asking.store(false, Relaxed);
            let _ = tell.send(asked);
        };
        match Builder::new().name("figures".to_owned()).spawn(ask) {
            Ok(_) => told.recv_timeout(patience).unwrap_or(figures),
            Err(_) => {
                self.is_asking.store(false, Relaxed);
                figures
            }
        }
    }

    fn waiting_for(&self) -> Option<WaitingFor> {
        match self.place.load(Relaxed) {
            place if place == Place::Cpu as u8 => Some(WaitingFor::Cpu),
            place if place == Place::Input as u8 => Some(WaitingFor::Input),
            // To copy into a pipe that has room is work.
            place if place == Place::Stdout as u8 && takes_more() => Some(WaitingFor::Cpu),
            place if place == Place::Stdout as u8 => Some(WaitingFor::Output),
            place if place == Place::Output as u8 => Some(WaitingFor::Output),
            _ => None,
        }
    }
}

/// Whether standard output takes something now.
fn takes_more() -> bool {
    use std::os::fd::AsFd;
    let seen = wait(&[(io::stdout().as_fd(), Wanted::Output)], Some(Duration::ZERO));
    seen.is_ok_and(|seen| seen == [true])
}
