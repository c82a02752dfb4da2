//! Several plain files, one after the other. Only the last one may grow.

use std::ops::Range;
use std::sync::Arc;

use super::chunk::Chunk;
use super::feed::{Advance, Command, Feed, command_of_files};
use super::lines_file::LinesFile;
use crate::tui::row::Changes;

/// Plain NDJSON files.
pub struct LinesFiles {
    files: Vec<LinesFile>,
    /// Before the files up to the one that is being seen, and that one: how many records.
    begins: Vec<u64>,
}

impl LinesFiles {
    /// These files, in order; there is at least one.
    pub fn new(files: Vec<LinesFile>) -> LinesFiles {
        LinesFiles { files, begins: vec![0] }
    }

    /// The file that is being seen.
    fn current(&self) -> Option<&LinesFile> {
        self.files.get(self.begins.len() - 1)
    }
}

impl Feed for LinesFiles {
    fn span(&self) -> Range<u64> {
        0..self.current().map_or(0, |file| file.span().end)
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let at = self.begins.partition_point(|begin| *begin <= number).saturating_sub(1);
        self.files.get_mut(at).map_or(Ok(None), |file| file.chunk(number))
    }

    fn advance(&mut self) -> anyhow::Result<Advance> {
        let at = self.begins.len() - 1;
        let is_last = at + 1 == self.files.len();
        let Some(file) = self.files.get_mut(at) else { return Ok(Advance::Idle) };
        if file.advance()? == Advance::More || is_last {
            let is_done = is_last && file.progress().is_none();
            return Ok(if is_done { Advance::Idle } else { Advance::More });
        }
        let end = self.span().end;
        self.begins.push(end);
        self.files.get_mut(at + 1).into_iter().for_each(|file| file.begin_at(end));
        Ok(Advance::More)
    }

    fn settled(&self) -> u64 {
        self.current().map_or(0, LinesFile::settled)
    }

    fn changes(&self) -> Changes {
        let each = self.files.iter().map(LinesFile::changes);
        each.fold(Changes::default(), |sum, one| Changes {
            last: sum.last + one.last,
            all: sum.all + one.all,
        })
    }

    fn progress(&self) -> Option<u16> {
        let share = 1000 / self.files.len().max(1);
        let done = (self.begins.len() - 1) * share;
        let is_last = self.begins.len() == self.files.len();
        match self.current().and_then(LinesFile::progress) {
            Some(part) => Some((done + usize::from(part) * share / 1000) as u16),
            None if is_last => None,
            None => Some(done as u16),
        }
    }

    fn has_ended(&self) -> bool {
        self.progress().is_none()
    }

    fn command(
        &mut self,
        numbers: Option<Range<u64>>,
        condition: Option<&str>,
    ) -> anyhow::Result<Command> {
        command_of_files(self.files.iter().map(LinesFile::name), numbers, condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::row::ROW_BYTES_MAX;

    #[test]
    fn records_of_all_files_are_numbered_through() {
        let dir = tempfile::tempdir().unwrap();
        let texts = ["1\n2\n", "", "3", "4\n5\n"];
        let open = |(at, text): (usize, &&str)| {
            let path = dir.path().join(at.to_string());
            std::fs::write(&path, text).unwrap();
            LinesFile::open(&path, 1000).unwrap().unwrap()
        };
        let mut files = LinesFiles::new(texts.iter().enumerate().map(open).collect());
        while files.advance().unwrap() == Advance::More {}
        assert_eq!((files.span(), files.progress()), (0..5, None));
        for number in (0..5).rev() {
            let chunk = files.chunk(number).unwrap().unwrap();
            let row = chunk.row(number, ROW_BYTES_MAX).unwrap();
            assert_eq!((row.number, &*row.text), (number, (number + 1).to_string().as_bytes()));
        }
    }
}
