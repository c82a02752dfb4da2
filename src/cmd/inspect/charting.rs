//! Figures of the records of a view, for a chart.

use super::chunk::Chunk;
use crate::aggregate::functions::function::Function;
use crate::expr::{ExprError, ParsedRecord, Program, RecordError, Value};
use crate::time::event_time::from_text;
use crate::time::local::{Ambiguous, LocalClock};
use crate::time::zone::Zone;
use crate::tui::chart::{Chart, Kind};

/// A chart that is being made.
pub struct Charting {
    program: Program,
    /// Which expression gives the place on the axis, and which one the group.
    over: Option<usize>,
    by: Option<usize>,
    /// Reads days, and times without an offset, as UTC.
    clock: LocalClock,
    /// What was gathered.
    pub chart: Chart,
    /// The number of the next record.
    pub next: u64,
}

impl Charting {
    /// Reads what the user wrote: `EXPR`, `EXPR over EXPR`, `count over EXPR`, each with `by EXPR`
    /// after it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, first: u64) -> Result<Charting, String> {
        let (rest, by) = match text.rsplit_once(" by ") {
            Some((rest, by)) => (rest, Some(by)),
            None => (text, None),
        };
        let (value, over) = match rest.split_once(" over ") {
            Some((value, over)) => (value.trim(), Some(over)),
            None => (rest.trim(), None),
        };
        if by.is_some() && over.is_none() {
            return Err("groups need an axis: write EXPR over EXPR by EXPR".to_owned());
        }
        let (value, kind) = match (value, over) {
            ("count", Some(_)) => ("1", Kind::Count),
            (value, Some(_)) => (value, Kind::Mean),
            (value, None) => (value, Kind::Distribution),
        };
        let mut sources = vec![value];
        let over = over.map(|source| add_source(&mut sources, source));
        let by = by.map(|source| add_source(&mut sources, source));
        let wrong = |error: ExprError| said_instead(value).unwrap_or_else(|| error.to_string());
        let program = Program::compile(&sources).map_err(wrong)?;
        let chart = Chart::new(text.trim().to_owned(), kind);
        let clock = LocalClock::new(Zone::utc(), Ambiguous::default());
        Ok(Charting { program, over, by, clock, chart, next: first })
    }

    /// Forgets what it has taken, since some of it has changed.
    pub fn begin_again(&mut self) {
        self.chart = Chart::new(std::mem::take(&mut self.chart.title), self.chart.kind);
        self.next = 0;
    }

    /// Takes the records of a chunk that `has` says belong to the view, before `end`.
    pub fn take(&mut self, chunk: &Chunk, end: u64, has: impl Fn(u64) -> bool) {
        let Charting { program, over, by, clock, chart, next } = self;
        for number in *next..chunk.end().min(end) {
            *next = number + 1;
            if !has(number) {
                continue;
            }
            let record = chunk.record(number).unwrap_or_default();
            let taken = match chunk.is_good(number) {
                true => {
                    let taken = program.load(record);
                    taken.and_then(|record| add(record, (*over, *by), clock, chart))
                }
                false => Ok(false),
            };
            chart.left_out += u64::from(!taken.unwrap_or(false));
        }
        program.rest();
    }
}

/// What to write in place of an aggregate like `avg(.ms)`, if it is one: a chart has its own.
fn said_instead(value: &str) -> Option<String> {
    let (name, argument) = match value.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(')')?.trim()),
        None => value.split_once(' ').unwrap_or((value, "")),
    };
    let function = Function::find(name).filter(|_| Program::compile(&[value]).is_err())?;
    let of = if argument.is_empty() || argument == "*" { ".ms" } else { argument };
    Some(match function.name {
        "count" => "a chart counts along an axis: write count over .time".to_owned(),
        "avg" => format!("a chart draws means along an axis: write {of} over .time"),
        _ => format!(
            "a chart draws how often values come ({of}), means ({of} over .time) and counts \
             (count over .time); the tool aggregate has {name}"
        ),
    })
}

fn add_source<'a>(sources: &mut Vec<&'a str>, source: &'a str) -> usize {
    sources.push(source);
    sources.len() - 1
}

