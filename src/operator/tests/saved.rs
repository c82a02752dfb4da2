//! Saved after each record and restored in another operator, the rest of a stream gives what it
//! would have given; what is damaged is refused, or harmless.

mod job;
mod setup;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use self::job::{Event, Job, Told, events};
use self::setup::{Setup, memory, over, repeats, setup, unique};
use super::{Driver, Emitted, KEEPING, filter, map, printing, run};
use crate::aggregate::Emit;
use crate::expr::Presence;
use crate::operator::filter::Keeping;
use crate::operator::unique::Memory;
use crate::operator::{Aggregate, Operator};
use crate::record::decode::Decoder;
use crate::record::lines::LineDecoder;
use crate::state::{Reader, StateError, Writer};

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
        which in 0..4, events in events(), memory in memory(), kept in 1_u64..9, invert: bool,
    ) {
        let keeping = Keeping { invert, kept_max: Some(kept), ..KEEPING };
        match which {
            0 => check(&events, &|presence| {
                let mut map = map();
                map.program.watch(presence);
                map
            })?,
            1 => check(&events, &|_| filter())?,
            2 => check(&events, &|presence| repeats(keeping, presence))?,
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
        check_damaged(&events, &damage, cut, &|presence| repeats(KEEPING, presence))?;
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
        fill: false,
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
    let filled = Setup { fill: true, ..setup.clone() }.fused(&presence);
    let plan = "groups, aggregates or emitted results";
    assert_eq!(restored(filled, &saved(&setup.fused(&presence))), other(plan));
    let all = saved(&unique(Memory::All, KEEPING, &presence));
    assert_eq!(restored(unique(Memory::All, KEEPING, &presence), &all), Ok(()));
    let last = unique(Memory::Last(3), KEEPING, &presence);
    assert_eq!(restored(last, &all), other("memory for keys"));
    assert_eq!(restored(filter(), &all), other("unique keys"));
    let within = unique(Memory::Within(9), KEEPING, &presence);
    let rolled_up = saved(&repeats(KEEPING, &presence));
    assert_eq!(restored(within, &rolled_up), other("unique keys"));
    assert_eq!(restored(repeats(KEEPING, &presence), &rolled_up), Ok(()));
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
