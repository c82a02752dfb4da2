//! What stages do, as it was seen by several looks, and which one holds the others up.

use serde::Serialize;

use super::pipelines::Member;
use crate::cli::figures::{Figures, WaitingFor};

/// What was seen of a process.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    first: Option<Figures>,
    last: Option<Figures>,
    waits: [u32; 3],
}

/// How much of the time a stage waits, in parts of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Shares {
    /// For input.
    pub input: f64,
    /// For its output to be taken.
    pub output: f64,
    /// For neither: it works.
    pub cpu: f64,
}

impl Seen {
    /// Its figures at another moment.
    pub fn add(&mut self, figures: Figures) {
        match figures.waiting_for {
            Some(WaitingFor::Input) => self.waits[0] += 1,
            Some(WaitingFor::Output) => self.waits[1] += 1,
            Some(WaitingFor::Cpu) => self.waits[2] += 1,
            None => {}
        }
        self.first.get_or_insert_with(|| figures.clone());
        self.last = Some(figures);
    }

    /// Its last figures, if it gave any.
    pub fn figures(&self) -> Option<&Figures> {
        self.last.as_ref()
    }

    /// What it waits for, if it says that.
    pub fn shares(&self) -> Option<Shares> {
        let all = f64::from(self.waits.iter().sum::<u32>());
        let [input, output, cpu] = self.waits.map(|count| f64::from(count) / all);
        (all > 0.0).then_some(Shares { input, output, cpu })
    }

    /// How many records were read and emitted in a second between the first look and the last; of
    /// one look, none is known.
    pub fn rates(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.first.as_ref()?, self.last.as_ref()?);
        let seconds = last.seconds - first.seconds;
        let rate = |from: u64, to: u64| (to.saturating_sub(from) as f64 / seconds).round();
        (seconds > 0.0).then(|| {
            let read = rate(first.records_in, last.records_in);
            (read, rate(first.records_out, last.records_out))
        })
    }
}

impl Shares {
    /// What it waits for mostly.
    pub fn most(&self) -> WaitingFor {
        match self {
            Shares { input, output, cpu } if output >= input && output >= cpu => WaitingFor::Output,
            Shares { input, cpu, .. } if input >= cpu => WaitingFor::Input,
            _ => WaitingFor::Cpu,
        }
    }
}

/// Which member of a pipeline holds the others up: the one that waits for neither, or is stopped,
/// or, of a program that tells nothing, the one whose neighbours wait for it.
pub fn slowest(members: &[(Member, Seen)]) -> Option<usize> {
    if let Some(stopped) = members.iter().position(|(it, _)| it.process.is_stopped) {
        return Some(stopped);
    }
    let busy = |(_, seen): &(Member, Seen)| seen.shares().map_or(0.0, |shares| shares.cpu);
    let busiest =
        (0..members.len()).max_by(|a, b| busy(&members[*a]).total_cmp(&busy(&members[*b])));
    if let Some(busiest) = busiest.filter(|at| busy(&members[*at]) >= 0.5) {
        return Some(busiest);
    }
    let most = |at: usize| members.get(at).and_then(|it| it.1.shares()).map(|it| it.most());
    (1..members.len()).find(|&at| {
        let is_silent = members[at].1.figures().is_none();
        let is_full = most(at - 1) == Some(WaitingFor::Output);
        is_silent && is_full && most(at + 1).is_none_or(|after| after == WaitingFor::Input)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use WaitingFor::{Cpu, Input, Output};

    fn seen(waits: &[WaitingFor]) -> (Member, Seen) {
        let mut seen = Seen::default();
        for (at, wait) in (0..).zip(waits) {
            let (seconds, records_in) = (f64::from(at) / 2.0, 1000 * at as u64);
            let waiting_for = Some(*wait);
            seen.add(Figures { seconds, records_in, waiting_for, ..Figures::default() });
        }
        (Member::default(), seen)
    }

    #[test]
    fn rates_are_those_between_the_looks() {
        assert_eq!(seen(&[Cpu, Input, Cpu]).1.rates(), Some((2000.0, 0.0)));
        assert_eq!(seen(&[Cpu]).1.rates(), None);
        assert_eq!(seen(&[]).1.shares(), None);
    }

    #[test]
    fn the_slow_one_waits_for_neither() {
        let busy = seen(&[Cpu, Cpu, Input]);
        let pipeline = [seen(&[Output, Output, Cpu]), busy.clone(), seen(&[Input])];
        assert_eq!(slowest(&pipeline), Some(1));
        assert_eq!(slowest(&[seen(&[Input]), seen(&[Input])]), None);
        assert_eq!(slowest(&[seen(&[Input]), busy, seen(&[Cpu])]), Some(2));
    }

    #[test]
    fn a_program_that_tells_nothing_is_slow_if_its_neighbours_wait_for_it() {
        let full = seen(&[Output, Output, Input]);
        assert_eq!(slowest(&[full.clone(), seen(&[]), seen(&[Input])]), Some(1));
        assert_eq!(slowest(&[full.clone(), seen(&[])]), Some(1));
        assert_eq!(slowest(&[full.clone(), seen(&[]), full.clone()]), None);
        assert_eq!(slowest(&[seen(&[]), seen(&[Input])]), None);
        let mut stopped = seen(&[]);
        stopped.0.process.is_stopped = true;
        assert_eq!(slowest(&[full, stopped]), Some(1));
    }
}