/// Adds a record to a chart; says whether it has what is shown.
fn add(
    mut record: ParsedRecord<'_, '_>,
    (over, by): (Option<usize>, Option<usize>),
    clock: &mut LocalClock,
    chart: &mut Chart,
) -> Result<bool, RecordError> {
    let Some(over) = over else {
        return Ok(match record.value(0)? {
            Value::Null => false,
            Value::Number(text) => finite(text).is_some_and(|number| {
                chart.add("", number, number);
                true
            }),
            Value::Text(text) | Value::Json(text) => {
                chart.count(text);
                true
            }
            Value::Bool(truth) => {
                chart.count(if truth { "true" } else { "false" });
                true
            }
        });
    };
    let Value::Number(text) = record.value(0)? else { return Ok(false) };
    let Some(number) = finite(text) else { return Ok(false) };
    let place = match record.value(over)? {
        Value::Number(text) => finite(text),
        Value::Text(text) => {
            let time = from_text(text, Some(clock)).ok().map(|time_ms| time_ms as f64 / 1e3);
            chart.is_time |= time.is_some();
            time
        }
        _ => None,
    };
    let Some(place) = place else { return Ok(false) };
    let group = match by {
        None => String::new(),
        Some(by) => match record.value(by)? {
            Value::Text(text) => text.to_owned(),
            value => {
                let mut text = Vec::new();
                value.write_json(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            }
        },
    };
    chart.add(&group, place, number);
    Ok(true)
}

/// A number, if it is not too large to be drawn.
fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::super::chunk::{Collector, Place};
    use super::*;

    fn chart(text: &str) -> Chart {
        let mut collector = Collector::new("f".into(), 0);
        let record = |n: u64| {
            let time = format!("2013-01-01T00:00:{:02}Z", n % 60);
            format!("{{\"t\":\"{time}\",\"n\":{n},\"g\":\"g{}\",\"no\":null}}", n % 2)
        };
        (0..100).for_each(|n| collector.push(record(n).as_bytes(), Place::Line(n), None));
        collector.push(b"bad", Place::Line(100), Some("bad"));
        let chunk = collector.take().unwrap();
        let mut charting = Charting::new(text, 0).unwrap();
        charting.take(&chunk, 101, |number| number != 99);
        assert_eq!(charting.next, 101);
        charting.chart
    }

    #[test]
    fn what_is_written_is_charted() {
        let numbers = chart(".n");
        assert_eq!((numbers.kind, numbers.records, numbers.left_out), (Kind::Distribution, 99, 1));
        let texts = chart(".g");
        assert_eq!((texts.texts["g0"], texts.texts["g1"]), (50, 49));
        let lines = chart(".n * 2 over .t by .g");
        assert_eq!((lines.kind, lines.is_time, lines.series.len()), (Kind::Mean, true, 2));
        let counts = chart("count over .n");
        assert_eq!((counts.kind, counts.is_time, counts.records), (Kind::Count, false, 99));
        assert_eq!(chart(".no over .t").left_out, 100);
        for time in [".t[:10]", ".t[:19]", "\"2013-01-01 10:00:00\""] {
            let days = chart(&format!("count over {time}"));
            assert_eq!((days.is_time, days.records), (true, 99), "{time}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for bad in [".a by .b", ".a over", ".a over |", "nosuch"] {
            assert!(Charting::new(bad, 0).is_err(), "{bad}");
        }
    }

    #[test]
    fn in_place_of_an_aggregate_it_is_said_what_to_write() {
        for (text, said) in [
            ("avg(.x)", "write .x over .time"),
            ("avg(.x + 1) over .t by .g", "write .x + 1 over .time"),
            ("mean .x", "write .x over .time"),
            ("count", "write count over .time"),
            ("count(*) over .t", "write count over .time"),
            ("p99(.x) over .t", "the tool aggregate has p99"),
            ("sum(.x)", "means (.x over .time)"),
            ("nosuch(.x)", "nosuch"),
        ] {
            let why = Charting::new(text, 0).err().unwrap();
            assert!(why.contains(said), "{text}: {why}");
        }
        // What jq has, too, is taken.
        assert!(Charting::new("first(.a)", 0).is_ok() && Charting::new(".a | min", 0).is_ok());
    }
}
