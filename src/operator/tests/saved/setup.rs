//! Operators with all kinds of options.

use proptest::prelude::*;

use crate::aggregate::{
    AggregateSpec, Aggregator, Emit, Extent, Filling, GroupSpec, Plan, Policy, Selection, Style,
};
use crate::expr::{Presence, Program};
use crate::operator::aggregate::Reread;
use crate::operator::clock::{Clock, Form};
use crate::operator::filter::{Keeping, Unique};
use crate::operator::repeats::Repeats;
use crate::operator::rolled_up::RolledUp;
use crate::operator::splice::{Print, Splice};
use crate::operator::tests::{TRUST, ms};
use crate::operator::unique::{Memory, Seen};
use crate::operator::{Filter, Fused, Over, Window};
use crate::record::control::Windowing;
use crate::time::{Ambiguous, LocalClock, Shift};
use crate::window::{Frame, Length, Placing, Progress, Tumbling, Windows};

/// How a stream is windowed and aggregated.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub kind: usize,
    pub lateness: i64,
    pub idle: bool,
    pub guarded: bool,
    pub local: bool,
    pub emit: Emit,
    pub every: bool,
    pub having: bool,
    pub top: bool,
    pub table: bool,
    pub fill: bool,
}

pub(super) const KINDS: usize = 6;

pub(super) fn setup() -> impl Strategy<Value = Setup> {
    let emit = prop_oneof![Just(Emit::Final), Just(Emit::Updates), Just(Emit::All)];
    let waits = (0..2_i64, any::<[bool; 3]>());
    (0..KINDS, waits, emit, any::<[bool; 5]>()).prop_map(
        |(kind, (lateness, [idle, guarded, local]), emit, [every, having, top, table, fill])| {
            Setup {
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
                fill: fill && kind < 4,
            }
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

    pub fn printing(&self) -> Fused<Window, Splice<Print>> {
        let first = self.window(Some(0));
        let carried = first.carried();
        Fused::new(first, Splice::new(self.program(), Some("…"), carried, Print::new(true)))
    }

    /// An aggregation that reads these times itself.
    pub fn aggregator(&self, time: Option<&str>, presence: &Presence) -> Aggregator {
        let plan = plan(&["count", "sum(.x)", "last=last(.t)", "p99(.x)"], time, presence);
        let mut selection = Selection::default();
        if self.having {
            selection.having(".count != 2").unwrap();
        }
        if self.top {
            selection.top("1:count", true, &["count"]).unwrap();
        }
        let style = if self.table { Style::Columns { color: false } } else { Style::Records };
        let every_ms = self.every.then_some(7);
        let always = vec![b"1".to_vec(), b"7".to_vec()];
        let filling = Filling { lasts_ms: Some(30), always, rows_max: 5_000 };
        let filling = self.fill.then_some(filling);
        Aggregator::new(plan).reporting(selection, style).filling(filling).emitting(Policy {
            emit: self.emit,
            every_ms,
            ..Policy::default()
        })
    }

    pub fn fused(&self, presence: &Presence) -> Fused<Window, Aggregator> {
        let time = self.has_time().then(|| self.time());
        let mut second = self.aggregator(time, presence);
        second.begin_windows(&self.windowing()).unwrap();
        Fused::new(self.window(second.time_expression()), second)
    }

    pub fn reread(&self, presence: &Presence) -> Fused<Window, Splice<Reread>> {
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
pub(super) fn over(timed: bool, within: bool, presence: &Presence) -> Over {
    let extent = if timed { Extent::Time(ms(20)) } else { Extent::Records(3) };
    let plan = plan(&["count", "sum(.x)", "max(.t)"], (timed && within).then_some(".t"), presence);
    let over = crate::aggregate::Over::new(plan, extent, ms(2), Selection::default()).unwrap();
    let form = Form::known(None, None, false);
    let clock = || Clock::new(Program::compile(&[".t"]).unwrap(), form, "…");
    Over::new(over.idling(Some(ms(20))), timed.then(clock))
}

pub(super) fn unique(memory: Memory, keeping: Keeping, presence: &Presence) -> Filter {
    let mut program = Program::compile(&[".x != 2", ".g", ".t"]).unwrap();
    program.watch(presence);
    let time = matches!(memory, Memory::Within(_)).then_some(None);
    let unique = Unique::new(Seen::new(memory), time);
    Filter::new(program, TRUST, keeping).with_unique(Some(unique))
}

pub(super) fn repeats(keeping: Keeping, presence: &Presence) -> Filter {
    let mut program = Program::compile(&[".x != 2", ".g", ".t"]).unwrap();
    program.watch(presence);
    let repeats = RolledUp::new(Repeats::new(9, 9).idling(Some(ms(20))), "x");
    let unique = Unique::rolled_up(repeats, None);
    Filter::new(program, TRUST, keeping).with_unique(Some(unique))
}

pub(super) fn memory() -> impl Strategy<Value = Memory> {
    prop_oneof![Just(Memory::All), Just(Memory::Within(9)), Just(Memory::Last(2))]
}
