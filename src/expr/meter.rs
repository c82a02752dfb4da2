//! Meters what the evaluation on this thread takes, and ends it when that is too much.
//!
//! The jaq crates have no way to end an evaluation from inside: an error can be caught by the
//! expression, and many places have no error to give. So an evaluation that runs into a bound
//! unwinds to [`within`], as rust-analyzer's queries do when they are cancelled; no panic is
//! reported, and all values are dropped on the way.
//!
//! Values have no way to the evaluation that makes them, but for the thread that they are made on:
//! the meter is the thread's.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::bounds::{Bounds, Budget, Exceeded, UNSHARED_BYTES};

/// After how many steps it is looked whether the evaluation is to stop.
const STEPS_BETWEEN_LOOKS: u32 = 4096;

/// A step takes one more for so much of the stack that lies above it: it is called through
/// iterators within iterators, each of which takes time.
const STACK_BYTES_A_STEP: usize = 16 << 10;

/// How many bytes are gone through in a step.
const BYTES_A_STEP: usize = 256;

/// Going through fewer bytes than this is part of the step that does it.
const LARGE_BYTES: usize = 4096;

/// Going through an item of an array, or a field of an object, takes as long as so many bytes.
const BYTES_AN_ITEM: usize = 64;

/// How much an evaluation takes from its budget at a time, in bytes.
const BYTES_AT_A_TIME: isize = 1 << 20;

/// What a context of jaq takes, in bytes, with the iterator that holds it: an estimate.
const CONTEXT_BYTES: usize = 128;

/// Where an evaluation runs, and how far it may go there.
#[derive(Clone, Copy, Debug)]
pub(in crate::expr) struct Room {
    /// How much of the stack it may use, in bytes.
    pub(in crate::expr) stack_bytes: usize,
    /// How many steps it may take. What it builds of closures and paths is dropped by recursion,
    /// in jaq, so that the stack bounds the steps, too.
    pub(in crate::expr) steps_max: u64,
}

/// Why an evaluation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expr) enum Cut {
    /// It has used up the room that it runs in.
    Room,
    /// It has run into a bound.
    Bound(Exceeded),
}

struct Meter {
    is_on: Cell<bool>,
    /// Where the stack begins that the evaluation uses.
    top: Cell<usize>,
    /// The lowest address at which a step is one step only. Stacks grow downwards on every machine
    /// that we build for.
    near: Cell<usize>,
    /// The lowest address that the stack may reach.
    floor: Cell<usize>,
    /// The steps until the next look, and those after that.
    steps: Cell<u32>,
    steps_later: Cell<u64>,
    /// What has gone wrong when there are no more steps.
    last_step: Cell<Cut>,
    /// How many contexts there are. What they take is added up at each look only: there is at most
    /// one more of them for each step.
    contexts: Cell<usize>,
    /// How many bytes are held more than when the evaluation began.
    bytes: Cell<isize>,
    /// How many it may hold before it must take more from the budget.
    bytes_max: Cell<isize>,
    /// How many it may hold at most.
    bytes_bound: Cell<isize>,
    budget: Cell<Option<&'static Budget>>,
    /// How many bytes are taken from the budget.
    taken: Cell<usize>,
    time_max: Cell<Option<Duration>>,
    /// At which processor time of the thread the evaluation must be over. It is known from the
    /// first look on: most evaluations end before, and spare the clock.
    deadline: Cell<Option<Duration>>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            is_on: Cell::new(false),
            top: Cell::new(0),
            near: Cell::new(0),
            floor: Cell::new(0),
            steps: Cell::new(0),
            steps_later: Cell::new(0),
            last_step: Cell::new(Cut::Room),
            contexts: Cell::new(0),
            bytes: Cell::new(0),
            bytes_max: Cell::new(isize::MAX),
            bytes_bound: Cell::new(isize::MAX),
            budget: Cell::new(None),
            taken: Cell::new(0),
            time_max: Cell::new(None),
            deadline: Cell::new(None),
        }
    };
    /// Set from outside to end the evaluation.
    static STOP: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Evaluates within bounds, and the room that there is on this stack. Gives the result, and how
