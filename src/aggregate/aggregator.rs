//! The whole of an aggregation: records and watermarks in, results out.

use super::emit::Layout;
use super::fault::{Fault, StreamError};
use super::plan::Plan;
use super::table::Table;
use super::windows::Windows;
use crate::expr::Value;
use crate::record::control::Mark;
use crate::time::Interval;
use crate::time::interval::{END_FIELD, START_FIELD};
use crate::time::timestamp::parse_ms;

/// Reduces a stream of records.
///
/// A stream that says how it is windowed has results for each window when the watermark passes its
/// end; any other has results at its end.
pub struct Aggregator {
    plan: Plan,
    layout: Layout,
    state: State,
    /// The key of the record in hand.
    key: Vec<u8>,
    window: [Bound; 2],
    late_records: u64,
}

enum State {
    /// One set of results for the whole input.
    Whole(Table),
    /// One for each window.
    Windowed(Windows),
}

/// What the end of the input, or of our patience, leaves without results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreported {
    /// Nothing: all results are out.
    Nothing,
    /// The whole: results come at the end of the input only.
    Whole,
    /// So many open windows; the final watermark has not come.
    Windows(usize),
}

impl Aggregator {
    /// Starts on a stream.
    pub fn new(plan: Plan) -> Aggregator {
        Aggregator {
            layout: plan.layout(),
            state: State::Whole(plan.table()),
            plan,
            key: Vec::new(),
            window: [Bound::of(START_FIELD), Bound::of(END_FIELD)],
            late_records: 0,
        }
    }

    /// Takes a record. A record of a window that is closed is late: it is counted, no more.
    ///
    /// # Errors
    /// When the record is at fault.
    pub fn record(&mut self, record: &[u8]) -> Result<(), Fault> {
        self.plan.program.load(record)?;
        if !record.trim_ascii_start().starts_with(b"{") {
            return Err(Fault::NotAnObject);
        }
        let table = match &mut self.state {
            State::Whole(table) => table,
            State::Windowed(windows) => {
                let interval = read_window(&mut self.window, &mut self.plan)?;
                match windows.enter(interval, || self.plan.table())? {
                    Some(open) => &mut open.table,
                    None => {
                        self.late_records += 1;
                        return Ok(());
                    }
                }
            }
        };
        self.key.clear();
        self.plan.write_key(&mut self.key)?;
        let found = table.find(&self.key);
        self.plan.stage(found.group, &mut table.columns)?;
        let group = table.enter(found, &self.key);
        for column in &mut table.columns {
            column.apply(group);
        }
        Ok(())
    }

    /// The stream says that it is windowed from here on.
    ///
    /// # Errors
    /// When records without windows came before, or a result's name is taken by the window.
    pub fn begin_windows(&mut self) -> Result<(), StreamError> {
        for name in [START_FIELD, END_FIELD] {
            if let Some(text) = self.plan.text_of(name) {
                return Err(StreamError::Clash { text: text.to_owned(), name });
            }
        }
        match &mut self.state {
            State::Whole(table) if table.is_empty() => {
                self.state = State::Windowed(Windows::default());
                Ok(())
            }
            State::Whole(_) => Err(StreamError::Mixed),
            State::Windowed(windows) => {
                windows.begin();
                Ok(())
            }
        }
    }

    /// Takes a watermark: appends the results of the windows that it closes, one object a line. A
    /// stream without windows has no use for it.
    pub fn watermark(&mut self, mark: Mark, out: &mut Vec<u8>) {
        if let State::Windowed(windows) = &mut self.state {
            windows.close(mark, |open| self.layout.write(&open.head, &open.table, out));
        }
    }

    /// The input has ended: appends the results of a stream without windows. Without groups there
    /// is always one result, as in SQL, also of no records. Windows stay open: only the final
    /// watermark says that nothing is missing from them.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let State::Whole(table) = &mut self.state {
            if !self.plan.is_grouped() {
                table.enter(table.find(b""), b"");
            }
            self.layout.write(b"", table, out);
        }
    }

    /// What has no results, if the stream ends here and [`Aggregator::finish`] is not called.
    pub fn unreported(&self) -> Unreported {
        match &self.state {
            State::Whole(_) => Unreported::Whole,
            State::Windowed(windows) if windows.ended() => Unreported::Nothing,
            State::Windowed(windows) => Unreported::Windows(windows.open_count()),
        }
    }

    /// How many records were late.
    pub fn late_records(&self) -> u64 {
        self.late_records
    }
}

/// One end of the window of the last record: neighbours often share it.
struct Bound {
    field: &'static str,
    text: String,
    ms: i64,
}

impl Bound {
    fn of(field: &'static str) -> Bound {
        Bound { field, text: String::new(), ms: 0 }
    }

    fn read(&mut self, value: &Value<'_>) -> Result<i64, Fault> {
        let field = self.field;
        let Value::Text(text) = value else { return Err(Fault::NoWindow(field)) };
        if *text != self.text {
            // Nothing empty is a time, so an empty text here always means that none is known.
            self.text.clear();
            self.ms = parse_ms(text).map_err(|error| Fault::Bound { field, error })?;
            self.text.push_str(text);
        } else if text.is_empty() {
            return Err(Fault::NoWindow(field));
        }
        Ok(self.ms)
    }
}

fn read_window(bounds: &mut [Bound; 2], plan: &mut Plan) -> Result<Interval, Fault> {
    let mut ends_ms = [0; 2];
    for ((bound, ms), expression) in
        bounds.iter_mut().zip(&mut ends_ms).zip(plan.window_expressions())
    {
        *ms = bound.read(&plan.program.value(expression)?)?;
    }
    let [start_ms, end_ms] = ends_ms;
    if start_ms < end_ms { Ok(Interval { start_ms, end_ms }) } else { Err(Fault::EmptyWindow) }
}
