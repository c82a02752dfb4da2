//! How to add an operator: a moving maximum, each number with the greatest of the last N.
//!
//! ```sh
//! seq 5 | cargo run --example operator -- 3 .
//! ```

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use millstream::cli::options::InputOptions;
use millstream::cli::run::Run;
use millstream::cli::{Status, Tool, Tools, enter};
use millstream::expr::{Program, Value};
use millstream::operator::{Collector, Fault, InputId, Operator};
use millstream::record::decode::Raw;
use millstream::state::{Reader, StateError, Writer};

/// What the operator remembers.
struct MovingMax {
    program: Program,
    count: usize,
    last: VecDeque<i64>,
}

impl Operator for MovingMax {
    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut record = self.program.load(raw.bytes).map_err(Fault::said)?;
        let Value::Number(text) = record.value(0).map_err(Fault::said)? else {
            return Err(Fault::bad("not a number"));
        };
        let number = text.parse().map_err(Fault::bad)?;
        self.last.push_back(number);
        self.last.drain(..self.last.len().saturating_sub(self.count));
        let greatest = self.last.iter().max().unwrap_or(&number);
        let line = format!("{{\"number\":{number},\"max\":{greatest}}}\n");
        out.pending().extend_from_slice(line.as_bytes());
        Ok(ControlFlow::Continue(()))
    }

    fn snapshot(&self, _: &dyn Collector, to: &mut Writer) {
        to.put_len(self.last.len());
        self.last.iter().for_each(|number| to.put_i64(*number));
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let count = from.take_count(size_of::<i64>())?;
        self.last = (0..count).map(|_| from.take_i64()).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Print each number with the greatest of the last N
#[derive(Parser)]
#[command(name = "operator")]
struct Options {
    /// How many numbers to compare
    count: usize,
    /// The jq expression for a record's number
    expression: String,
    #[command(flatten)]
    input: InputOptions,
}

fn run(options: Options) -> anyhow::Result<Status> {
    let program = Program::compile(&[&options.expression])?;
    let mut operator = MovingMax { program, count: options.count.max(1), last: VecDeque::new() };
    Ok(Run::over(&options.input).operator(&mut operator)?.status)
}

fn main() -> ExitCode {
    enter(&Tools::new(vec![Tool::new("operator", run)], Options::command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_comes_with_the_greatest_of_the_last_three() {
        let moving_max = || {
            let program = Program::compile(&["."]).unwrap();
            MovingMax { program, count: 3, last: VecDeque::new() }
        };
        let mut operator = moving_max();
        let mut out = Vec::new();
        for number in ["5", "1", "x", "2", "3"] {
            let raw = Raw { bytes: number.as_bytes(), line: 1, unterminated: false };
            let taken = operator.record(InputId(0), raw, &mut out);
            assert_eq!(taken.is_err(), number == "x", "{taken:?}");
            // Another one goes on from here.
            let mut saved = Writer::new();
            operator.snapshot(&out, &mut saved);
            operator = moving_max();
            operator.restore(&mut Reader::new(saved.as_bytes())).unwrap();
        }
        let greatest: Vec<&str> = std::str::from_utf8(&out)
            .unwrap()
            .lines()
            .filter_map(|line| line.get(18..19))
            .collect();
        assert_eq!(greatest, ["5", "5", "5", "3"]);
    }
}