/// many steps it took.
pub(in crate::expr) fn within<T>(
    bounds: &Bounds,
    room: Room,
    evaluate: impl FnOnce() -> T,
) -> (Result<T, Cut>, u64) {
    let steps_max = bounds.steps_max.min(room.steps_max);
    METER.with(|meter| meter.start(bounds, room, steps_max));
    if bounds.stop.is_some() {
        STOP.with(|stop| stop.replace(bounds.stop.clone()));
    }
    let done = catch_unwind(AssertUnwindSafe(evaluate));
    if bounds.stop.is_some() {
        STOP.with(|stop| stop.replace(None));
    }
    let steps_left = METER.with(Meter::end);
    let done = done.map_err(|unwound| match unwound.downcast::<Cut>() {
        Ok(cut) => *cut,
        Err(panic) => resume_unwind(panic),
    });
    (done, steps_max - steps_left)
}

/// One step of the evaluation, here on the stack.
#[inline]
pub(in crate::expr) fn step() {
    METER.with(|meter| match meter.steps.get().checked_sub(1) {
        Some(left) if here() >= meter.near.get() => meter.steps.set(left),
        _ => steps(1),
    });
}

/// Work that takes as long as so many steps.
#[inline(never)]
pub(in crate::expr) fn steps(count: usize) {
    METER.with(|meter| {
        let here = here();
        let count = count.saturating_add(meter.top.get().saturating_sub(here) / STACK_BYTES_A_STEP);
        match u32::try_from(count).ok().and_then(|count| meter.steps.get().checked_sub(count)) {
            Some(left) => meter.steps.set(left),
            None => meter.look(count as u64),
        }
        if here < meter.floor.get() {
            meter.cut(Cut::Room);
        }
    });
}

/// Work that goes through so many bytes. The work of small values is part of the step that does it.
#[inline]
pub(in crate::expr) fn work(bytes: usize) {
    if bytes >= LARGE_BYTES {
        large_work(bytes);
    }
}

#[cold]
fn large_work(bytes: usize) {
    steps(bytes / BYTES_A_STEP);
}

/// Work that goes through so many items of an array, or fields of an object.
#[inline]
pub(in crate::expr) fn items(count: usize) {
    work(count.saturating_mul(BYTES_AN_ITEM));
}

/// Work that sorts so many items.
pub(in crate::expr) fn sorting(count: usize) {
    items(count.saturating_mul(count.checked_ilog2().unwrap_or_default() as usize));
}

/// Looks whether the evaluation is to stop, before work that may take long for no steps.
pub(in crate::expr) fn look() {
    METER.with(|meter| meter.look(1));
}

/// Ends the evaluation if it cannot hold so many bytes more: to be asked before they are taken.
#[inline]
pub(in crate::expr) fn room(bytes: usize) {
    METER.with(|meter| {
        let held = meter.bytes.get().saturating_add_unsigned(bytes);
        if held > meter.bytes_max.get() {
            meter.take(held);
        }
    });
}

/// Notes that so many bytes more are held. What was held before an evaluation may be released in
/// it, and the other way round: only the difference is looked at.
#[inline]
pub(in crate::expr) fn hold(bytes: usize) {
    METER.with(|meter| {
        let held = meter.bytes.get().wrapping_add_unsigned(bytes);
        meter.bytes.set(held);
        if held > meter.bytes_max.get() {
            meter.take(held);
        }
    });
}

/// Notes that bytes which were held are free.
#[inline]
pub(in crate::expr) fn release(bytes: usize) {
    METER.with(|meter| meter.bytes.set(meter.bytes.get().wrapping_sub_unsigned(bytes)));
}

/// What an evaluation may hold, in bytes; without bound outside of one.
pub(in crate::expr) fn bytes_max() -> usize {
    METER.with(|meter| meter.bytes_bound.get().unsigned_abs())
}

/// A part of an evaluation, which counts as a step and as memory that is held.
#[derive(Debug)]
pub(in crate::expr) struct Context(());

impl Context {
    #[inline]
    pub(in crate::expr) fn new() -> Context {
        step();
        METER.with(|meter| meter.contexts.set(meter.contexts.get().wrapping_add(1)));
        Context(())
    }
}

impl Drop for Context {
    #[inline]
    fn drop(&mut self) {
        METER.with(|meter| meter.contexts.set(meter.contexts.get().wrapping_sub(1)));
    }
}

