//! The table of a window, completed with the groups that have no record in it.

use std::collections::HashSet;

use super::fill::Fill;
use crate::aggregate::fault::StreamError;
use crate::aggregate::table::Table;
use crate::time::Interval;

/// Adds the groups that have no record in a window to its table, whose groups all have some; gives
/// how many there were before. The window `stays` open or not.
///
/// # Errors
/// When that are too many.
pub(in crate::aggregate) fn complete(
    table: &mut Table,
    window: Interval,
    fill: &mut Fill,
    stays: bool,
) -> Result<usize, StreamError> {
    let count = table.len();
    // Before those with records are seen: one that was forgotten comes in their order again.
    fill.forget(window.end_ms);
    for group in table.in_order() {
        fill.see(table.key(group), window.end_ms)?;
    }
    fill.pass(window);
    for key in fill.groups() {
        table.enter(table.find(key), key, u64::MAX);
    }
    fill.count(table.len() - count, stays)?;
    Ok(count)
}

/// The groups of a table: those that windows are filled with in the order in which the stream had
/// them, then the others.
pub(in crate::aggregate) fn order(table: &Table, fill: &Fill) -> Vec<usize> {
    let mut order: Vec<usize> = fill.groups().filter_map(|key| table.find(key).number).collect();
    if order.len() < table.len() {
        let known: HashSet<usize> = order.iter().copied().collect();
        order.extend(table.in_order().filter(|group| !known.contains(group)));
    }
    order
}
