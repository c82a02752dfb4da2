//! Plain files, one after the other. Only the last one may grow, and is followed by its name when
//! it is rotated.

use std::ops::Range;
use std::sync::Arc;

use super::chunk::Chunk;
use super::feed::{Advance, Command, Feed, command_of_files};
use super::lines_file::LinesFile;
use super::plain_file::{PlainFile, Successor};
use crate::tui::row::Changes;

/// Plain files.
pub struct LinesFiles {
    files: Vec<LinesFile>,
    /// How often all records have changed, beside what the files say.
    replaced: u64,
    note: Option<String>,
    /// Before the files up to the one that is being seen, and that one: how many records.
    begins: Vec<u64>,
}

impl LinesFiles {
    /// These files, in order; there is at least one.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn new(files: Vec<PlainFile>) -> anyhow::Result<LinesFiles> {
        let files: anyhow::Result<Vec<LinesFile>> = files.into_iter().map(LinesFile::new).collect();
        Ok(LinesFiles::of(files?))
    }

    fn of(files: Vec<LinesFile>) -> LinesFiles {
        LinesFiles { files, replaced: 0, note: None, begins: vec![0] }
    }

    /// Goes on with the file that has the name of the last one now, if that is another one: after
    /// it, or in its place if it is gone. Says whether there is one.
    fn rotate(&mut self) -> anyhow::Result<bool> {
        let Some(last) = self.files.last_mut() else { return Ok(false) };
        match last.successor()? {
            Some(Successor::Renamed(next)) => {
                self.note = Some(format!("{} was rotated: the new file follows", next.name));
                self.files.push(LinesFile::new(next)?);
                Ok(true)
            }
            Some(Successor::Replaced(next)) => {
                self.note = Some(format!("{} was replaced by another file", next.name));
                self.replaced += 1 + last.changes().all;
                let mut next = LinesFile::new(next)?;
                next.begin_at(last.span().start);
                *last = next;
                Ok(true)
            }
            None => Ok(false),
        }
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
        if file.advance()? == Advance::More || is_last && file.progress().is_some() {
            return Ok(Advance::More);
        }
        if is_last && !self.rotate()? {
            return Ok(Advance::Idle);
        }
        let end = self.span().end;
        if let Some(next) = self.files.get_mut(at + 1) {
            next.begin_at(end);
            self.begins.push(end);
        }
        Ok(Advance::More)
    }

    fn settled(&self) -> u64 {
        self.current().map_or(0, LinesFile::settled)
    }

    fn changes(&self) -> Changes {
        let each = self.files.iter().map(LinesFile::changes);
        each.fold(Changes { last: 0, all: self.replaced }, |sum, one| Changes {
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

    fn note(&self) -> Option<String> {
        self.note.clone().or_else(|| self.files.iter().rev().find_map(LinesFile::note))
    }

    fn command(
        &mut self,
        numbers: Option<Range<u64>>,
        condition: Option<&str>,
    ) -> anyhow::Result<Command> {
        if !self.files.iter().all(LinesFile::is_verbatim) {
            anyhow::bail!("a file of this format has no command here; s saves the records");
        }
        command_of_files(self.files.iter().map(LinesFile::name), numbers, condition)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::lines_file::tests::{ndjson, open};
    use super::*;
    use crate::tui::row::ROW_BYTES_MAX;

    /// The records as they are now.
    fn texts(files: &mut LinesFiles) -> Vec<String> {
        while files.advance().unwrap() == Advance::More {}
        let span = files.span();
        let text = |number| {
            let chunk = files.chunk(number).unwrap().unwrap();
            String::from_utf8_lossy(chunk.record(number).unwrap()).into_owned()
        };
        span.map(text).collect()
    }

    #[test]
    fn records_of_all_files_are_numbered_through() {
        let dir = tempfile::tempdir().unwrap();
        let texts = ["1\n2\n", "", "3", "4\n5\n"];
        let opened = |(at, text): (usize, &&str)| {
            let path = dir.path().join(at.to_string());
            std::fs::write(&path, text).unwrap();
            open(&path, &ndjson(1000))
        };
        let mut files = LinesFiles::of(texts.iter().enumerate().map(opened).collect());
        while files.advance().unwrap() == Advance::More {}
        assert_eq!((files.span(), files.progress()), (0..5, None));
        for number in (0..5).rev() {
            let chunk = files.chunk(number).unwrap().unwrap();
            let row = chunk.row(number, ROW_BYTES_MAX).unwrap();
            assert_eq!((row.number, &*row.text), (number, (number + 1).to_string().as_bytes()));
        }
    }

    #[test]
    fn a_file_that_is_rotated_is_followed_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "1\n2").unwrap();
        let mut files = LinesFiles::of(vec![open(&path, &ndjson(1000))]);
        assert_eq!(texts(&mut files), ["1", "2"]);
        // What is still written to the old file counts, and the new one may come later.
        let mut old = std::fs::File::options().append(true).open(&path).unwrap();
        std::fs::rename(&path, dir.path().join("f.1")).unwrap();
        old.write_all(b"0\n").unwrap();
        assert_eq!(texts(&mut files), ["1", "20"]);
        std::fs::write(&path, "3\n").unwrap();
        assert_eq!((texts(&mut files), files.changes().all), (strings(&["1", "20", "3"]), 0));
        assert!(files.note().unwrap().ends_with("was rotated: the new file follows"));
        // A file that is replaced is another one from its beginning on.
        std::fs::write(dir.path().join("new"), "4\n5\n").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        assert_eq!((texts(&mut files), files.changes().all), (strings(&["1", "20", "4", "5"]), 1));
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }
}