impl Meter {
    fn start(&self, bounds: &Bounds, room: Room, steps_max: u64) {
        let top = here();
        self.top.set(top);
        self.near.set(top.saturating_sub(STACK_BYTES_A_STEP));
        self.floor.set(top.saturating_sub(room.stack_bytes));
        self.begin_steps(steps_max);
        self.last_step.set(match bounds.steps_max <= room.steps_max {
            true => Cut::Bound(Exceeded::Steps(bounds.steps_max)),
            false => Cut::Room,
        });
        self.contexts.set(0);
        self.bytes.set(0);
        let bound = isize::try_from(bounds.bytes_max).unwrap_or(isize::MAX);
        self.bytes_bound.set(bound);
        self.bytes_max.set(match bounds.budget {
            Some(_) => bound.min(UNSHARED_BYTES as isize),
            None => bound,
        });
        self.budget.set(bounds.budget);
        self.time_max.set(bounds.time_max);
        self.deadline.set(None);
        self.is_on.set(true);
    }

    /// Ends the metering; gives the steps that were left.
    fn end(&self) -> u64 {
        self.turn_off();
        if let Some(budget) = self.budget.take() {
            budget.give_back(self.taken.take());
        }
        u64::from(self.steps.get()).saturating_add(self.steps_later.get())
    }

    /// Takes steps when those until the next look are used up.
    #[cold]
    fn look(&self, count: u64) {
        if !self.is_on.get() {
            return self.steps.set(u32::MAX);
        }
        let is_set = |stop: &Arc<AtomicBool>| stop.load(Ordering::Relaxed);
        if STOP.with_borrow(|stop| stop.as_ref().is_some_and(is_set)) {
            self.cut(Cut::Bound(Exceeded::Stopped));
        }
        if let Some(time_max) = self.time_max.get() {
            let now = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
            match self.deadline.get() {
                Some(deadline) if now > deadline => {
                    self.cut(Cut::Bound(Exceeded::Time(time_max)));
                }
                Some(_) => {}
                None => self.deadline.set(Some(now.saturating_add(time_max))),
            }
        }
        let contexts = self.contexts.get().saturating_mul(CONTEXT_BYTES);
        let held = self.bytes.get().saturating_add_unsigned(contexts);
        if held > self.bytes_max.get() {
            self.take(held);
        }
        let all = u64::from(self.steps.get()).saturating_add(self.steps_later.get());
        let Some(left) = all.checked_sub(count) else { self.cut(self.last_step.get()) };
        self.begin_steps(left);
    }

    /// Sets how many steps are left, and with that when the next look is.
    fn begin_steps(&self, left: u64) {
        let now = left.min(u64::from(STEPS_BETWEEN_LOOKS));
        self.steps.set(u32::try_from(now).unwrap_or(STEPS_BETWEEN_LOOKS));
        self.steps_later.set(left - now);
    }

    /// Takes what it needs to hold so many bytes from the budget, if it may hold them.
    #[cold]
    fn take(&self, held: isize) {
        let bound = self.bytes_bound.get();
        if held > bound {
            self.cut(Cut::Bound(Exceeded::Bytes(bound.unsigned_abs())));
        }
        let Some(budget) = self.budget.get() else { return };
        let wanted = held.saturating_add(BYTES_AT_A_TIME).min(bound);
        let more = wanted.abs_diff(self.bytes_max.get());
        if !budget.take(more) {
            self.cut(Cut::Bound(Exceeded::Busy(budget.bytes_max)));
        }
        self.taken.set(self.taken.get() + more);
        self.bytes_max.set(wanted);
    }

    /// Unwinds to [`within`]. What is dropped on the way is not metered: it would unwind again.
    #[cold]
    fn cut(&self, cut: Cut) -> ! {
        self.turn_off();
        resume_unwind(Box::new(cut))
    }

    fn turn_off(&self) {
        self.is_on.set(false);
        self.top.set(0);
        self.near.set(0);
        self.floor.set(0);
        self.bytes_max.set(isize::MAX);
        self.bytes_bound.set(isize::MAX);
    }
}

/// The address of something on the stack, now.
#[inline]
fn here() -> usize {
    let mark = 0_u8;
    std::ptr::from_ref(black_box(&mark)).addr()
}
