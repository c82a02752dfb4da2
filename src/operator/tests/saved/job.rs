//! A stream that an operator takes, and that another one may go on with.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::expr::Presence;
use crate::operator::fused::Downstream;
use crate::operator::late::{Late, Tally};
use crate::operator::tests::{Driver, Emitted, INPUT};
use crate::operator::{Aggregate, Filter, Fused, Map, Operator, Over, Window};
use crate::record::decode::Decoder;
use crate::record::lines::LineDecoder;
use crate::state::{Writer, open, seal};

/// What comes, one after the other.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Line(String),
    /// Input was waited for so many microseconds.
    Wait(u64),
    /// All of one read has been taken.
    Batch,
    /// A file ends.
    File,
}

/// An operator that tells at the end what its tool tells.
pub(super) trait Told: Operator {
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
pub(super) struct Job<'a, O> {
    pub build: &'a dyn Fn(&Presence) -> O,
    pub operator: O,
    pub presence: Presence,
    pub emitted: Emitted,
    pub decoder: LineDecoder,
}

impl<'a, O: Told> Job<'a, O> {
    pub fn new(build: &'a dyn Fn(&Presence) -> O) -> Job<'a, O> {
        let presence = Presence::default();
        let operator = build(&presence);
        let (emitted, decoder) = (Emitted::default(), LineDecoder::new(1000));
        Job { build, operator, presence, emitted, decoder }
    }

    /// Takes what comes; false if no more is wanted.
    pub fn take(&mut self, event: &Event) -> bool {
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

    pub fn saved(&self) -> Vec<u8> {
        let mut to = Writer::new();
        self.operator.snapshot(&self.emitted, &mut to);
        to.into_bytes()
    }

    /// Goes on with another operator, which has what this one saved.
    pub fn restart(&mut self) {
        let bytes = seal("job", |to| self.operator.snapshot(&self.emitted, to));
        self.presence = Presence::default();
        self.operator = (self.build)(&self.presence);
        open("job", &bytes, |from| self.operator.restore(from)).unwrap();
        assert_eq!(seal("job", |to| self.operator.snapshot(&self.emitted, to)).len(), bytes.len());
    }

    /// Ends the stream; all that came of it.
    pub fn end(mut self) -> (String, Emitted, String, Option<String>) {
        let undone = format!("{:?}", self.operator.undone());
        if let Err(fault) = self.operator.end(&mut self.emitted) {
            self.emitted.bad.push(fault.to_string());
        }
        self.operator.end_of_batch(&mut self.emitted).unwrap();
        (undone, self.emitted, self.operator.told(), self.presence.absent())
    }
}

/// Records whose times drift, bad lines, what streams say of themselves, waits, files.
pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
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
