//! Which results come out: those that meet a condition, the best of them.

use std::cmp::{Ordering, Reverse};

use super::emit::Row;
use crate::aggregate::fault::HavingError;
use crate::aggregate::functions::function::Column;
use crate::expr::{ExprError, Program};
use crate::record::number::Number;

/// How much of a result, in characters, a message shows.
const RESULT_CHARS_MAX: usize = 200;

/// Which of a window's results come out, and in which order.
#[derive(Default)]
pub struct Selection {
    having: Option<Program>,
    top: Option<Top>,
}

/// The best results.
#[derive(Clone, Copy, Debug)]
struct Top {
    count: usize,
    /// The aggregate that they are ranked by.
    column: usize,
    /// Whether those that are as good as the last of them come too.
    ties: bool,
}

/// Why a selection makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Not of the form.
    #[error("'{0}' is not of the form K:NAME; write it like 10:count")]
    Form(String),
    /// The name is not one of an aggregate.
    #[error("there is no aggregate '{name}' to rank by; the aggregates are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

impl Selection {
    /// Lets only those results pass for which `condition`, a jq expression over the result, is
    /// neither false nor null.
    ///
    /// # Errors
    /// When the expression does not compile.
    pub fn having(&mut self, condition: &str) -> Result<(), ExprError> {
        let program = Program::compile(&[condition])?;
        program.check_condition(0)?;
        self.having = Some(program);
        Ok(())
    }

    /// Lets only the best results pass, best first: `K:NAME` for the K for which the aggregate NAME
    /// is greatest. With `ties` those that are as good as the last of them pass too.
    ///
    /// # Errors
    /// When `text` does not have this form, or a name that is not in `names`.
    pub fn top(&mut self, text: &str, ties: bool, names: &[&str]) -> Result<(), SelectError> {
        let (count, name) = text
            .split_once(':')
            .and_then(|(count, name)| Some((count.trim().parse::<u32>().ok()?, name.trim())))
            .filter(|(count, _)| *count > 0)
            .ok_or_else(|| SelectError::Form(text.to_owned()))?;
        let column = names.iter().position(|known| *known == name);
        let column = column.ok_or_else(|| SelectError::Unknown {
            name: name.to_owned(),
            known: names.join(", "),
        })?;
        // Where a count is wider than memory, all results are among the best.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.top = Some(Top { count, column, ties });
        Ok(())
    }

    /// Whether all results pass, in the order in which the groups came.
    pub fn is_all(&self) -> bool {
        self.having.is_none() && self.top.is_none()
    }

    /// Whether a result passes the condition.
    pub(in crate::aggregate) fn passes(&mut self, result: &[u8]) -> Result<bool, HavingError> {
        let Some(program) = &mut self.having else { return Ok(true) };
        let passes = program.load(result).and_then(|mut result| result.truth(0));
        passes.map_err(|error| HavingError {
            condition: program.source(0).to_owned(),
            result: beginning(&String::from_utf8_lossy(result)),
            error,
        })
    }

    /// Whether only the best results pass.
    pub(in crate::aggregate) fn is_ranked(&self) -> bool {
        self.top.is_some()
    }

    /// How many bytes of memory it takes at most to find the best of so many results.
    pub(in crate::aggregate) fn bytes_for(&self, rows: usize) -> usize {
        // To sort takes another half of them.
        self.top.map_or(0, |_| rows * size_of::<(Rank, Row<'_>)>() * 3 / 2)
    }

    /// The best of `rows`, best first; of those that are as good, the first. All of them, as they
    /// are, if all are wanted.
    pub(in crate::aggregate) fn best<'a>(
        &self,
        columns: &mut [Box<dyn Column>],
        rows: Vec<Row<'a>>,
    ) -> Vec<Row<'a>> {
        let Some(top) = self.top else { return rows };
        let mut value = Vec::new();
        let mut ranked: Vec<(Rank, Row<'a>)> = Vec::with_capacity(rows.len());
        for row in rows {
            value.clear();
            if let Some(column) = columns.get_mut(top.column) {
                column.write(row.group, row.scope, &mut value);
            }
            ranked.push((Rank::of(&value), row));
        }
        ranked.sort_by(|(one, _), (other, _)| Reverse(one).cmp(&Reverse(other)));
        let last = top.count.checked_sub(1).and_then(|last| ranked.get(last));
        let tied = |(rank, _): &&(Rank, Row<'_>)| last.is_some_and(|(last, _)| last == rank);
        let behind = ranked.iter().skip(top.count);
        let ties = if top.ties { behind.take_while(tied).count() } else { 0 };
        ranked.truncate(top.count.saturating_add(ties));
        ranked.into_iter().map(|(_, row)| row).collect()
    }
}

/// A result as a message shows it.
fn beginning(result: &str) -> String {
    match result.char_indices().nth(RESULT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &result[..end]),
        None => result.to_owned(),
    }
}

/// A result to compare: jq's order, but for arrays and objects, which are compared as spelled.
#[derive(Debug)]
enum Rank {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Json(Vec<u8>),
}

impl Rank {
    fn of(json: &[u8]) -> Rank {
        let text = || str::from_utf8(json).unwrap_or_default();
        match json.first() {
            None | Some(b'n') => Rank::Null,
            Some(b't') => Rank::Bool(true),
            Some(b'f') => Rank::Bool(false),
            Some(b'"') => Rank::Text(serde_json::from_slice(json).unwrap_or_default()),
            Some(b'[' | b'{') => Rank::Json(json.to_vec()),
            // What is beyond the floats in size is so on one of the two sides.
            Some(_) => Rank::Number(Number::parse(text()).unwrap_or(Number::Float(
                if json.starts_with(b"-") { f64::MIN } else { f64::MAX },
            ))),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Rank::Null => 0,
            Rank::Bool(_) => 1,
            Rank::Number(_) => 2,
            Rank::Text(_) => 3,
            Rank::Json(_) => 4,
        }
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        match (self, other) {
            (Rank::Bool(one), Rank::Bool(other)) => one.cmp(other),
            (Rank::Number(one), Rank::Number(other)) => one.compare(*other),
            (Rank::Text(one), Rank::Text(other)) => one.cmp(other),
            (Rank::Json(one), Rank::Json(other)) => one.cmp(other),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rank {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_ranked_as_jq_orders_them() {
        let rising = [
            "null",
            "false",
            "true",
            "-1e300",
            "-2",
            "9.5",
            "10",
            "1e400",
            "\"\"",
            "\"B\"",
            "\"\\u0061\"",
            "[1]",
            "{}",
        ];
        for (at, one) in rising.iter().enumerate() {
            for (other_at, other) in rising.iter().enumerate() {
                let order = Rank::of(one.as_bytes()).cmp(&Rank::of(other.as_bytes()));
                assert_eq!(order, at.cmp(&other_at), "{one} {other}");
            }
        }
        assert_eq!(Rank::of(b"1.0"), Rank::of(b"1"));
        assert_eq!(Rank::of(b"\"a\""), Rank::of(b"\"\\u0061\""));
    }
}
