//! The files that an operator's other outputs go to.

use std::path::Path;

use super::keep::Keep;
use crate::operator::Side;

/// Other outputs beside standard output, those that are wanted.
#[derive(Debug, Default)]
pub struct Sides(Vec<SideLines>);

#[derive(Debug)]
struct SideLines {
    side: Side,
    /// Lines on their way.
    lines: Vec<u8>,
    /// Where they are kept; nowhere for a worker, whose lines another one takes.
    keep: Option<Keep>,
    /// Whether some could not be written there.
    failed: bool,
}

impl Sides {
    /// Keeps the lines of `side` in a file.
    pub fn add(&mut self, side: Side, keep: Keep) {
        self.0.push(SideLines { side, lines: Vec::new(), keep: Some(keep), failed: false });
    }

    /// The same sides, whose lines [`Sides::append`] takes.
    pub(super) fn apart(&self) -> Sides {
        let apart = |one: &SideLines| SideLines {
            side: one.side,
            lines: Vec::new(),
            keep: None,
            failed: false,
        };
        Sides(self.0.iter().map(apart).collect())
    }

    /// Takes the lines of sides that were made apart.
    pub(super) fn append(&mut self, apart: Sides) {
        for (one, other) in self.0.iter_mut().zip(apart.0) {
            one.lines.extend_from_slice(&other.lines);
        }
    }

    /// The lines of a side; none if it is not wanted.
    pub(super) fn lines(&mut self, side: Side) -> Option<&mut Vec<u8>> {
        self.0.iter_mut().find(|one| one.side == side).map(|one| &mut one.lines)
    }

    /// Writes all lines where they are kept.
    ///
    /// # Errors
    /// When writing fails; these lines are lost.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let mut flushed = Ok(());
        for one in &mut self.0 {
            if let Some(keep) = one.keep.as_mut().filter(|_| !one.lines.is_empty()) {
                let written = keep.write(&one.lines);
                one.lines.clear();
                one.failed |= written.is_err();
                flushed = flushed.and(written);
            }
        }
        flushed
    }

    /// Where the lines of a side are kept, and whether all of them are; none if it is not wanted.
    pub fn kept(&self, side: Side) -> Option<(&Path, bool)> {
        let one = self.0.iter().find(|one| one.side == side)?;
        Some((one.keep.as_ref()?.path(), !one.failed))
    }
}
