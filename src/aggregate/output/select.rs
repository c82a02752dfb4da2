//! Which results come out: those that meet a condition, the best of them.

use super::condition::Condition;
use super::emit::{Layout, Row};
use super::ranking::{Ranking, Top};
use crate::aggregate::fault::HavingError;
use crate::aggregate::functions::function::Column;
use crate::expr::ExprError;

/// Which of a window's results come out, and in which order.
#[derive(Default)]
pub struct Selection {
    having: Option<Condition>,
    top: Option<Top>,
}

/// Why a selection makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Not of the form.
    #[error("'{0}' is not of the form K:NAME; write it like 10:count")]
    Form(String),
    /// Which of several aggregates is to rank?
    #[error("rank by which of {known}? write it like {count}:{first}")]
    Several {
        /// How many results.
        count: String,
        /// One of the names.
        first: String,
        /// All of them.
        known: String,
    },
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
        self.having = Some(Condition::compile(condition)?);
        Ok(())
    }

    /// Lets only the best results pass, best first: `K:NAME` for the K for which the aggregate NAME
    /// is greatest; `K` where there is one aggregate. With `ties` those that are as good as the
    /// last of them pass too.
    ///
    /// # Errors
    /// When `text` does not have this form, or a name that is not in `names`.
    pub fn top(&mut self, text: &str, ties: bool, names: &[&str]) -> Result<(), SelectError> {
        let wrong = || SelectError::Form(text.to_owned());
        let (count, name) = match text.split_once(':') {
            Some((count, name)) => (count, name.trim()),
            None => match names {
                [name] => (text, *name),
                [] => return Err(wrong()),
                [first, ..] => {
                    let (count, first) = (text.to_owned(), (*first).to_owned());
                    return Err(SelectError::Several { count, first, known: names.join(", ") });
                }
            },
        };
        let count: u32 = count.trim().parse().map_err(|_| wrong())?;
        if count == 0 {
            return Err(wrong());
        }
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

    /// The results are those of `layout`: what the condition reads of them is found there.
    pub(in crate::aggregate) fn place(&mut self, layout: &Layout) {
        if let Some(condition) = &mut self.having {
            condition.place(layout);
        }
    }

    /// Whether a result passes the condition.
    pub(in crate::aggregate) fn passes(&mut self, result: &[u8]) -> Result<bool, HavingError> {
        self.having.as_mut().map_or(Ok(true), |condition| condition.holds(result))
    }

    /// Whether a result passes the condition, which need not be written for it.
    pub(in crate::aggregate) fn passes_row(
        &mut self,
        row: &Row<'_>,
        layout: &Layout,
        columns: &mut [Box<dyn Column>],
    ) -> Result<bool, HavingError> {
        let Some(condition) = &mut self.having else { return Ok(true) };
        condition.holds_for(row, layout, columns)
    }

    /// What finds the best results, if only those are wanted.
    pub(in crate::aggregate) fn ranking<'a>(&self) -> Option<Ranking<'a>> {
        self.top.map(Ranking::new)
    }

    /// Which of the results are wanted, and how they are ranked, if not all are.
    pub(in crate::aggregate) fn wanted(&self) -> Option<Top> {
        self.top
    }

    /// Whether only the best results pass.
    pub(in crate::aggregate) fn is_ranked(&self) -> bool {
        self.top.is_some()
    }

    /// How many bytes of memory it takes to select.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        self.having.as_ref().map_or(0, Condition::bytes)
    }
}
